//! Tests of master files: each rule of RFC 1035 §5, and each type.

use super::*;
use crate::base::finding::Severity;
use crate::zone::write::{rdata_text, write};
use crate::zone::{Name, Rtype, Zone};

const HEAD: &str = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 host 7 1h 15m 2w 5m\n@ NS ns1\nns1 A 192.0.2.53\n";

fn parsed(body: &str) -> Parsed {
    parse("test.zone", format!("{HEAD}{body}").as_bytes(), Origin::Unknown, &mut NoSources)
}

fn zone(body: &str) -> Zone {
    let parsed = parsed(body);
    let findings: Vec<String> = parsed.findings.iter().map(ToString::to_string).collect();
    parsed.zone.unwrap_or_else(|| panic!("{body}\n{}", findings.join("\n")))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The RDATA of the set at `owner`, as text.
fn texts(zone: &Zone, owner: &str, rtype: Rtype) -> Vec<String> {
    let set = zone.rrset(&name(owner), rtype).unwrap_or_else(|| panic!("no {rtype} at {owner}"));
    set.rdatas().map(|rdata| rdata_text(rtype, rdata)).collect()
}

/// The ids, lines and columns of the errors.
fn errors(body: &str) -> Vec<(&'static str, u32, u32)> {
    let lines = u32::try_from(HEAD.lines().count()).unwrap();
    let findings = parsed(body).findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    findings
        .map(|finding| finding.place.as_ref().map_or((finding.id, 0, 0), |p| (finding.id, p.line - lines, p.column)))
        .collect()
}

fn written(zone: &Zone) -> String {
    let mut text = String::new();
    write(zone, &mut text).unwrap();
    text
}

#[test]
fn at_stands_for_the_origin_in_owner_and_rdata() {
    let zone = zone("mx MX 10 @\nc CNAME @\n\\@ A 192.0.2.1\n");
    assert_eq!(texts(&zone, "mx.example.com", Rtype::MX), ["10 example.com."]);
    assert_eq!(texts(&zone, "c.example.com", Rtype::CNAME), ["example.com."]);
    assert_eq!(texts(&zone, "\\@.example.com", Rtype::A), ["192.0.2.1"]);
}

#[test]
fn strings_keep_blanks_semicolons_and_octets() {
    let zone = zone(concat!(
        "t TXT ( \"a b\" \"c d\" )\n",
        "d TXT ( \"v=DKIM1; k=rsa;\"\n  \" p=abc\" ) ; comment\n",
        "e TXT \"A\\065B\" a\\;b a\\032b \"\\200\\000\" \"q\\\"q\"\n",
        "u TXT \"\u{e4}\"\n",
    ));
    assert_eq!(texts(&zone, "t.example.com", Rtype::TXT), ["\"a b\" \"c d\""]);
    assert_eq!(texts(&zone, "d.example.com", Rtype::TXT), ["\"v=DKIM1; k=rsa;\" \" p=abc\""]);
    assert_eq!(texts(&zone, "e.example.com", Rtype::TXT), ["\"AAB\" \"a;b\" \"a b\" \"\\200\\000\" \"q\\\"q\""]);
    assert_eq!(texts(&zone, "u.example.com", Rtype::TXT), ["\"\\195\\164\""]);
}

#[test]
fn a_string_of_256_octets_is_refused() {
    let (fits, long) = ("x".repeat(255), "x".repeat(256));
    assert_eq!(errors(&format!("t TXT \"{fits}\"\n")), []);
    assert_eq!(errors(&format!("t TXT \"{long}\"\n")), [("zone-string-length", 1, 7)]);
}

#[test]
fn names_keep_their_case_and_may_hold_any_octet() {
    let zone = zone("WwW A 192.0.2.1\n0/25 NS ns1\n*x A 192.0.2.2\n-x A 192.0.2.3\n\\000\\255\\.a A 192.0.2.4\n");
    let owners: Vec<String> = zone.nodes().map(|(owner, _)| owner.to_string()).collect();
    for owner in ["WwW", "0/25", "*x", "-x", r"\000\255\.a"] {
        assert!(owners.contains(&format!("{owner}.example.com.")), "{owner} in {owners:?}");
    }
}

#[test]
fn relative_origins_nest_and_includes_give_origin_and_owner_back() {
    struct One;
    impl Sources for One {
        fn read(&mut self, from: &str, path: &str) -> Result<(String, Vec<u8>), String> {
            assert_eq!((from, path), ("test.zone", "sub file.inc"));
            Ok(("zones/sub".to_owned(), b"a A 192.0.2.1\n$ORIGIN deeper\nb A 192.0.2.2\n".to_vec()))
        }
    }
    let text =
        format!("{HEAD}$ORIGIN sub\nx A 192.0.2.9\n$INCLUDE \"sub file.inc\" inc\n  A 192.0.2.10\ny A 192.0.2.11\n");
    let zone = parse("test.zone", text.as_bytes(), Origin::Unknown, &mut One).zone.unwrap();
    assert_eq!(zone.origin().to_string(), "example.com.");
    assert_eq!(texts(&zone, "a.inc.sub.example.com", Rtype::A), ["192.0.2.1"]);
    assert_eq!(texts(&zone, "b.deeper.inc.sub.example.com", Rtype::A), ["192.0.2.2"]);
    assert_eq!(texts(&zone, "x.sub.example.com", Rtype::A), ["192.0.2.9", "192.0.2.10"]);
    assert_eq!(texts(&zone, "y.sub.example.com", Rtype::A), ["192.0.2.11"]);
}

#[test]
fn a_file_that_includes_itself_is_a_finding() {
    struct Same;
    impl Sources for Same {
        fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
            Ok((path.to_owned(), format!("$INCLUDE {path}\n").into_bytes()))
        }
    }
    struct Deeper(u32);
    impl Sources for Deeper {
        fn read(&mut self, _: &str, _: &str) -> Result<(String, Vec<u8>), String> {
            self.0 += 1;
            Ok((self.0.to_string(), b"$INCLUDE next\n".to_vec()))
        }
    }
    let text = format!("{HEAD}$INCLUDE loop\n");
    let parsed = parse("test.zone", text.as_bytes(), Origin::Unknown, &mut Same);
    assert_eq!(parsed.findings.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(), ["`loop` includes itself"]);
    let mut deeper = Deeper(0);
    let parsed = parse("test.zone", text.as_bytes(), Origin::Unknown, &mut deeper);
    let messages: Vec<&str> = parsed.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!((messages, deeper.0), (vec!["files include each other more than 10 deep"], 10));
}

