//! Zones in the forms of providers: what their APIs take. SOA and the zone's own NS are the provider's, and left out.

use serde_json::{Value, json};

use crate::base::finding::Finding;
use crate::zone::write::rdata_text;
use crate::zone::{Name, Rrset, Rtype, Srv, Zone};

use super::names::plain;
use super::route53;

/// A list of what Cloudflare's API takes, a record each.
pub(super) fn cloudflare(zone: &Zone) -> (String, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut list = Vec::new();
    for (owner, set) in sets(zone) {
        for rdata in set.rdatas() {
            match cloudflare_record(owner, set, rdata) {
                Some(record) => list.push(record),
                None => {
                    let message = format!(
                        "{} {} is left out: its form at Cloudflare is not known here",
                        plain(owner),
                        set.rtype()
                    );
                    findings.push(Finding::error("export-type", message).help("add it by hand"));
                }
            }
        }
    }
    (format!("{:#}\n", Value::Array(list)), findings)
}

fn cloudflare_record(owner: &Name, set: &Rrset, rdata: &[u8]) -> Option<Value> {
    let name = plain(owner);
    let mut record = json!({ "type": set.rtype().to_string(), "name": name, "ttl": set.ttl() });
    let text = rdata_text(set.rtype(), rdata);
    match set.rtype() {
        Rtype::SRV => {
            let srv = Srv::read(rdata)?;
            let host = Name::from_wire(srv.host).ok()?;
            let mut data =
                json!({ "priority": srv.priority, "weight": srv.weight, "port": srv.port, "target": whole(&host) });
            // Service and protocol apart, as the API has always had them, where the owner has them.
            let mut parts = name.splitn(3, '.');
            if let (Some(service), Some(proto), Some(rest)) = (parts.next(), parts.next(), parts.next())
                && service.starts_with('_')
                && proto.starts_with('_')
            {
                data["service"] = service.into();
                data["proto"] = proto.into();
                data["name"] = rest.into();
            }
            record["data"] = data;
        }
        Rtype::MX => {
            let (priority, host) = text.split_once(' ')?;
            record["priority"] = priority.parse::<u16>().ok()?.into();
            record["content"] = whole(&host.parse().ok()?).into();
        }
        Rtype::CAA => {
            let (flags, rest) = text.split_once(' ')?;
            let (tag, _) = rest.split_once(' ')?;
            let value = rdata.get(2 + tag.len()..)?;
            record["data"] =
                json!({ "flags": flags.parse::<u8>().ok()?, "tag": tag, "value": std::str::from_utf8(value).ok()? });
        }
        Rtype::CNAME | Rtype::NS | Rtype::PTR => record["content"] = whole(&text.parse().ok()?).into(),
        Rtype::A | Rtype::AAAA | Rtype::TXT => record["content"] = text.into(),
        _ => return None,
    }
    Some(record)
}

/// A name without its final dot, but for single labels and the root, which are names of their own only with it.
fn whole(name: &Name) -> String {
    if name.label_count() < 2 { name.to_string() } else { plain(name) }
}

/// A change batch of Route 53, as `aws route53 change-resource-record-sets --change-batch` takes it.
pub(super) fn route53(zone: &Zone) -> (String, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut changes = Vec::new();
    let mut records = 0;
    for (owner, set) in sets(zone) {
        if !ROUTE53_TYPES.contains(&set.rtype()) {
            let message = format!("{} {} is left out: Route 53 has no such type", plain(owner), set.rtype());
            findings.push(Finding::error("export-type", message));
            continue;
        }
        records += set.len();
        let is_text = matches!(set.rtype(), Rtype::TXT | Rtype::SPF | Rtype::CAA);
        let value = |rdata: &[u8]| {
            let text = rdata_text(set.rtype(), rdata);
            json!({ "Value": if is_text { route53::octal_escapes(&text) } else { text } })
        };
        changes.push(json!({
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": route53::octal_escapes(&owner.to_string()),
                "Type": set.rtype().to_string(),
                "TTL": set.ttl(),
                "ResourceRecords": set.rdatas().map(value).collect::<Vec<_>>(),
            },
        }));
    }
    // An UPSERT counts twice for its limit of 1,000 records a request.
    if records > 500 {
        let message = format!("{records} records are in one batch, and Route 53 takes 500 that way");
        findings.push(Finding::warning("export-batch", message).help("cut `Changes` into several batches"));
    }
    (format!("{:#}\n", json!({ "Changes": changes })), findings)
}

/// All sets but those that a provider has by itself.
fn sets(zone: &Zone) -> impl Iterator<Item = (&Name, &Rrset)> {
    zone.sets().map(|(owner, set)| (owner, &**set)).filter(|(owner, set)| {
        let is_apex = owner.wire().eq_ignore_ascii_case(zone.origin().wire());
        !(is_apex && matches!(set.rtype(), Rtype::SOA | Rtype::NS))
    })
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
const ROUTE53_TYPES: [Rtype; 16] = [
    Rtype::A,
    Rtype::AAAA,
    Rtype::CAA,
    Rtype::CNAME,
    Rtype::DS,
    Rtype::HTTPS,
    Rtype::MX,
    Rtype::NAPTR,
    Rtype::NS,
    Rtype::PTR,
    Rtype::SPF,
    Rtype::SRV,
    Rtype::SSHFP,
    Rtype::SVCB,
    Rtype::TLSA,
    Rtype::TXT,
];
