//! A borrowed view of a query's octets.

use crate::transfer::tsig::{Refusal, Tsig};
use crate::zone::{Rtype, Serial, name};

/// What a packet asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryView<'p> {
    /// The header.
    pub header: Header,
    /// The question; nothing if there is none but an OPT record (RFC 7873 §5.4), or if the opcode is neither QUERY nor
    /// NOTIFY: the question of such a packet may mean something else.
    pub question: Option<Question<'p>>,
    /// The OPT record (RFC 6891).
    pub edns: Option<Edns<'p>>,
    /// Whether the last record is a TSIG (RFC 8945).
    pub signed: Signed<'p>,
    /// The serial of an SOA in the authority section: the version that a client of IXFR has (RFC 1995 §3). In a NOTIFY the
    /// new one, in the answer section.
    pub since: Option<Serial>,
}

/// Whether a query is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed<'p> {
    /// It is not.
    No,
    /// By a TSIG that cannot be read.
    Unreadably,
    /// By this one.
    By(Tsig<'p>),
    /// By one that has been verified.
    Verified(Tsig<'p>),
    /// By one that is refused.
    Refused(Tsig<'p>, Refusal),
}

/// What an answer needs of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The query's number.
    pub id: u16,
    /// The two octets of flags, opcode and rcode.
    pub flags: [u8; 2],
}

/// The question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'p> {
    /// The name, uncompressed.
    pub name: &'p [u8],
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: u16,
    /// The whole question as it came.
    pub octets: &'p [u8],
}

/// The OPT record of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns<'p> {
    /// The longest datagram that the client takes, in octets.
    pub payload: u16,
    /// The version.
    pub version: u8,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// The options, each with a length that lies within.
    pub options: &'p [u8],
}

/// Why a packet is no query that could be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too short for a header, or itself a response: an answer could begin a loop.
    #[error("no query: silence is the answer")]
    Silent,
    /// A header with something unreadable behind it: FORMERR.
    #[error("unreadable behind the header")]
    Faulty(Header),
}

impl Header {
    /// Returns the opcode; 0 is QUERY.
    pub const fn opcode(self) -> u8 {
        (self.flags[0] >> 3) & 0x0f
    }
}

impl<'p> QueryView<'p> {
    /// Reads a packet. Octets behind the last record are passed over.
    ///
    /// # Errors
    /// [`Malformed::Silent`]; [`Malformed::Faulty`] if there is not exactly one question (RFC 9619) and not none with an
    /// OPT record (RFC 7873 §5.4), if a record is cut short or a name malformed, if an OPT record is not alone, not at the
    /// root or not in the additional section (RFC 6891 §6.1.1), if a TSIG is not the last record (RFC 8945 §5.1). With
    /// another opcode than QUERY a packet that cannot be read is one without an OPT record.
    pub fn parse(packet: &'p [u8]) -> Result<Self, Malformed> {
        let (&[i0, i1, f0, f1, counts @ ..], body) = packet.split_first_chunk::<12>().ok_or(Malformed::Silent)?;
        let header = Header { id: u16::from_be_bytes([i0, i1]), flags: [f0, f1] };
        if f0 & 0x80 != 0 {
            return Err(Malformed::Silent);
        }
        let view = Self::read(header, counts, packet, body);
        if header.opcode() == OPCODE_NOTIFY && view.is_some() {
            return view.ok_or(Malformed::Faulty(header));
        }
        if header.opcode() != 0 {
            return Ok(Self {
                header,
                question: None,
                edns: view.and_then(|view| view.edns),
                signed: Signed::No,
                since: None,
            });
        }
        view.ok_or(Malformed::Faulty(header))
    }

    fn read(header: Header, counts: [u8; 8], packet: &'p [u8], body: &'p [u8]) -> Option<Self> {
        let [q0, q1, an0, an1, ns0, ns1, ar0, ar1] = counts;
        let (question, mut rest) = match u16::from_be_bytes([q0, q1]) {
            0 => (None, body),
            1 => Question::read(body).map(|(question, rest)| (Some(question), rest))?,
            2.. => return None,
        };
        let mut view = Self { header, question, edns: None, signed: Signed::No, since: None };
        let answers = u32::from(u16::from_be_bytes([an0, an1]));
        let before = answers + u32::from(u16::from_be_bytes([ns0, ns1]));
        let total = before + u32::from(u16::from_be_bytes([ar0, ar1]));
        for number in 0..total {
            let owner = packet.len() - rest.len();
            let record;
            (record, rest) = Record::read(rest)?;
            match record.rtype {
                Rtype::OPT => {
                    if number < before || view.edns.is_some() || record.owner != [0] {
                        return None;
                    }
                    view.edns = Some(Edns::read(&record)?);
                }
                Rtype::TSIG if number < before || number + 1 < total => return None,
                Rtype::TSIG => {
                    let end = packet.len() - rest.len();
                    let tsig = Tsig::read(packet, owner, end - record.rdata.len()..end);
                    // RFC 8945 §4.2: its class is ANY.
                    let tsig = tsig.filter(|_| record.class == CLASS_ANY.to_be_bytes());
                    view.signed = tsig.map_or(Signed::Unreadably, Signed::By);
                }
                // RFC 1996 §3.7: a NOTIFY has it in the answer section.
                Rtype::SOA if (number < answers) == (header.opcode() == OPCODE_NOTIFY) && number < before => {
                    view.since = serial(record.rdata);
                }
                _ => {}
            }
        }
        (view.question.is_some() || view.edns.is_some()).then_some(view)
    }
}