/// 65,535 files are included, and not one more.
#[test]
fn more_files_than_have_a_number_are_refused() {
    struct Small(u32);
    impl Sources for Small {
        fn read(&mut self, _: &str, _: &str) -> Result<(String, Vec<u8>), String> {
            self.0 += 1;
            Ok((self.0.to_string(), format!("a{} A 192.0.2.1\n", self.0).into_bytes()))
        }
    }
    let with = |count: usize| {
        let text = format!("{HEAD}{}", "$INCLUDE f\n".repeat(count));
        load("test.zone", text.as_bytes(), Origin::Unknown, &mut Small(0))
    };
    assert!(with(65_535).zone.is_some());
    let parsed = with(65_536);
    let messages: Vec<&str> = parsed.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!((messages, parsed.zone.is_some()), (vec!["more than 65535 files are included"], false));
}

#[test]
fn text_beyond_the_limit_is_refused_over_all_files_and_made_records() {
    struct Small;
    impl Sources for Small {
        fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
            Ok((path.to_owned(), b"a A 192.0.2.1\n".to_vec()))
        }
    }
    let found = |body: &str, text: usize| {
        let limits = Limits { text, ..Limits::OF_ZONE };
        let file = format!("{HEAD}{body}");
        let parsed = reader::parse("test.zone", file.as_bytes(), Origin::Unknown, &mut Small, limits, false);
        let messages: Vec<String> = parsed.findings.into_iter().map(|finding| finding.message).collect();
        assert_eq!(parsed.zone.is_some(), messages.is_empty());
        messages
    };
    let included = "$INCLUDE f\n";
    let fits = HEAD.len() + included.len() + 14;
    assert_eq!(found(included, fits), [""; 0]);
    assert_eq!(found(included, fits - 1), [format!("with f the zone's text has more than {} octets", fits - 1)]);
    let refused = format!("with test.zone the zone's text has more than {} octets", HEAD.len() - 1);
    assert_eq!(found("", HEAD.len() - 1).first(), Some(&refused));
    let made = "$GENERATE 1-9 h$ A 192.0.2.1\n";
    let fits = HEAD.len() + made.len() + 9 * "h1 A 192.0.2.1 ".len();
    assert_eq!(found(made, fits), [""; 0]);
    let refused = format!("with these records the zone's text has more than {} octets", fits - 1);
    assert_eq!(found(made, fits - 1), [refused]);
    assert_eq!(Limits::OF_ZONE.text, 1 << 30, "1 GiB");
}

