//! One question, and what its answer names.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};

use crate::{PREFERRED, STANDBY};

/// The hosts or addresses that an answer names; nothing if none came.
pub(crate) struct Answer(Vec<String>);

impl Answer {
    /// Returns whether the preferred server is named.
    pub(crate) fn prefers(&self) -> bool {
        self.names("preferred", PREFERRED)
    }

    /// Returns whether the standby is named and the preferred server is not.
    pub(crate) fn is_standby(&self) -> bool {
        self.names("standby", STANDBY) && !self.prefers()
    }

    fn names(&self, host: &str, address: Ipv4Addr) -> bool {
        self.0.iter().any(|name| name.starts_with(host) || *name == address.to_string())
    }
}

/// Asks by UDP.
pub(crate) fn ask(server: SocketAddr, name: &str, rtype: RecordType) -> Answer {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(name.parse::<Name>().unwrap(), rtype));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut octets = [0; 1232];
    // Silence and refusals are answers of a server that is still starting.
    let heard = socket.send(&message.to_vec().unwrap()).and_then(|_| socket.recv(&mut octets));
    let heard = heard.ok().and_then(|length| Message::from_vec(&octets[..length]).ok());
    let name = |data: &RData| if let RData::SRV(srv) = data { srv.target.to_string() } else { data.to_string() };
    Answer(heard.iter().flat_map(|message| &message.answers).map(|record| name(&record.data)).collect())
}
