//! Properties of the room over generated zones and octets.

use proptest::collection::vec;
use proptest::prelude::*;

use super::parse::{NoSources, Origin, load, parse};
use super::schema::{self, Field};
use super::write::{parse_rdata, rdata_text, write};
use super::{Name, Rtype, Zone, ZoneBuilder, diff, serial};

const SOA: &[u8] = b"\x02Ns\x00\x01h\x00\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

fn origin() -> Name {
    "Example.com".parse().unwrap()
}

fn wire_name() -> impl Strategy<Value = Vec<u8>> {
    vec(vec(any::<u8>(), 1..8), 0..5).prop_map(|labels| {
        let mut wire = Vec::new();
        for label in labels {
            wire.push(u8::try_from(label.len()).unwrap());
            wire.extend(label);
        }
        wire.push(0);
        wire
    })
}

fn counted(octets: &[u8]) -> Vec<u8> {
    [&[u8::try_from(octets.len()).unwrap()], octets].concat()
}

fn fixed(length: usize) -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), length).boxed()
}

/// Well-formed octets of a field.
fn part(field: Field) -> BoxedStrategy<Vec<u8>> {
    match field {
        Field::Name(_) => wire_name().boxed(),
        Field::U8(_) | Field::Algorithm | Field::Scheme => fixed(1),
        Field::U16(_) | Field::Type | Field::CertType => fixed(2),
        Field::U32(_) | Field::Seconds(_) | Field::Moment(_) | Field::Ipv4 => fixed(4),
        Field::Ipv6 => fixed(16),
        Field::Node64 => fixed(8),
        Field::Eui(length) => fixed(length),
        Field::Text(_) | Field::OptionalText(_) => vec(any::<u8>(), 0..256).prop_map(|text| counted(&text)).boxed(),
        Field::Salt => vec(any::<u8>(), 0..9).prop_map(|salt| counted(&salt)).boxed(),
        Field::NextHash => vec(any::<u8>(), 1..33).prop_map(|hash| counted(&hash)).boxed(),
        Field::Texts => vec(vec(any::<u8>(), 0..40), 1..4)
            .prop_map(|texts| texts.iter().flat_map(|text| counted(text)).collect())
            .boxed(),
        Field::LongText(_) | Field::OptionalBase64(_) | Field::DashBase64(_) => vec(any::<u8>(), 0..300).boxed(),
        Field::Uri | Field::Hex(_) | Field::Base64(_) | Field::Nsap => vec(any::<u8>(), 1..100).boxed(),
        Field::Tag => "[a-zA-Z0-9]{1,15}".prop_map(|tag| counted(tag.as_bytes())).boxed(),
        Field::Bitmap => texts_as("NSEC", "", &["A", "MX", "TYPE1234", "CAA", "TYPE65535", "TYPE0"], 1),
        Field::SvcParams => prop_oneof![
            Just(Vec::new()),
            vec(any::<u8>(), 0..40).prop_map(|v| [&[2, 155, 0, u8::try_from(v.len()).unwrap()], v.as_slice()].concat()),
            vec(any::<u8>(), 1..40).prop_map(|v| {
                let length = u8::try_from(v.len()).unwrap();
                [&[0, 1, 0, length + 1, length], v.as_slice()].concat()
            }),
        ]
        .boxed(),
        Field::Location => (0..10u8, 0..10u8, -324_000_000i64..324_000_001, -648_000_000i64..648_000_001, any::<u32>())
            .prop_map(|(mantissa, exponent, latitude, longitude, altitude)| {
                let size = mantissa << 4 | exponent;
                let around = |n: i64| u32::try_from((1i64 << 31) + n).unwrap().to_be_bytes();
                [&[0, size, 0x12, size], &around(latitude)[..], &around(longitude), &altitude.to_be_bytes()].concat()
            })
            .boxed(),
        Field::Prefixes => {
            texts_as("APL", "", &["1:192.0.2.0/24", "!2:2001:db8::/32", "1:0.0.0.0/0", "!1:10.0.0.1/8"], 0)
        }
        Field::Services => texts_as("WKS", "192.0.2.1 6", &["1", "25", "65535"], 0),
        Field::IpsecKey => wire_name().prop_map(|name| [&[1, 3, 2], name.as_slice(), &[9]].concat()).boxed(),
        Field::Relay => Just(vec![1, 0x82, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]).boxed(),
        Field::HostIdentity => wire_name().prop_map(|name| [&[1, 2, 0, 1, 7, 8], name.as_slice()].concat()).boxed(),
    }
}