#[test]
fn nothing_of_an_included_file_that_is_no_zone_is_shown() {
    struct Key(&'static str);
    impl Sources for Key {
        fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
            Ok((path.to_owned(), self.0.as_bytes().to_vec()))
        }
    }
    let pem = "-----BEGIN PRIVATE KEY-----\nSESAME\nSESAME SESAME SESAME\n  SESAME\n-----END PRIVATE KEY-----\n";
    for octets in [pem, "SESAME\n", "key \"k\" {\n  secret \"SESAME\";\n};\n", "(SESAME\n", "\"SESAME\n"] {
        let text = format!("{HEAD}$INCLUDE key.pem\na A 192.0.2.1\n");
        let parsed = parse("test.zone", text.as_bytes(), Origin::Unknown, &mut Key(octets));
        let [finding] = parsed.findings.as_slice() else { panic!("{octets}: {:?}", parsed.findings) };
        assert!(parsed.zone.is_none());
        assert!(!format!("{finding:?}").contains("SESAME"), "{finding:?}");
        assert_eq!(finding.message, "`key.pem` cannot be included: no line of it is one of a zone file");
        assert_eq!(finding.place.as_ref().map(|place| (place.file.as_ref(), place.line)), Some(("test.zone", 6)));
    }
    // A file of records shows its faults, with the line.
    let text = format!("{HEAD}$INCLUDE more\n");
    let parsed = parse("test.zone", text.as_bytes(), Origin::Unknown, &mut Key("a A 192.0.2.1\nb A SESAME\n"));
    assert!(format!("{:?}", parsed.findings).contains("SESAME"), "{:?}", parsed.findings);
}

#[test]
fn class_and_ttl_come_in_either_order_with_units() {
    let zone = zone(
        "a 1h30m IN A 192.0.2.1\nb IN 2D A 192.0.2.1\nc 5 A 192.0.2.1\nd CLASS1 a 192.0.2.1\n\te TXT x\n"
            .replace("\te", "e")
            .as_str(),
    );
    for (owner, ttl) in [("a", 5400), ("b", 172_800), ("c", 5), ("d", 300), ("e", 300)] {
        assert_eq!(zone.rrsets(&name(&format!("{owner}.example.com")))[0].ttl(), ttl, "{owner}");
    }
}

#[test]
fn ttls_follow_rfc_2308_section_4() {
    let soa = "@ SOA ns1 host 7 1h 15m 2w 5m\n@ NS ns1\n";
    let ttls = |text: &str| {
        let parsed = parse("t", text.as_bytes(), Origin::Named(&name("example.com")), &mut NoSources);
        let zone = parsed.zone.unwrap_or_else(|| panic!("{text} {:?}", parsed.findings));
        (zone.soa().ttl(), zone.rrset(&name("a.example.com"), Rtype::A).unwrap().ttl(), parsed.findings.len())
    };
    assert_eq!(ttls(&format!("$TTL 1h\n{soa}$TTL 60\na A 192.0.2.1\n")), (3600, 60, 0));
    assert_eq!(ttls(&format!("{soa}a A 192.0.2.1\n")), (300, 300, 1));
    assert_eq!(ttls(&format!("@ 77 {}a A 192.0.2.1\n", &soa[2..])), (77, 77, 0));
    let parsed = parse("t", b"a.example.com. A 192.0.2.1\n", Origin::Unknown, &mut NoSources);
    assert_eq!(parsed.findings[0].id, "zone-no-ttl");
}

