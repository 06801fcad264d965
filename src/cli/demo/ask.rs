//! Asks the demo's server as `dig` would: over UDP.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Asks for the SRV set of `owner`; returns its records as in a zone file, sorted. No record is no line.
///
/// # Errors
/// If there is no answer within a second, or it is none.
pub(super) async fn srv(server: SocketAddr, owner: &str) -> std::io::Result<Vec<String>> {
    let name: Name = owner.parse().map_err(std::io::Error::other)?;
    let mut query = Message::new(4711, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(name, RecordType::SRV));
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(server).await?;
    socket.send(&query.to_vec().map_err(std::io::Error::other)?).await?;
    let mut buffer = [0u8; 1232];
    let length = timeout(Duration::from_secs(1), socket.recv(&mut buffer)).await??;
    let answer = Message::from_vec(buffer.get(..length).unwrap_or_default()).map_err(std::io::Error::other)?;
    let mut records: Vec<(u16, u16, String)> = answer
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => {
                let line =
                    format!("{:4} SRV {:2} {:3} {} {}", record.ttl, srv.priority, srv.weight, srv.port, srv.target);
                Some((srv.priority, u16::MAX - srv.weight, line))
            }
            _ => None,
        })
        .collect();
    records.sort();
    Ok(records.into_iter().map(|(_, _, line)| line).collect())
}

/// Returns the hosts of an answer without their TTLs, which change by themselves.
pub(super) fn hosts(answer: &[String]) -> Vec<String> {
    answer.iter().filter_map(|line| line.rsplit(' ').next()).map(str::to_owned).collect()
}
