//! Providers' forms to zones and back.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::zone::{Name, Rtype, ZoneBuilder};

/// Imports texts, and returns the zone's text without SOA and the zone's NS, and the ids of the findings.
fn imported(texts: &[&str], zone: Option<&str>) -> (Option<String>, Vec<&'static str>) {
    let options = Options { zone: zone.map(|zone| zone.parse().unwrap()), ..Options::default() };
    let mut imported = Imported::default();
    texts.iter().for_each(|text| read::read("file", text.as_bytes(), options.zone.as_ref(), &mut imported));
    let (zone, findings) = assemble(imported, &options);
    (zone.map(|zone| own(&zone)), findings.iter().map(|finding| finding.id).collect())
}

/// The text of a zone without its SOA and NS.
fn own(zone: &Zone) -> String {
    let text = master_file(zone);
    let apex = zone.origin().to_string();
    text.lines()
        .filter(|line| {
            !(line.starts_with(&format!("{apex} ")) && (line.contains(" IN SOA ") || line.contains(" IN NS ")))
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// What a guide posts to Cloudflare.
const CLOUDFLARE: &str = r#"{
  "type": "SRV",
  "data": { "service": "_sip", "proto": "_tcp", "name": "example.com",
            "priority": 10, "weight": 60, "port": 5060, "target": "sip-node1.example.com" },
  "ttl": 300
}"#;

/// What the same guide gives to Route 53.
const ROUTE53: &str = r#"{
  "ChangeBatch": {
    "Changes": [{
      "Action": "UPSERT",
      "ResourceRecordSet": {
        "Name": "_sip._tls.example.com.", "Type": "SRV", "TTL": 300,
        "ResourceRecords": [{"Value": "10 60 5061 sip-node1.example.com."}]
      }
    }]
  }
}"#;

#[test]
fn what_is_posted_to_cloudflare_becomes_a_zone() {
    let line = "_sip._tcp.example.com. 300 IN SRV 10 60 5060 sip-node1.example.com.\n";
    assert_eq!(imported(&[CLOUDFLARE], None), (Some(line.to_owned()), vec!["import-zone", "import-name-servers"]));
}

#[test]
fn change_batches_are_read_with_and_without_their_frame() {
    let line = "_sip._tls.example.com. 300 IN SRV 10 60 5061 sip-node1.example.com.\n".to_owned();
    let bare = ROUTE53.replacen("\"ChangeBatch\": {", "\"Comment\": \"x\",", 1);
    let bare = bare.trim_end().strip_suffix('}').unwrap();
    for text in [ROUTE53, bare] {
        assert_eq!(imported(&[text], Some("example.com")).0.as_ref(), Some(&line), "{text}");
    }
}

#[test]
fn texts_of_several_providers_become_one_zone() {
    let text = format!("{CLOUDFLARE}\n{ROUTE53}");
    let zone_file = "sip-node1 300 IN A 192.0.2.10\n";
    let (zone, _) = imported(&[&text, zone_file], Some("example.com"));
    assert_eq!(zone.unwrap().lines().count(), 3);
}

#[test]
fn a_list_of_cloudflare_keeps_what_is_known_and_warns_of_proxies() {
    let text = r#"{"success": true, "result_info": {"total_pages": 2}, "result": [
        {"type": "A", "name": "www.example.com", "content": "192.0.2.1", "ttl": 1, "proxied": true},
        {"type": "MX", "name": "example.com", "content": "mail.example.com", "priority": 5, "ttl": 120},
        {"type": "TXT", "name": "example.com", "content": "v=spf1 \"x\"", "ttl": 60},
        {"type": "CAA", "name": "example.com", "data": {"flags": 0, "tag": "issue", "value": "ca.example.net"}, "ttl": 60},
        {"type": "SRV", "name": "_sip._udp.example.com", "data": {"priority": "10", "weight": 5, "port": 5060, "target": "."}, "ttl": 60}
    ]}"#;
    let (zone, ids) = imported(&[text], None);
    assert_eq!(
        zone.unwrap(),
        "example.com. 120 IN MX 5 mail.example.com.\n\
         example.com. 60 IN TXT \"v=spf1 \\\"x\\\"\"\n\
         example.com. 60 IN CAA 0 issue \"ca.example.net\"\n\
         _sip._udp.example.com. 60 IN SRV 10 5 5060 .\n\
         www.example.com. 300 IN A 192.0.2.1\n"
    );
    assert_eq!(ids, ["import-pages", "import-proxied", "import-zone", "import-name-servers"]);
}