impl<'p> Question<'p> {
    fn read(body: &'p [u8]) -> Option<(Self, &'p [u8])> {
        // A pointer has no place in the first name: it could point at the header only.
        let (name, rest) = name::split_wire(body)?;
        let (&[t0, t1, c0, c1], rest) = rest.split_first_chunk::<4>()?;
        let octets = body.get(..name.len() + 4)?;
        let (rtype, class) = (Rtype(u16::from_be_bytes([t0, t1])), u16::from_be_bytes([c0, c1]));
        Some((Self { name, rtype, class, octets }, rest))
    }
}

/// A record behind the question, read as far as OPT needs.
struct Record<'p> {
    /// As it came: its end may be a pointer.
    owner: &'p [u8],
    rtype: Rtype,
    class: [u8; 2],
    ttl: [u8; 4],
    rdata: &'p [u8],
}

impl<'p> Record<'p> {
    fn read(octets: &'p [u8]) -> Option<(Self, &'p [u8])> {
        let rest = skip_name(octets)?;
        let owner = octets.get(..octets.len() - rest.len())?;
        let (&[t0, t1, c0, c1, l0, l1, l2, l3, d0, d1], rest) = rest.split_first_chunk::<10>()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([d0, d1])))?;
        let record =
            Self { owner, rtype: Rtype(u16::from_be_bytes([t0, t1])), class: [c0, c1], ttl: [l0, l1, l2, l3], rdata };
        Some((record, rest))
    }
}

impl<'p> Edns<'p> {
    fn read(record: &Record<'p>) -> Option<Self> {
        let [_, version, flags, _] = record.ttl;
        let edns = Self {
            payload: u16::from_be_bytes(record.class),
            version,
            dnssec_ok: flags & 0x80 != 0,
            options: record.rdata,
        };
        let mut left = edns.options;
        while !left.is_empty() {
            (_, _, left) = split_option(left)?;
        }
        Some(edns)
    }

    /// Returns the data of the first option with this code.
    pub fn option(&self, code: u16) -> Option<&'p [u8]> {
        let mut left = self.options;
        while let Some((found, data, rest)) = split_option(left) {
            if found == code {
                return Some(data);
            }
            left = rest;
        }
        None
    }
}

/// Returns the serial in the data of an SOA, whose names may be compressed.
fn serial(rdata: &[u8]) -> Option<Serial> {
    let (&[s0, s1, s2, s3, ..], []) = skip_name(skip_name(rdata)?)?.split_first_chunk::<20>()? else { return None };
    Some(Serial(u32::from_be_bytes([s0, s1, s2, s3])))
}

/// Returns the first option's code and data, and the octets behind it.
fn split_option(octets: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&[c0, c1, l0, l1], rest) = octets.split_first_chunk::<4>()?;
    let (data, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    Some((u16::from_be_bytes([c0, c1]), data, rest))
}

/// Returns the octets behind a name that may end in a pointer; the pointer is not followed.
fn skip_name(mut octets: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, rest) = octets.split_first()?;
        match length {
            0 => return Some(rest),
            1..=63 => octets = rest.get(usize::from(length)..)?,
            192.. => return rest.get(1..),
            64..=191 => return None,
        }
    }
}

