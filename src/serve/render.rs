//! From a plan to octets, within a limit.
//!
//! What does not fit is decided here, by whole sets: an answer that lacks a required set has the TC bit, other
//! additional sets are omitted without it (RFC 2181 §9, RFC 9471 §3). The OPT record always stays (RFC 6891 §7).

use crate::zone::Rtype;
use crate::zone::compress::Compressor;

use super::Context;
use super::edns::Reply;
use super::plan::{Data, HEADER_LENGTH, Item, Plan};
use super::query::{Header, QueryView};
use super::rcode::Rcode;

/// Returns the longest answer to a query, in octets.
pub fn limit(query: &QueryView<'_>, context: &Context<'_>) -> usize {
    if !context.client.transport.kind().is_datagram {
        return usize::from(u16::MAX);
    }
    let client = query.edns.map_or(512, |edns| edns.payload.max(512));
    usize::from(client.min(context.settings.udp_size.max(512)).min(context.client.largest))
}

/// Writes an answer into `message`, whatever was in it; returns whether it is truncated.
pub fn render(plan: &Plan<'_>, query: &QueryView<'_>, limit: usize, message: &mut Vec<u8>) -> bool {
    message.clear();
    message.extend_from_slice(&[0; HEADER_LENGTH]);
    let mut compressor = Compressor::new();
    if let Some(question) = query.question {
        message.extend_from_slice(question.octets);
        compressor.remember(HEADER_LENGTH, question.name);
    }
    let reserved = plan.edns.as_ref().map_or(0, Reply::reserved);
    let mut writer =
        Writer { plan, query, message, compressor, limit: limit.saturating_sub(reserved), truncated: plan.truncate };
    let answers = writer.section(plan.answer.iter());
    let authorities = writer.section(plan.authority.iter());
    let mut additionals = writer.section(plan.additional.iter());
    let truncated = writer.truncated;
    if let Some(reply) = &plan.edns {
        reply.write(message, plan.rcode, limit);
        additionals += 1;
    }
    let counts = [u16::from(query.question.is_some()), answers, authorities, additionals];
    write_header(message, response_header(query.header, plan.rcode, plan.authoritative, truncated), counts);
    truncated
}

/// Writes an answer to a query of which only the header can be read.
pub fn render_fault(query: Header, rcode: Rcode, message: &mut Vec<u8>) {
    message.clear();
    message.extend_from_slice(&[0; HEADER_LENGTH]);
    write_header(message, response_header(query, rcode, false, false), [0; 4]);
}

struct Writer<'w, 'a> {
    plan: &'w Plan<'a>,
    query: &'w QueryView<'a>,
    message: &'w mut Vec<u8>,
    compressor: Compressor,
    /// The octets that records may fill up to.
    limit: usize,
    truncated: bool,
}

impl<'w, 'a> Writer<'w, 'a> {
    /// Writes the sets that fit; returns the number of records. After a needed set that did not fit comes no other.
    fn section(&mut self, items: impl Iterator<Item = &'w Item<'a>>) -> u16
    where
        'a: 'w,
    {
        let mut count = 0;
        for item in items {
            if self.truncated {
                break;
            }
            let (length, mark) = (self.message.len(), self.compressor.mark());
            let written = self.item(item);
            if self.message.len() <= self.limit {
                count += written;
            } else {
                self.message.truncate(length);
                self.compressor.back(mark);
                self.truncated = item.required;
            }
        }
        count
    }

    /// Writes one set and its signatures; returns the number of records.
    fn item(&mut self, item: &Item<'_>) -> u16 {
        let mut count = self.data(item);
        for rdata in item.signature_rdatas() {
            // The signer's name stands in full (RFC 4034 §3.1.7).
            self.record(item, Rtype::RRSIG, item.ttl, |message, _| message.extend_from_slice(rdata));
            count += 1;
        }
        count
    }

    fn data(&mut self, item: &Item<'_>) -> u16 {
        let rtype = item.rtype();
        match item.data {
            Data::Set(set) => {
                let mut count = 0;
                let _all = self.plan.order.each(set, |rdata| {
                    let ttl = item.ttl_of(rdata);
                    self.record(item, rtype, ttl, |message, compressor| compressor.write_rdata(message, rtype, rdata));
                    count += 1;
                    // What goes beyond is taken back as a whole.
                    (self.message.len() <= self.limit).then_some(())
                });
                count
            }
            Data::Cname(target) => {
                let plan = self.plan;
                self.record(item, rtype, item.ttl, |message, compressor| {
                    compressor.write(message, plan.synthesized_name(target));
                });
                1
            }
            Data::Text(start, end) => {
                let string = character_string(start, end);
                self.record(item, rtype, item.ttl, |message, _| message.extend_from_slice(&string));
                1
            }
        }
    }

    fn record(&mut self, item: &Item<'_>, rtype: Rtype, ttl: u32, write: impl FnOnce(&mut Vec<u8>, &mut Compressor)) {
        let owner = self.plan.name(item.owner, self.query);
        self.compressor.write(self.message, owner);
        self.message.extend_from_slice(&rtype.0.to_be_bytes());
        self.message.extend_from_slice(&self.plan.class.to_be_bytes());
        self.message.extend_from_slice(&ttl.to_be_bytes());
        let length_place = self.message.len();
        self.message.extend_from_slice(&[0; 2]);
        write(self.message, &mut self.compressor);
        // RDATA of a set is at most 65,535 octets long and compression only shortens it.
        let length = u16::try_from(self.message.len() - length_place - 2).unwrap_or(u16::MAX);
        put(self.message, length_place, length);
    }
}

/// Returns one character string of two pieces (RFC 1035 §3.3), cut at its longest.
pub(super) fn character_string(start: &str, end: &[u8]) -> Vec<u8> {
    let text = start.bytes().chain(end.iter().copied()).take(255);
    let mut string: Vec<u8> = std::iter::once(0).chain(text).collect();
    if let (Ok(length), Some(first)) = (u8::try_from(string.len() - 1), string.first_mut()) {
        *first = length;
    }
    string
}

/// Makes the first four octets: opcode and RD are those of the query; RA, AD and CD are never set (RFC 4035 §3.1.6).
pub(super) fn response_header(query: Header, rcode: Rcode, authoritative: bool, truncated: bool) -> [u8; 4] {
    let [i0, i1] = query.id.to_be_bytes();
    let [f0, _] = query.flags;
    let [_, low] = (rcode.0 & 0x0f).to_be_bytes();
    [i0, i1, 0x80 | f0 & 0x79 | u8::from(authoritative) << 2 | u8::from(truncated) << 1, low]
}

pub(super) fn write_header(message: &mut [u8], start: [u8; 4], counts: [u16; 4]) {
    if let Some(place) = message.first_chunk_mut::<4>() {
        *place = start;
    }
    for (place, count) in (4..HEADER_LENGTH).step_by(2).zip(counts) {
        put(message, place, count);
    }
}

fn put(message: &mut [u8], place: usize, number: u16) {
    if let Some(octets) = message.get_mut(place..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *octets = number.to_be_bytes();
    }
}