#[test]
fn endings_that_stand_twice_are_put_right_in_every_form() {
    let twice = "sip-node1.example.com.example.com";
    let right = "sip-node1.example.com.";
    let zone = "$ORIGIN example.com.\n@ 60 IN SOA ns1 h 1 2 3 4 5\n@ 60 IN NS ns1\n\
         _sip._tcp 300 IN SRV 10 60 5060 sip-node1.example.com\nsip-node1.example.com 60 IN A 192.0.2.1\n";
    for text in [CLOUDFLARE.replace("sip-node1.example.com", twice), ROUTE53.replace(right, twice), zone.to_owned()] {
        let (zone, ids) = imported(&[&text], Some("example.com"));
        let zone = zone.unwrap();
        assert!(zone.contains(&format!(" {right}\n")) && !zone.contains(twice), "{zone}");
        assert_eq!(ids.iter().filter(|id| **id == "import-suffix-twice").count(), 1, "{ids:?}");
    }
}

#[test]
fn names_stay_as_written_if_that_is_asked_for() {
    let mut given = Imported::default();
    read::read(
        "file",
        CLOUDFLARE.replace("sip-node1.example.com", "a.example.com.example.com.").as_bytes(),
        None,
        &mut given,
    );
    let options = Options { zone: Some("example.com".parse().unwrap()), as_written: true, ..Options::default() };
    let (zone, findings) = assemble(given, &options);
    assert!(own(&zone.unwrap()).contains(" a.example.com.example.com.\n"));
    assert!(findings.iter().all(|finding| finding.id != "import-suffix-twice"));
}

/// Route 53 keeps several CNAME records of one name by a routing policy.
#[test]
fn of_the_aliases_of_a_routing_policy_the_first_is_taken() {
    let set = |id: &str, target: &str| {
        format!(
            r#"{{"Name": "www.example.com.", "Type": "CNAME", "TTL": 60, "SetIdentifier": "{id}", "Weight": 3,
                 "ResourceRecords": [{{"Value": "{target}"}}]}}"#
        )
    };
    let sets = [set("a", "lb1.example.net."), set("b", "lb2.example.net.")].join(", ");
    let (zone, ids) = imported(&[&format!(r#"{{"ResourceRecordSets": [{sets}]}}"#)], Some("example.com"));
    assert_eq!(zone.as_deref(), Some("www.example.com. 60 IN CNAME lb1.example.net.\n"));
    assert_eq!(ids.iter().filter(|id| **id == "import-routing").count(), 2, "{ids:?}");
}

#[test]
fn what_is_no_record_is_refused_with_its_place() {
    let alias = r#"{"ResourceRecordSets": [{"Name": "example.com.", "Type": "A", "AliasTarget": {"DNSName": "x."}}]}"#;
    for (text, id) in [
        ("{\"type\": \"SRV\", \"name\": \"_sip._tcp.example.com\", \"data\": {\"priority\": 1}}", "import-record"),
        ("{\"type\": \"A\", \"name\": \"example.com\", \"content\": \"192.0.2\"}", "import-record"),
        ("{\"type\": \"A\", \"name\": \"www.example.net.\", \"content\": \"192.0.2.1\"}", "import-outside"),
        ("{\"type\": \"WORD\", \"name\": \"example.com\", \"content\": \"1\"}", "import-record"),
        ("{\"success\": false, \"result\": null}", "import-record"),
        ("{\"type\": \"A\",", "import-json"),
        ("{\"zone\": 1}", "import-form"),
        ("{\"Changes\": [{\"Action\": \"REPLACE\"}]}", "import-record"),
        (alias, "import-alias"),
        ("www 60 IN DYNA group\n", "type-unknown"),
    ] {
        let (zone, ids) = imported(&[text], Some("example.com"));
        assert_eq!(zone, None, "{text}");
        assert!(ids.contains(&id) || id == "type-unknown" && !ids.is_empty(), "{text}: {ids:?}");
    }
    assert_eq!(imported(&["www 60 IN A 192.0.2.1\n"], None), (None, vec!["import-zone"]));
}

#[test]
fn octal_escapes_become_decimal_ones() {
    let text = r#"{"ResourceRecordSets": [
        {"Name": "\\052.example.com.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": "\"a\\101\\\"\""}]},
        {"Name": "example.com.", "Type": "SOA", "TTL": 60, "ResourceRecords": [{"Value": "ns-1.awsdns-01.org. h. 1 2 3 4 5"}]},
        {"Name": "example.com.", "Type": "NS", "TTL": 60, "ResourceRecords": [{"Value": "ns-1.awsdns-01.org."}]}]}"#;
    let (zone, ids) = imported(&[text], None);
    assert_eq!(zone.unwrap(), "*.example.com. 60 IN TXT \"aA\\\"\"\n");
    assert_eq!(ids, ["import-name-servers"]);
}