/// RFC 1996 §3.
pub(super) const OPCODE_NOTIFY: u8 = 4;
pub(super) const OPCODE_UPDATE: u8 = 5;
/// The class of the Internet.
pub(super) const CLASS_IN: u16 = 1;
/// CHAOS: questions about the server itself.
pub(super) const CLASS_CH: u16 = 3;
/// Any class (RFC 1035 §3.2.5): that of the Internet is all that there is.
pub(super) const CLASS_ANY: u16 = 255;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the octets are the test's own")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(counts: [u8; 8], body: &[u8]) -> Vec<u8> {
        [&[0x12, 0x34, 0x01, 0x00], counts.as_slice(), body].concat()
    }

    const QUESTION: &[u8] = b"\x03WwW\x07example\x00\x00\x21\x00\x01";
    const OPT: &[u8] = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x06\x00\x03\x00\x02\x01\x02";

    #[test]
    fn reads_question_and_opt() {
        let octets = packet([0, 1, 0, 0, 0, 0, 0, 1], &[QUESTION, OPT, b"trailing"].concat());
        let view = QueryView::parse(&octets).unwrap();
        let question = view.question.unwrap();
        assert_eq!((view.header.id, question.rtype, question.class), (0x1234, Rtype::SRV, 1));
        assert_eq!((question.name, question.octets), (b"\x03WwW\x07example\x00".as_slice(), QUESTION));
        let edns = view.edns.unwrap();
        assert_eq!((edns.payload, edns.version, edns.dnssec_ok), (1232, 0, true));
        assert_eq!((edns.option(3), edns.option(10)), (Some([1, 2].as_slice()), None));
    }

    #[test]
    fn refuses_what_is_no_query() {
        let header = Header { id: 0x1234, flags: [1, 0] };
        let long = [b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(4);
        for (counts, body) in [
            ([0, 0, 0, 0, 0, 0, 0, 0], vec![]),
            ([0, 2, 0, 0, 0, 0, 0, 0], [QUESTION, QUESTION].concat()),
            ([0, 1, 0, 0, 0, 0, 0, 2], [QUESTION, OPT, OPT].concat()),
            ([0, 1, 0, 1, 0, 0, 0, 0], [QUESTION, OPT].concat()),
            ([0, 1, 0, 0, 0, 0, 0, 1], [QUESTION, b"\x01a", OPT].concat()),
            ([0, 1, 0, 0, 0, 0, 0, 1], [QUESTION, &OPT[..OPT.len() - 1]].concat()),
            ([0, 1, 0, 0, 0, 0, 255, 255], QUESTION.to_vec()),
            ([0, 1, 0, 0, 0, 0, 0, 0], b"\xc0\x0c\x00\x01\x00\x01".to_vec()),
            ([0, 1, 0, 0, 0, 0, 0, 0], b"\x40a\x00\x00\x01\x00\x01".to_vec()),
            ([0, 1, 0, 0, 0, 0, 0, 0], [long.as_slice(), b"\x00\x00\x01\x00\x01"].concat()),
        ] {
            assert_eq!(QueryView::parse(&packet(counts, &body)), Err(Malformed::Faulty(header)), "{counts:?} {body:?}");
        }
        assert_eq!(QueryView::parse(&[0; 11]), Err(Malformed::Silent));
        let mut response = packet([0, 1, 0, 0, 0, 0, 0, 0], QUESTION);
        response[2] |= 0x80;
        assert_eq!(QueryView::parse(&response), Err(Malformed::Silent));
    }

    proptest! {
        #[test]
        fn any_octets_are_judged_as_their_header_says(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let is_silent = octets.len() < 12 || octets[2] & 0x80 != 0;
            match QueryView::parse(&octets) {
                Ok(QueryView { header, .. }) | Err(Malformed::Faulty(header)) => {
                    prop_assert!(!is_silent);
                    let id = u16::from_be_bytes([octets[0], octets[1]]);
                    prop_assert_eq!(header, Header { id, flags: [octets[2], octets[3]] });
                }
                Err(Malformed::Silent) => prop_assert!(is_silent),
            }
        }

        #[test]
        fn what_follows_the_header_is_one_whole_question_or_faulty(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let query = packet([0, 1, 0, 0, 0, 0, 0, 0], &octets);
            match (QueryView::parse(&query), name::split_wire(&octets)) {
                (Ok(view), Some((name, rest))) => {
                    let question = view.question.unwrap();
                    prop_assert_eq!((question.name, question.octets), (name, &octets[..name.len() + 4]));
                    prop_assert_eq!(question.rtype.0.to_be_bytes(), [rest[0], rest[1]]);
                    prop_assert_eq!(question.class.to_be_bytes(), [rest[2], rest[3]]);
                    prop_assert!(view.edns.is_none());
                }
                (Err(found), name) => {
                    prop_assert!(name.is_none_or(|(_, rest)| rest.len() < 4));
                    prop_assert_eq!(found, Malformed::Faulty(Header { id: 0x1234, flags: [1, 0] }));
                }
                (read, None) => prop_assert!(false, "no name, and yet {read:?}"),
            }
        }
    }
}
