//! Good queries, and what their answers must be.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};

/// The zone that is served.
pub(crate) const ZONE: &str = include_str!("../../tests/support/sip.zone");

/// A query, and the answer that it must get.
#[derive(Clone)]
pub(crate) struct Question {
    /// With number 0.
    pub(crate) packet: Vec<u8>,
    rcode: u8,
    answers: u8,
}

impl Question {
    fn new(name: &str, rtype: RecordType, with_edns: bool, rcode: u8, answers: u8) -> Self {
        let mut message = Message::new(0, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(name.parse::<Name>().unwrap(), rtype));
        message.edns = with_edns.then(|| {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            edns
        });
        Self { packet: message.to_vec().unwrap(), rcode, answers }
    }

    /// Returns the queries of a resolver's day.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self::new("_sip._tcp.example.com.", RecordType::SRV, true, 0, 3),
            Self::new("_sip._tcp.example.com.", RecordType::SRV, false, 0, 3),
            Self::new("node1.example.com.", RecordType::A, true, 0, 1),
            Self::new("node1.example.com.", RecordType::AAAA, true, 0, 0),
            Self::new("absent.example.com.", RecordType::A, true, 3, 0),
        ]
    }

    /// Returns the one that new clients ask.
    pub(crate) fn service() -> Self {
        Self::new("_sip._tcp.example.com.", RecordType::SRV, true, 0, 3)
    }

    /// Returns the query with this number.
    pub(crate) fn numbered(&self, id: u16) -> Vec<u8> {
        [&id.to_be_bytes(), self.packet.get(2..).unwrap_or_default()].concat()
    }

    /// Returns whether these octets are its answer: the code, the number of records, the question, and not truncated.
    pub(crate) fn is_answered_by(&self, answer: &[u8]) -> bool {
        let question = 12..self.packet.len().min(12 + 20);
        matches!(answer, [_, _, flags, code, 0, 1, 0, count, ..]
            if flags & 0x82 == 0x80 && code & 0x0f == self.rcode && *count == self.answers)
            && answer.get(question.clone()) == self.packet.get(question)
    }
}