#[test]
fn name_servers_of_the_command_line_take_the_place_of_the_providers() {
    let text =
        "example.com. 60 IN SOA ns.example.net. h.example.net. 9 2 3 4 5\nexample.com. 60 IN NS ns.example.net.\n";
    let mut given = Imported::default();
    read::read("file", text.as_bytes(), None, &mut given);
    let (zone, findings) =
        assemble(given, &Options { name_servers: vec!["ns1.example.com".parse().unwrap()], ..Options::default() });
    assert_eq!(
        master_file(&zone.unwrap()),
        "example.com. 300 IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 604800 30\n\
         example.com. 300 IN NS ns1.example.com.\n"
    );
    assert_eq!(findings, []);
}

#[test]
fn what_a_provider_cannot_have_is_reported() {
    let text = "@ 60 IN SOA ns1 h 1 2 3 4 5\n@ 60 IN NS ns1\n_sip._tcp 60 IN SRV 1 2 3 a\nx 60 IN LOC 52 22 23 N 4 53 32 E 0m\n";
    let mut given = Imported::default();
    let origin: Name = "example.com".parse().unwrap();
    read::read("file", text.as_bytes(), Some(&origin), &mut given);
    let zone = assemble(given, &Options::default()).0.unwrap();
    for (text, findings) in [export::cloudflare(&zone), export::route53(&zone)] {
        assert!(text.contains("_sip._tcp.example.com") && !text.contains("LOC"), "{text}");
        assert_eq!(findings.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["export-type"]);
    }
}

fn label() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,8}[a-z0-9]"
}

/// A record below `example.com`, of a type that both providers have.
fn record() -> impl Strategy<Value = (String, Rtype, Vec<u8>)> {
    let host = prop_oneof![
        label().prop_map(|label| format!("{label}.example.com")),
        label().prop_map(|label| format!("a.{label}.example.net")),
    ];
    let wire = |name: &str| name.parse::<Name>().unwrap().wire().to_vec();
    let srv = (label(), label(), any::<[u16; 3]>(), host.clone()).prop_map(move |(service, under, numbers, host)| {
        let head: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        (format!("_{service}._tcp.{under}.example.com"), Rtype::SRV, [head, wire(&host)].concat())
    });
    let mx = (label(), any::<u16>(), host).prop_map(move |(owner, number, host)| {
        (format!("{owner}.mx.example.com"), Rtype::MX, [number.to_be_bytes().to_vec(), wire(&host)].concat())
    });
    let address = (label(), any::<[u8; 4]>())
        .prop_map(|(owner, octets)| (format!("{owner}.example.com"), Rtype::A, octets.to_vec()));
    let text = (label(), vec(vec(any::<u8>(), 0..40), 1..4)).prop_map(|(owner, texts)| {
        let strings = texts.iter().flat_map(|text| [&[u8::try_from(text.len()).unwrap()], text.as_slice()].concat());
        (format!("*.{owner}.txt.example.com"), Rtype::TXT, strings.collect())
    });
    let caa = (label(), "[ -~]{0,20}").prop_map(|(owner, value)| {
        (format!("{owner}.caa.example.com"), Rtype::CAA, [b"\x00\x05issue", value.as_bytes()].concat())
    });
    prop_oneof![srv, mx, address, text, caa]
}

proptest! {
    /// Out to each form and in again: the same zone, but for what is the provider's.
    #[test]
    fn zones_come_back_from_every_form(records in vec((record(), 2u32..100_000), 1..12)) {
        let origin: Name = "example.com".parse().unwrap();
        let mut builder = ZoneBuilder::new(origin.clone());
        let soa = b"\x01n\x00\x01h\x00\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
        builder.add(&origin, Rtype::SOA, 60, soa).unwrap();
        builder.add(&origin, Rtype::NS, 60, b"\x01n\x00").unwrap();
        for ((owner, rtype, rdata), ttl) in &records {
            builder.add(&owner.parse().unwrap(), *rtype, *ttl, rdata).unwrap();
        }
        let zone = builder.finish().unwrap();
        for (form, findings) in [export::cloudflare(&zone), export::route53(&zone), (master_file(&zone), Vec::new())] {
            prop_assert_eq!(findings, vec![]);
            prop_assert_eq!(imported(&[&form], Some("example.com")).0, Some(own(&zone)), "{}", form);
        }
    }

    /// Whatever stands in a file, it is read or refused.
    #[test]
    fn no_json_breaks_the_reader(text in r#"[\[{]("(type|name|data|content|ttl|Changes|Name|Value|SRV|target)"|[0-9]{1,3}|[\[\]{},: \\."]){0,40}"#) {
        let (zone, findings) = imported(&[&text], Some("example.com"));
        prop_assert!(zone.is_some() || !findings.is_empty());
    }
}