#[test]
fn svcb_parameters_are_sorted_and_checked() {
    let zone = zone(concat!(
        "s SVCB 1 svc port=8443 alpn=\"h2,h3\" mandatory=port,alpn ipv4hint=192.0.2.1,192.0.2.2\n",
        "h HTTPS 1 . alpn=h2 no-default-alpn ech=AAAA ipv6hint=2001:db8::1 dohpath=/q{?dns} key667=\"a\\\"b\"\n",
        "l SVCB 2 svc alpn=\"f\\\\\\\\oo\\\\,bar,h2\"\n",
        "z HTTPS 0 @\n",
    ));
    let text = "1 svc.example.com. mandatory=alpn,port alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1,192.0.2.2";
    assert_eq!(texts(&zone, "s.example.com", Rtype::SVCB), [text]);
    // RFC 9460 appendix D.2, figure 9.
    let list = zone.rrset(&name("l.example.com"), Rtype::SVCB).unwrap().rdatas().next().unwrap();
    assert!(list.ends_with(b"\x00\x01\x00\x0c\x08f\\oo,bar\x02h2"), "{list:02x?}");
    for bad in [
        "1 . alpn=h2 alpn=h3",
        "1 . mandatory=port",
        "1 . mandatory=mandatory",
        "1 . mandatory=alpn,alpn alpn=h2",
        "1 . no-default-alpn",
        "1 . port=65536",
        "1 . port",
        "1 . ipv4hint=2001:db8::1",
        "1 . alpn=",
        "1 . key65535=x",
        "1 . key01=x",
        "1 . nonsense=1",
        "1 . \"alpn=h2\"",
    ] {
        assert_eq!(errors(&format!("s SVCB {bad}\n")).len(), 1, "{bad}");
    }
}

#[test]
fn generate_makes_records_as_bind_does() {
    let zone = zone(concat!(
        "$GENERATE 1-3 host-$ A 192.0.2.$\n",
        "$GENERATE 10-20/5 ${0,4,x} 60 IN SRV 10 0 ${5050,0,d} host-$\n",
        "$GENERATE 1-2 t$ TXT \"number $ of \\$2; $\"\n",
    ));
    assert_eq!(texts(&zone, "host-3.example.com", Rtype::A), ["192.0.2.3"]);
    assert_eq!(texts(&zone, "0014.example.com", Rtype::SRV), ["10 0 5070 host-20.example.com."]);
    assert_eq!(texts(&zone, "t2.example.com", Rtype::TXT), ["\"number 2 of $2; 2\""]);
    assert_eq!(zone.record_count(), 3 + 3 + 3 + 2);
    assert_eq!(errors("$GENERATE 1-300 h$ A 192.0.2.$\n"), [("zone-rdata", 1, 1)]);
    // All of them together make a million at most.
    assert_eq!(errors("$GENERATE 0-1000000 h$ A 192.0.2.1\n"), [("zone-generate", 1, 11)]);
    assert_eq!(errors("$GENERATE 1-2 h$ A 192.0.2.1\n$GENERATE 1-999999 h A 192.0.2.1\n"), [("zone-generate", 2, 11)]);
}

