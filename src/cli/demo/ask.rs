//! Asks the demo's server as `dig` would: over UDP.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// One answer: the SRV records, the preferred first. Servers turn the order, clients sort by priority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SeenAnswer {
    /// The TTL in seconds; nothing if there is no record.
    pub(super) ttl: Option<u32>,
    /// The hosts.
    pub(super) hosts: Vec<String>,
    /// The records as `dig` prints them.
    pub(super) lines: Vec<String>,
}

/// Asks for the SRV set of `owner`.
///
/// # Errors
/// If there is no answer within a second, or it is none.
pub(super) async fn srv(server: SocketAddr, owner: &str) -> std::io::Result<SeenAnswer> {
    let name: Name = owner.parse().map_err(std::io::Error::other)?;
    let mut query = Message::new(4711, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(name, RecordType::SRV));
    let socket = UdpSocket::bind(SocketAddr::new(server.ip(), 0)).await?;
    socket.connect(server).await?;
    socket.send(&query.to_vec().map_err(std::io::Error::other)?).await?;
    let mut buffer = [0u8; 1232];
    let length = timeout(Duration::from_secs(1), socket.recv(&mut buffer)).await??;
    let message = Message::from_vec(buffer.get(..length).unwrap_or_default()).map_err(std::io::Error::other)?;
    Ok(read(&message, owner))
}

fn read(message: &Message, owner: &str) -> SeenAnswer {
    let mut records: Vec<(u16, u16, u32, String, String)> = Vec::new();
    for record in &message.answers {
        if let RData::SRV(srv) = &record.data {
            let (priority, weight, ttl) = (srv.priority, srv.weight, record.ttl);
            let line = format!("{owner}  {ttl}  IN  SRV  {priority} {weight} {} {}", srv.port, srv.target);
            records.push((priority, u16::MAX - weight, ttl, srv.target.to_string(), line));
        }
    }
    records.sort();
    SeenAnswer {
        ttl: records.first().map(|(_, _, ttl, ..)| *ttl),
        hosts: records.iter().map(|(_, _, _, host, _)| host.clone()).collect(),
        lines: records.into_iter().map(|(.., line)| line).collect(),
    }
}
