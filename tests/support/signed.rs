//! Zones with signatures that sign nothing: answering looks at which there are, never into them.

use understudy::serve::Transport;
use understudy::zone::parse::{Origin, Sources, load};
use understudy::zone::signed::{Nsec3Param, label_of_hash};
use understudy::zone::{Name, Rtype, Zone, ZoneBuilder};

use crate::message::Said;
use crate::support::{Server, client, query};

/// Reads a master file and signs every set that a signer would: not delegations, not glue.
pub(crate) fn signed(text: &str) -> Zone {
    let parsed = load("zone", text.as_bytes(), Origin::Unknown, &mut Nothing);
    let zone = parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings));
    let is_cut = |name: &Name| name != zone.origin() && zone.rrset(name, Rtype::NS).is_some();
    let mut builder = ZoneBuilder::new(zone.origin().clone());
    for (owner, sets) in zone.nodes() {
        let occluded = std::iter::successors(owner.parent(), Name::parent).any(|above| is_cut(&above));
        for set in sets {
            for rdata in set.rdatas() {
                builder.add(owner, set.rtype(), set.ttl(), rdata).unwrap();
            }
            if !(occluded || is_cut(owner) && set.rtype() == Rtype::NS) {
                let labels = u8::try_from(owner.label_count() - usize::from(owner.is_wildcard())).unwrap();
                let mut rdata = set.rtype().0.to_be_bytes().to_vec();
                rdata.extend_from_slice(&[13, labels]);
                rdata.extend_from_slice(&set.ttl().to_be_bytes());
                rdata.extend_from_slice(&[0x40, 0, 0, 0, 0x30, 0, 0, 0, 0x12, 0x34]);
                rdata.extend_from_slice(zone.origin().wire());
                rdata.extend_from_slice(&[7; 64]);
                builder.add(owner, Rtype::RRSIG, set.ttl(), &rdata).unwrap();
            }
        }
    }
    builder.finish().unwrap()
}

struct Nothing;

impl Sources for Nothing {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        Err(path.to_owned())
    }
}

/// Asks with the DO bit; sections come as `owner TYPE`, and `owner TYPE signed` if a signature over it stands there.
pub(crate) fn ask_do(server: &Server, question: &str) -> (Said, [Vec<String>; 3]) {
    let mut packet = query(question, Some(4096));
    let flags = packet.len() - 4;
    packet[flags] = 0x80;
    let mut octets = Vec::new();
    assert!(server.responder.respond(&packet, client(Transport::Tcp), &mut octets).is_some());
    let said = Said::read(&octets).unwrap();
    let sections = [&said.answer, &said.authority, &said.additional].map(|records| {
        let signatures: Vec<_> = records.iter().filter(|record| record.rtype == Rtype::RRSIG).collect();
        let mut lines: Vec<String> = Vec::new();
        for record in records.iter().filter(|record| record.rtype != Rtype::RRSIG) {
            let covers = |signature: &&&crate::message::Record| {
                signature.owner == record.owner && signature.rdata.starts_with(&record.rtype.0.to_be_bytes())
            };
            let mark = if signatures.iter().any(|signature| covers(&signature)) { " signed" } else { "" };
            let owner = Name::from_wire(&record.owner).unwrap();
            lines.push(format!("{owner} {}{mark}", record.rtype));
        }
        lines.sort();
        lines.dedup();
        lines
    });
    (said, sections)
}

/// Makes NSEC3 records for a zone: `salt`, `iterations` and opt-out as told; names with an empty bitmap are empty
/// non-terminals. Each name comes with the types of its bitmap.
pub(crate) fn nsec3_lines(origin: &str, param: Nsec3Param<'_>, flags: u8, names: &[(&str, &str)]) -> String {
    let mut hashed: Vec<(String, &str)> = names
        .iter()
        .map(|(name, types)| {
            let hash = param.hash(name.parse::<Name>().unwrap().wire());
            (label_of_hash(&hash), *types)
        })
        .collect();
    hashed.sort();
    let salt = if param.salt.is_empty() { "-".to_owned() } else { data_encoding::HEXLOWER.encode(param.salt) };
    let mut lines = String::new();
    for (number, (hash, types)) in hashed.iter().enumerate() {
        let next = &hashed[(number + 1) % hashed.len()].0;
        lines += &format!("{hash}.{origin} 3600 IN NSEC3 1 {flags} {} {salt} {next} {types}\n", param.iterations);
    }
    lines
}