/// Octets of a field from words of its text; of NSEC without the name before it.
fn texts_as(
    rtype: &'static str,
    begin: &'static str,
    words: &'static [&'static str],
    least: usize,
) -> BoxedStrategy<Vec<u8>> {
    proptest::sample::subsequence(words, least..=words.len())
        .prop_map(move |words| {
            let name = if rtype == "NSEC" { "." } else { "" };
            let text = format!("{name} {begin} {}", words.join(" "));
            let rdata = parse_rdata(Rtype::parse(rtype).unwrap(), &text, None).unwrap_or_default();
            rdata.get(name.len()..).unwrap_or_default().to_vec()
        })
        .boxed()
}

fn record() -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    let known: Vec<Rtype> = (1..=u16::MAX)
        .map(Rtype)
        .filter(|rtype| schema::fields(*rtype).is_some())
        .filter(|rtype| !matches!(*rtype, Rtype::SOA | Rtype::CNAME | Rtype::DNAME | Rtype::A6))
        .chain([Rtype::NULL, Rtype(65_280)])
        .collect();
    proptest::sample::select(known).prop_flat_map(|rtype| {
        let parts: Vec<_> = match schema::fields(rtype) {
            Some(fields) => fields.iter().map(|field| part(*field)).collect(),
            None => vec![vec(any::<u8>(), 0..50).boxed()],
        };
        parts.prop_map(move |parts| (rtype, parts.concat()))
    })
}

fn zones() -> impl Strategy<Value = Zone> {
    vec((wire_name(), 0..1u32 << 31, record()), 0..30).prop_map(|records| {
        let mut builder = ZoneBuilder::new(origin());
        builder.add(&origin(), Rtype::SOA, 5, SOA).unwrap();
        builder.add(&origin(), Rtype::NS, 5, b"\x01n\x00").unwrap();
        for (owner, ttl, (rtype, rdata)) in records {
            let below = [owner.strip_suffix(&[0]).unwrap(), origin().wire()].concat();
            if schema::is_wellformed(rtype, &rdata) {
                builder.add(&Name::from_wire(&below).unwrap(), rtype, ttl, &rdata).unwrap();
            }
        }
        builder.finish().unwrap()
    })
}