#[test]
fn each_type_reads_and_prints() {
    // Type, text as written, text as printed where it differs.
    for (rtype, text, printed) in [
        ("A", "192.0.2.1", ""),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("NS", "ns1", "ns1.example.com."),
        ("PTR", "a.b.", ""),
        ("DNAME", "other.example.", ""),
        ("HINFO", "PC \"Linux 6\"", "\"PC\" \"Linux 6\""),
        ("MINFO", "a. b.", ""),
        ("RP", "mail.a. .", ""),
        ("AFSDB", "1 a.", ""),
        ("X25", "311061700956", "\"311061700956\""),
        ("ISDN", "150862028003217 004", "\"150862028003217\" \"004\""),
        ("ISDN", "150862028003217", "\"150862028003217\""),
        ("RT", "10 a.", ""),
        ("NSAP", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00", "0x47000580005A0000000001E133FFFFFF00016100"),
        ("KEY", "512 3 RSASHA1 AQID", "512 3 5 AQID"),
        ("KEY", "49152 3 5", ""),
        ("PX", "10 a. b.", ""),
        ("GPOS", "-32.6882 116.8652 10.0", "\"-32.6882\" \"116.8652\" \"10.0\""),
        ("LOC", "42 21 54 N 71 06 18 W -24m 30m", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
        ("LOC", "52 N 4.000 E 0", "?"),
        ("LOC", "52 N 4 53.5 E 0", "?"),
        (
            "LOC",
            "90 N 180 W 42849672.95m 0 90000000.00m 0.01m",
            "90 0 0.000 N 180 0 0.000 W 42849672.95m 0.00m 90000000.00m 0.01m",
        ),
        ("EID", "E3 2C", "E32C"),
        ("SRV", "10 70 5060 sip", "10 70 5060 sip.example.com."),
        (
            "NAPTR",
            "100 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp",
            "100 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com.",
        ),
        ("KX", "10 a.", ""),
        ("CERT", "PKIX 1 RSASHA256 AQID", "1 1 8 AQID"),
        ("APL", "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0", ""),
        ("APL", "", ""),
        (
            "DS",
            "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
            "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        ),
        ("SSHFP", "2 1 123456789abcdef67890123456789abcdef67890", "2 1 123456789ABCDEF67890123456789ABCDEF67890"),
        ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==", ""),
        ("IPSECKEY", "10 0 2 . AQID", ""),
        ("IPSECKEY", "10 3 2 gw AQID", "10 3 2 gw.example.com. AQID"),
        ("IPSECKEY", "10 2 0 2001:db8::1", ""),
        (
            "RRSIG",
            "A 5 3 86400 20030322173103 ( 20030220173103 2642 example.com. AQID )",
            "A 5 3 86400 20030322173103 20030220173103 2642 example.com. AQID",
        ),
        (
            "RRSIG",
            "SRV 13 3 1h 1048354263 0 2642 @ AQ ID",
            "SRV 13 3 3600 20030322173103 19700101000000 2642 example.com. AQID",
        ),
        ("NSEC", "host A MX RRSIG NSEC TYPE1234", "host.example.com. A MX RRSIG NSEC TYPE1234"),
        ("DNSKEY", "256 3 ED25519 AQID", "256 3 15 AQID"),
        ("CDNSKEY", "0 3 0 AA==", ""),
        ("CDS", "0 0 0 00", ""),
        ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", ""),
        (
            "NSEC3",
            "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX RRSIG",
            "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX RRSIG",
        ),
        ("NSEC3", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR", ""),
        ("NSEC3PARAM", "1 0 0 -", ""),
        ("TLSA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b9", "3 1 1 D2ABDE240D7CD3EE6B4B28C54DF034B9"),
        ("SMIMEA", "3 0 0 AB", ""),
        (
            "HIP",
            "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs1 rvs2.",
            "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs1.example.com. rvs2.",
        ),
        ("TALINK", "a. b.", ""),
        ("OPENPGPKEY", "AQID", ""),
        ("CSYNC", "66 3 A NS AAAA", ""),
        ("ZONEMD", "2018031500 1 240 0102030405060708090A0B0C", ""),
        ("DSYNC", "CDS 1 5359 a.", "CDS NOTIFY 5359 a."),
        ("DSYNC", "CSYNC notify 5360 a.", "CSYNC NOTIFY 5360 a."),
        ("DSYNC", "CDS 128 5359 a.", ""),
        ("SPF", "\"v=spf1 -all\"", ""),
        ("NID", "10 0014:4fff:ff20:ee64", ""),
        ("L32", "10 192.0.2.1", ""),
        ("L64", "10 2001:db8:1140:1000", "10 2001:0db8:1140:1000"),
        ("LP", "10 a.", ""),
        ("EUI48", "00-00-5E-00-53-2a", "00-00-5e-00-53-2a"),
        ("EUI64", "00-00-5e-ef-10-00-00-2a", ""),
        ("URI", "10 1 \"ftp://ftp1.example.com/public\"", ""),
        ("CAA", "0 issue \"ca.example.net; policy=ev\"", ""),
        ("CAA", "128 tbs Unknown", "128 tbs \"Unknown\""),
        ("CAA", "0 issue \"\"", ""),
        ("DOA", "0 1 2 \"\" aHR0cHM=", ""),
        ("DOA", "0 1 2 \"text/plain\" -", ""),
        ("AMTRELAY", "10 0 1 203.0.113.15", ""),
        ("AMTRELAY", "10 1 3 amt", "10 1 3 amt.example.com."),
        ("AMTRELAY", "128 1 0 .", ""),
        ("WKS", "192.0.2.1 tcp smtp 80 telnet", "192.0.2.1 6 23 25 80"),
        ("TYPE65280", r"\# 3 01 0203", r"\# 3 010203"),
        ("TYPE65280", r"\# 0", ""),
        ("A", r"\# 4 C0000201", "192.0.2.1"),
        ("TYPE1", "192.0.2.1", ""),
        ("NULL", r"\# 1 FF", ""),
    ] {
        if printed == "?" {
            assert_eq!(errors(&format!("o {rtype} {text}\n")).len(), 1, "{rtype} {text}");
            continue;
        }
        let zone = zone(&format!("o {rtype} {text}\n"));
        let wanted = if printed.is_empty() { text } else { printed };
        let known = Rtype::parse(rtype).unwrap();
        assert_eq!(texts(&zone, "o.example.com", known), [wanted], "{rtype}");
        let again = parse("again", written(&zone).as_bytes(), Origin::Unknown, &mut NoSources);
        assert_eq!(again.zone.as_ref(), Some(&zone), "{rtype} {:?}", again.findings);
    }
}

#[test]
fn faulty_rdata_is_shown_at_its_token() {
    for (record, error) in [
        ("o A 192.0.2.256", ("zone-rdata", 1, 5)),
        ("o A 192.0.2.01", ("zone-rdata", 1, 5)),
        ("o A", ("zone-rdata-short", 1, 4)),
        ("o A 192.0.2.1 192.0.2.2", ("zone-rdata-extra", 1, 15)),
        ("o SRV 10 70 sip", ("zone-rdata", 1, 13)),
        ("o SRV 10 70 65536 sip", ("zone-number-range", 1, 13)),
        ("o SRV 10 70 5060 a..b", ("zone-name", 1, 18)),
        ("o SRV 10 70 5060 \"sip\"", ("zone-rdata", 1, 18)),
        ("o SRV 10 70 5060 sip-\u{fc}", ("zone-name-ascii", 1, 18)),
        ("\u{fc} A 192.0.2.1", ("zone-name-ascii", 1, 1)),
        ("o MX ten a.", ("zone-rdata", 1, 6)),
        ("o AAAA 192.0.2.1", ("zone-rdata", 1, 8)),
        ("o TXT a\"b\"", ("zone-quotes", 1, 7)),
        ("o TXT a=\"b\"", ("zone-quotes", 1, 7)),
        ("o TXT \"a\"b", ("zone-quotes", 1, 7)),
        ("o TXT \"a", ("zone-quotes", 1, 7)),
        ("o TXT a\\", ("zone-escape", 1, 7)),
        ("o TXT \"\\256\"", ("zone-escape", 1, 7)),
        ("o DS 1 5 1 AB", ("zone-digest-length", 1, 12)),
        ("o DS 1 5 1 ABC", ("zone-rdata", 1, 12)),
        ("o DS 1 5 1 XY", ("zone-rdata", 1, 12)),
        ("o OPENPGPKEY AQI", ("zone-rdata", 1, 14)),
        (r"o A \# 3 010203", ("zone-rdata", 1, 10)),
        (r"o A \# 4 010203", ("zone-rdata-length", 1, 8)),
        ("o TYPE65280 abc", ("zone-rdata-form", 1, 13)),
        ("o FOO abc", ("zone-type", 1, 3)),
        ("o 3600 IN", ("zone-no-type", 1, 10)),
        ("o CH A 192.0.2.1", ("zone-class", 1, 3)),
        ("o ANY x", ("zone-meta-type", 1, 3)),
        ("o AXFR x", ("zone-meta-type", 1, 3)),
        ("o 2147483648 A 192.0.2.1", ("zone-ttl", 1, 3)),
        ("o 1h30 A 192.0.2.1", ("zone-ttl", 1, 3)),
        ("\"o\" A 192.0.2.1", ("zone-name", 1, 1)),
        ("$FOO x", ("zone-directive", 1, 1)),
        (" $TTL 5", ("zone-directive", 1, 2)),
        ("$TTL", ("zone-directive", 1, 5)),
        ("$TTL 5 6", ("zone-directive", 1, 8)),
        ("$INCLUDE x", ("zone-include", 1, 10)),
        ("o A 192.0.2.1 )", ("zone-parenthesis", 1, 15)),
    ] {
        assert_eq!(errors(&format!("{record}\n")), [error], "{record}");
        assert_eq!(errors(record), [error], "{record} without a final newline");
    }
}

#[test]
fn one_run_finds_every_faulty_line() {
    let found = errors(concat!(
        "a A 192.0.2.\n",
        "b TXT ( \"x\"\n",
        "      \"y\"\n",
        "c A 192.0.2.1\n",
        "d TXT \"open\n",
        "  A 192.0.2.2\n",
        "e..f A 192.0.2.1\n",
        "  TXT of-the-broken-owner\n",
        "g MX ( 10\n",
        "h TXT ( a )\n",
        "i A x\n",
    ));
    let lines: Vec<(&str, u32)> = found.iter().map(|(id, line, _)| (*id, *line)).collect();
    assert_eq!(
        lines,
        [
            ("zone-rdata", 1),
            ("zone-parenthesis", 2),
            ("zone-quotes", 5),
            ("zone-name", 7),
            ("zone-parenthesis", 9),
            ("zone-rdata", 11),
        ]
    );
}

#[test]
fn after_a_hundred_errors_the_rest_is_left() {
    let found = parsed(&"x A no\n".repeat(5_000)).findings;
    assert_eq!(found.len(), 101);
    assert_eq!(found.last().unwrap().id, "zone-more");
}

#[test]
fn the_zone_as_a_whole_is_judged() {
    for (body, error) in [
        ("www.example.org. A 192.0.2.1", ("zone-outside", 1, 1)),
        ("@ SOA ns1 host 8 1h 15m 2w 5m", ("zone-soa-twice", 1, 1)),
        ("sub SOA ns1 host 8 1h 15m 2w 5m", ("zone-soa-below", 1, 1)),
        ("ns1 CNAME x", ("zone-cname-beside", 1, 1)),
        ("c CNAME x\n TXT y", ("zone-cname-beside", 2, 2)),
        ("c CNAME x\nC CNAME y", ("zone-alias-twice", 2, 1)),
        ("c DNAME x\nC DNAME y", ("zone-alias-twice", 2, 1)),
    ] {
        assert_eq!(errors(body), [error], "{body}");
    }
    assert_eq!(errors("c CNAME x\nc RRSIG CNAME 13 3 60 20300101000000 20260101000000 1 @ AQID\nc NSEC d CNAME\n"), []);
    let no_ns = parse("t", b"$TTL 5\n@ SOA a b 1 2 3 4 5\n", Origin::Named(&name("x.")), &mut NoSources);
    assert_eq!(no_ns.findings.iter().map(|f| f.id).collect::<Vec<_>>(), ["zone-no-ns"]);
    let no_soa = parse("t", b"$TTL 5\n@ NS a\n", Origin::Guessed(&name("x.")), &mut NoSources);
    assert_eq!(no_soa.findings.iter().map(|f| f.id).collect::<Vec<_>>(), ["zone-no-soa"]);
    let elsewhere = parse("t", HEAD.as_bytes(), Origin::Named(&name("example.org")), &mut NoSources);
    assert_eq!(elsewhere.findings.iter().map(|f| f.id).collect::<Vec<_>>(), ["zone-origin"]);
}

#[test]
fn duplicates_are_dropped_and_the_first_ttl_counts() {
    let parsed = parsed("a 60 A 192.0.2.1\nA 60 A 192.0.2.1\na 90 A 192.0.2.2\nm MX 5 X\nm MX 5 x\nt TXT X\nt TXT x\n");
    let ids: Vec<&str> = parsed.findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["zone-duplicate", "zone-ttl-differs", "zone-duplicate"]);
    let zone = parsed.zone.unwrap();
    let set = zone.rrset(&name("a.example.com"), Rtype::A).unwrap();
    assert_eq!((set.ttl(), set.len()), (60, 2));
    assert_eq!(texts(&zone, "m.example.com", Rtype::MX), ["5 X.example.com."]);
    assert_eq!(texts(&zone, "t.example.com", Rtype::TXT).len(), 2);
    let place = parsed.places.record(&name("a.example.com"), Rtype::A, 1).unwrap();
    assert_eq!(place.rtype().line, 8);
}

#[test]
fn a_set_that_no_message_carries_is_told_and_the_zone_served() {
    let records = |count: u32| {
        (0..count).map(|n| format!("big A 10.{}.{}.{}\n", n >> 16, n >> 8 & 255, n & 255)).collect::<String>()
    };
    assert_eq!(errors(&records(4_000)), []);
    let parsed = parsed(&records(60_000));
    let found: Vec<_> = parsed.findings.iter().map(|finding| (finding.id, finding.severity)).collect();
    assert_eq!((found, parsed.zone.is_some()), (vec![("zone-set-size", Severity::Warning)], true));
    assert_eq!(errors(&records(70_000)), [("zone-set-size", 1, 1)], "no message counts so many");
    // 2,000 names of 34 octets and more, which take 11 when they are compressed.
    let names: String = (0..2_000).map(|n| format!("ptr PTR host{n:04}.a.name.of.some.length\n")).collect();
    assert_eq!(self::parsed(&names).findings, []);
    assert_eq!(zone(&"same A 192.0.2.1\n".repeat(60_000)).record_count(), 4);
}

#[test]
fn places_tell_each_field_and_what_was_relative() {
    let parsed = parsed("_sip._tcp\t60 IN SRV 10 70 5060 sip ; note\n  SRV ( 20 0\n 5061 backup.example.com. )\n");
    let owner = name("_sip._tcp.example.com");
    let first = parsed.places.record(&owner, Rtype::SRV, 0).unwrap();
    let target = first.field(3).unwrap();
    assert_eq!((target.line, target.column, target.width), (6, 32, 3));
    assert_eq!(&*target.text, "_sip._tcp\t60 IN SRV 10 70 5060 sip ; note");
    assert!(first.is_relative(3) && first.is_owner_relative());
    assert_eq!((first.ttl().unwrap().column, first.owner().width), (11, 9));
    let second = parsed.places.record(&owner, Rtype::SRV, 1).unwrap();
    assert_eq!((second.field(3).unwrap().line, second.field(3).unwrap().column), (8, 7));
    assert!(!second.is_relative(3));
    assert_eq!((second.ttl(), second.owner().line), (None, 7));
    assert!(second.field(4).is_none());
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    let text = format!("\u{feff}{HEAD}a A 192.0.2.1 ; no end").replace('\n', "\r\n");
    let dos = parse("t", text.as_bytes(), Origin::Unknown, &mut NoSources);
    assert_eq!(dos.zone, Some(zone("a A 192.0.2.1\n")), "{:?}", dos.findings);
}

#[test]
fn the_caret_is_counted_in_characters() {
    let finding = parsed("t TXT \"\u{e4}\u{e4}\" )\n").findings.remove(0);
    assert_eq!(finding.place.map(|place| (place.column, place.width)), Some((12, 1)));
}