/// The lines and words that files are made of, whole and torn.
fn scraps() -> impl Strategy<Value = Vec<u8>> {
    let scrap = prop_oneof![
        proptest::sample::select(vec![
            "@",
            " ",
            "\t",
            "\n",
            "\r\n",
            "(",
            ")",
            "\"",
            "\\",
            ";",
            "$ORIGIN",
            "$TTL",
            "$INCLUDE",
            "$GENERATE",
            "1-3",
            "$",
            "${0,3,d}",
            "SOA",
            "SRV",
            "A",
            "IN",
            "CH",
            "300",
            "1h",
            "192.0.2.1",
            "a.b.",
            "\\#",
            "4",
            "C0000201",
            "TXT",
            "HTTPS",
            "alpn=",
            "=\"",
            "LOC",
            "NSEC3",
            "APL",
            "1:1.2.3.4/5",
            "\\065",
            "\n@ SOA a b 1 2 3 4 5\n@ NS a\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        vec(any::<u8>(), 0..4),
    ];
    vec(scrap, 0..60).prop_map(|scraps| scraps.join(&b" "[..]))
}

proptest! {
    #[test]
    fn what_is_written_reads_back_octet_for_octet(zone in zones()) {
        let mut text = String::new();
        write(&zone, &mut text).unwrap();
        let parsed = load("written", text.as_bytes(), Origin::Unknown, &mut NoSources);
        prop_assert_eq!(&parsed.findings, &[]);
        let again = parsed.zone.unwrap();
        prop_assert_eq!(&again, &zone);
        // `==` of names is blind to case; the text is not.
        let mut second = String::new();
        write(&again, &mut second).unwrap();
        prop_assert_eq!(second, text);
    }

    #[test]
    fn printed_rdata_reads_back((rtype, rdata) in record()) {
        let text = rdata_text(rtype, &rdata);
        prop_assume!(schema::is_wellformed(rtype, &rdata));
        prop_assert_eq!(parse_rdata(rtype, &text, None).map_err(|error| error.message), Ok(rdata), "{}", text);
    }

    #[test]
    fn generated_parts_are_wellformed((rtype, rdata) in record()) {
        prop_assert!(schema::is_wellformed(rtype, &rdata) || schema::digest_fault(rtype, &rdata).is_some(), "{} {:02x?}", rtype, rdata);
    }

    #[test]
    fn any_octets_print_and_read_without_a_panic(number in any::<u16>(), rdata in vec(any::<u8>(), 0..60)) {
        let rtype = Rtype(number % 300);
        let text = rdata_text(rtype, &rdata);
        if let Ok(again) = parse_rdata(rtype, &text, None) {
            prop_assert_eq!(again, rdata, "{}", text);
        }
    }

    #[test]
    fn any_text_parses_without_a_panic(text in scraps(), octets in vec(any::<u8>(), 0..200)) {
        for text in [text, octets] {
            let kept = parse("any", &text, Origin::Guessed(&origin()), &mut NoSources);
            let loaded = load("any", &text, Origin::Guessed(&origin()), &mut NoSources);
            prop_assert_eq!(&kept.zone, &loaded.zone);
            prop_assert_eq!(kept.zone.is_none(), kept.findings.iter().any(|f| f.severity == crate::base::finding::Severity::Error));
            for finding in kept.findings {
                prop_assert!(!finding.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_difference_turns_the_old_zone_into_the_new(old in zones(), new in zones()) {
        let found = diff::diff(&old, &new);
        let all = |zone: &Zone| -> Vec<(Name, Rtype, u32, Vec<u8>)> {
            let sets = zone.nodes().flat_map(|(owner, sets)| sets.iter().map(move |set| (owner, set)));
            sets.flat_map(|(owner, set)| set.rdatas().map(|r| (owner.clone(), set.rtype(), set.ttl(), r.to_vec()))).collect()
        };
        let mut records = all(&old);
        for (owner, set) in &found.removed {
            for rdata in set.rdatas() {
                let gone = (owner.clone(), set.rtype(), set.ttl(), rdata.to_vec());
                let at = records.iter().position(|record| *record == gone);
                records.remove(at.expect("only what is there leaves"));
            }
        }
        for (owner, set) in &found.added {
            records.extend(set.rdatas().map(|r| (owner.clone(), set.rtype(), set.ttl(), r.to_vec())));
        }
        let mut wanted = all(&new);
        records.sort();
        wanted.sort();
        prop_assert_eq!(records, wanted);
        prop_assert!(diff::diff(&new, &new.clone()).is_empty());
    }
}

#[test]
fn a_changed_serial_is_the_whole_difference() {
    let zone = |serial: u32| {
        let mut builder = ZoneBuilder::new(origin());
        let soa = super::Rrset::new(Rtype::SOA, 5, [SOA]);
        let soa = serial::with_serial(&soa, super::Serial(serial));
        builder.add(&origin(), Rtype::SOA, 5, soa.rdatas().next().unwrap()).unwrap();
        builder.add(&origin(), Rtype::NS, 5, b"\x01n\x00").unwrap();
        builder.finish().unwrap()
    };
    let found = diff::diff(&zone(7), &zone(8));
    assert_eq!((found.removed.len(), found.added.len()), (1, 1));
    assert_eq!(found.added[0].1.rtype(), Rtype::SOA);
}
