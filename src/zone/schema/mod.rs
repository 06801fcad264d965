//! The RDATA fields of each type.
//!
//! Every conversion between text and octets uses one table: `fields`. Types that are not in it have only the text form
//! of RFC 3597 §5. A [`Field`] knows three things: where it ends in RDATA (`take`, here), how it is read (`read`), and
//! how it is printed (`print`).

mod apl;
mod bitmap;
mod digits;
mod key;
mod loc;
mod mnemonic;
mod print;
mod problem;
mod read;
mod svc;
mod token;
mod wks;

use std::borrow::Cow;

use super::{Rtype, name};

pub(super) use print::print;
pub(super) use problem::{Problem, is_relative, name_problem};
pub(super) use read::{Rdata, read};
pub(super) use token::Token;

/// One field of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// An uncompressed name; the word says what it names.
    Name(&'static str),
    /// A number of one octet.
    U8(&'static str),
    /// A number of two octets.
    U16(&'static str),
    /// A number of four octets.
    U32(&'static str),
    /// A span of time in seconds, four octets; units may be written.
    Seconds(&'static str),
    /// A moment (RFC 4034 §3.2): seconds since 1970, or `YYYYMMDDHHmmSS`.
    Moment(&'static str),
    /// A record type's number.
    Type,
    /// A DNSSEC algorithm's number, or its mnemonic (RFC 4034 appendix A.1).
    Algorithm,
    /// A certificate type's number, or its mnemonic (RFC 4398 §2.1).
    CertType,
    /// A scheme's number, or its mnemonic (RFC 9859 §2.1).
    Scheme,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A character string of up to 255 octets (RFC 1035 §3.3).
    Text(&'static str),
    /// A character string that may be left out.
    OptionalText(&'static str),
    /// Character strings up to the end, at least one.
    Texts,
    /// One string of octets up to the end, without a length.
    LongText(&'static str),
    /// The same, not empty (RFC 7553 §4.4).
    Uri,
    /// The tag of a CAA property: letters and digits with a length (RFC 8659 §4.1).
    Tag,
    /// Hexadecimal digits up to the end, not empty.
    Hex(&'static str),
    /// Base64 up to the end, not empty.
    Base64(&'static str),
    /// Base64 up to the end, or nothing.
    OptionalBase64(&'static str),
    /// Base64 up to the end, or `-` for nothing.
    DashBase64(&'static str),
    /// Hexadecimal digits with a length, `-` for none (RFC 5155 §3.3).
    Salt,
    /// Base32 with extended hexadecimal digits, with a length (RFC 5155 §3.3).
    NextHash,
    /// The set of types at an owner (RFC 4034 §4.1.2), up to the end.
    Bitmap,
    /// The parameters of SVCB and HTTPS (RFC 9460 §2.1), up to the end.
    SvcParams,
    /// A place on earth (RFC 1876), 16 octets.
    Location,
    /// Address prefixes (RFC 3123), up to the end.
    Prefixes,
    /// An OSI address (RFC 1706): `0x` and hexadecimal digits with dots anywhere, up to the end.
    Nsap,
    /// An EUI-48 or EUI-64 of so many octets (RFC 7043).
    Eui(usize),
    /// 64 bits as four hexadecimal groups (RFC 6742).
    Node64,
    /// Address, protocol and ports (RFC 1035 §3.4.2), up to the end.
    Services,
    /// Precedence, gateway type, algorithm, gateway and key (RFC 4025), up to the end.
    IpsecKey,
    /// Precedence, discovery bit, relay type and relay (RFC 8777), up to the end.
    Relay,
    /// Algorithm, identity tag, key and servers (RFC 8005), up to the end.
    HostIdentity,
}

/// Returns the fields of a type; nothing if its text form is unknown here.
pub(super) const fn fields(rtype: Rtype) -> Option<&'static [Field]> {
    use Field::{
        Algorithm, Base64, Bitmap, CertType, DashBase64, Eui, Hex, HostIdentity, IpsecKey, Ipv4, Ipv6, Location,
        LongText, Moment, Name, NextHash, Node64, Nsap, OptionalBase64, OptionalText, Prefixes, Relay, Salt, Scheme,
        Seconds, Services, SvcParams, Tag, Text, Texts, Type, U8, U16, U32, Uri,
    };
    Some(match rtype {
        Rtype::A => &[Ipv4],
        Rtype::NS => &[Name("name server")],
        Rtype::MD | Rtype::MF | Rtype::MB | Rtype::MG | Rtype::MR => &[Name("mail name")],
        Rtype::CNAME | Rtype::DNAME | Rtype::PTR | Rtype::NSAP_PTR => &[Name("target")],
        Rtype::SOA => &[
            Name("primary server"),
            Name("mailbox"),
            U32("serial"),
            Seconds("refresh"),
            Seconds("retry"),
            Seconds("expire"),
            Seconds("minimum"),
        ],
        Rtype::WKS => &[Services],
        Rtype::HINFO => &[Text("hardware"), Text("system")],
        Rtype::MINFO => &[Name("mailbox"), Name("mailbox for errors")],
        Rtype::MX => &[U16("preference"), Name("mail server")],
        Rtype::TXT | Rtype::SPF | Rtype::AVC | Rtype::RESINFO | Rtype::WALLET => &[Texts],
        Rtype::RP => &[Name("mailbox"), Name("name of the TXT record")],
        Rtype::AFSDB => &[U16("subtype"), Name("server")],
        Rtype::X25 => &[Text("PSDN address")],
        Rtype::ISDN => &[Text("ISDN address"), OptionalText("subaddress")],
        Rtype::RT => &[U16("preference"), Name("intermediate host")],
        Rtype::NSAP => &[Nsap],
        Rtype::SIG | Rtype::RRSIG => &[
            Type,
            Algorithm,
            U8("number of labels"),
            Seconds("original TTL"),
            Moment("expiration"),
            Moment("inception"),
            U16("key tag"),
            Name("signer"),
            Base64("signature"),
        ],
        Rtype::KEY => &[U16("flags"), U8("protocol"), Algorithm, OptionalBase64("key")],
        Rtype::DNSKEY | Rtype::CDNSKEY => &[U16("flags"), U8("protocol"), Algorithm, Base64("key")],
        Rtype::PX => &[U16("preference"), Name("RFC 822 name"), Name("X.400 name")],
        Rtype::GPOS => &[Text("longitude"), Text("latitude"), Text("altitude")],
        Rtype::AAAA => &[Ipv6],
        Rtype::LOC => &[Location],
        Rtype::EID | Rtype::NIMLOC => &[Hex("locator")],
        Rtype::SRV => &[U16("priority"), U16("weight"), U16("port"), Name("target")],
        Rtype::NAPTR => {
            &[U16("order"), U16("preference"), Text("flags"), Text("service"), Text("expression"), Name("replacement")]
        }
        Rtype::KX => &[U16("preference"), Name("exchanger")],
        Rtype::CERT => &[CertType, U16("key tag"), Algorithm, Base64("certificate")],
        Rtype::APL => &[Prefixes],
        Rtype::DS | Rtype::CDS | Rtype::DLV | Rtype::TA => {
            &[U16("key tag"), Algorithm, U8("digest type"), Hex("digest")]
        }
        Rtype::SSHFP => &[U8("algorithm"), U8("fingerprint type"), Hex("fingerprint")],
        Rtype::IPSECKEY => &[IpsecKey],
        Rtype::NSEC => &[Name("next name"), Bitmap],
        Rtype::DHCID => &[Base64("identity")],
        Rtype::NSEC3 => &[U8("hash algorithm"), U8("flags"), U16("iterations"), Salt, NextHash, Bitmap],
        Rtype::NSEC3PARAM => &[U8("hash algorithm"), U8("flags"), U16("iterations"), Salt],
        Rtype::TLSA | Rtype::SMIMEA => &[U8("usage"), U8("selector"), U8("matching type"), Hex("association data")],
        Rtype::HIP => &[HostIdentity],
        Rtype::TALINK => &[Name("previous name"), Name("next name")],
        Rtype::OPENPGPKEY => &[Base64("key")],
        Rtype::CSYNC => &[U32("serial"), U16("flags"), Bitmap],
        Rtype::ZONEMD => &[U32("serial"), U8("scheme"), U8("hash algorithm"), Hex("digest")],
        Rtype::SVCB | Rtype::HTTPS => &[U16("priority"), Name("target"), SvcParams],
        Rtype::DSYNC => &[Type, Scheme, U16("port"), Name("target")],
        Rtype::NID | Rtype::L64 => &[U16("preference"), Node64],
        Rtype::L32 => &[U16("preference"), Ipv4],
        Rtype::LP => &[U16("preference"), Name("target")],
        Rtype::EUI48 => &[Eui(6)],
        Rtype::EUI64 => &[Eui(8)],
        Rtype::URI => &[U16("priority"), U16("weight"), Uri],
        Rtype::CAA => &[U8("flags"), Tag, LongText("value")],
        Rtype::DOA => &[U32("enterprise"), U32("type"), U8("location"), Text("media type"), DashBase64("data")],
        Rtype::AMTRELAY => &[Relay],
        _ => return None,
    })
}

/// Returns whether RDATA has its type's fields, each well formed, and nothing behind them. Types without a schema take
/// any octets.
pub(super) fn is_wellformed(rtype: Rtype, rdata: &[u8]) -> bool {
    fields(rtype).is_none_or(|fields| parts(fields, rdata).is_some()) && digest_fault(rtype, rdata).is_none()
}

/// Splits RDATA into the octets of its fields.
pub(super) fn parts<'a>(fields: &[Field], rdata: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let mut rest = rdata;
    let mut parts = Vec::with_capacity(fields.len());
    for &field in fields {
        let (part, behind) = take(field, rest)?;
        parts.push(part);
        rest = behind;
    }
    rest.is_empty().then_some(parts)
}

/// Splits `rdata` behind a well-formed field; nothing if it does not begin with one.
fn take(field: Field, rdata: &[u8]) -> Option<(&[u8], &[u8])> {
    let all = |good: bool| good.then_some((rdata, [].as_slice()));
    match field {
        Field::Name(_) => name::split_wire(rdata),
        Field::U8(_) | Field::Algorithm | Field::Scheme => rdata.split_at_checked(1),
        Field::U16(_) | Field::Type | Field::CertType => rdata.split_at_checked(2),
        Field::U32(_) | Field::Seconds(_) | Field::Moment(_) | Field::Ipv4 => rdata.split_at_checked(4),
        Field::Ipv6 => rdata.split_at_checked(16),
        Field::Text(_) | Field::Salt => take_counted(rdata),
        Field::NextHash => take_counted(rdata).filter(|(hash, _)| hash.len() > 1),
        Field::OptionalText(_) if rdata.is_empty() => all(true),
        Field::OptionalText(_) => take_counted(rdata),
        Field::Texts => {
            let mut rest = rdata;
            while !rest.is_empty() {
                rest = take_counted(rest)?.1;
            }
            all(!rdata.is_empty())
        }
        Field::LongText(_) | Field::OptionalBase64(_) | Field::DashBase64(_) => all(true),
        Field::Uri | Field::Hex(_) | Field::Base64(_) | Field::Nsap => all(!rdata.is_empty()),
        Field::Tag => {
            take_counted(rdata).filter(|(tag, _)| tag.len() > 1 && tag.iter().skip(1).all(u8::is_ascii_alphanumeric))
        }
        Field::Bitmap => all(bitmap::is_wellformed(rdata)),
        Field::SvcParams => all(svc::is_wellformed(rdata)),
        Field::Location => all(loc::is_wellformed(rdata)),
        Field::Prefixes => all(apl::is_wellformed(rdata)),
        Field::Eui(length) => rdata.split_at_checked(length),
        Field::Node64 => rdata.split_at_checked(8),
        Field::Services => all(wks::is_wellformed(rdata)),
        Field::IpsecKey => all(key::is_ipseckey(rdata)),
        Field::Relay => all(key::is_amtrelay(rdata)),
        Field::HostIdentity => all(key::is_hip(rdata)),
    }
}

/// Splits behind a length octet and so many octets; the first part includes the length.
fn take_counted(rdata: &[u8]) -> Option<(&[u8], &[u8])> {
    rdata.split_at_checked(usize::from(*rdata.first()?) + 1)
}

/// Says what is wrong with a digest whose length its kind sets (RFC 4034 §5.1.4, RFC 8976 §2.2.4).
pub(super) fn digest_fault(rtype: Rtype, rdata: &[u8]) -> Option<String> {
    let (kind, length) = match rtype {
        Rtype::DS | Rtype::CDS | Rtype::DLV | Rtype::TA => (*rdata.get(3)?, rdata.len() - 4),
        Rtype::ZONEMD => (*rdata.get(5)?, rdata.len() - 6),
        _ => return None,
    };
    let right = match (rtype, kind) {
        (Rtype::ZONEMD, 1) => 48,
        (Rtype::ZONEMD, 2) => 64,
        (Rtype::ZONEMD, _) if length < 12 => return Some("a digest has at least 12 octets".to_owned()),
        (Rtype::ZONEMD, _) => return None,
        (_, 1) => 20,
        (_, 2 | 3) => 32,
        (_, 4) => 48,
        _ => return None,
    };
    (length != right).then(|| format!("a digest of type {kind} has {right} octets, this one has {length}"))
}

/// Returns the octets of RDATA that are no names, and its names, where those may be compressed (RFC 3597 §4).
pub(super) fn compressible(rtype: Rtype, rdata: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let is_old = matches!(
        rtype,
        Rtype::NS
            | Rtype::CNAME
            | Rtype::PTR
            | Rtype::MB
            | Rtype::MD
            | Rtype::MF
            | Rtype::MG
            | Rtype::MR
            | Rtype::MX
            | Rtype::SOA
            | Rtype::MINFO
    );
    let fields = fields(rtype).filter(|_| is_old)?;
    let parts = parts(fields, rdata)?;
    let names: Vec<&[u8]> =
        fields.iter().zip(parts).filter(|(field, _)| matches!(field, Field::Name(_))).map(|(_, part)| part).collect();
    let fixed = rdata.len() - names.iter().map(|name| name.len()).sum::<usize>();
    Some((fixed, names))
}

/// Returns RDATA that stands in a message from `start` to `end`, its names in full: others may compress them in the types of
/// RFC 1035, and did in some later ones (RFC 3597 §4). `expand` returns the name that begins at a place, and the place behind
/// it.
pub fn in_full<N: AsRef<[u8]>>(
    rtype: Rtype,
    message: &[u8],
    start: usize,
    end: usize,
    expand: impl Fn(&[u8], usize) -> Option<(N, usize)>,
) -> Option<Vec<u8>> {
    let whole = message.get(start..end)?;
    let Some(fields) = fields(rtype).filter(|_| has_old_names(rtype)) else { return Some(whole.to_vec()) };
    let (mut rdata, mut at) = (Vec::with_capacity(whole.len()), start);
    for &field in fields {
        if let Field::Name(_) = field {
            let (name, behind) = expand(message, at)?;
            rdata.extend_from_slice(name.as_ref());
            at = behind;
        } else {
            let (part, _) = take(field, message.get(at..end)?)?;
            rdata.extend_from_slice(part);
            at += part.len();
        }
    }
    (at == end).then_some(rdata)
}

/// Returns whether two RDATA of one type are the same record; names of the types in RFC 4034 §6.2 without case.
pub(super) fn same(rtype: Rtype, a: &[u8], b: &[u8]) -> bool {
    a == b || (has_old_names(rtype) && a.eq_ignore_ascii_case(b) && canonical(rtype, a) == canonical(rtype, b))
}

/// Returns RDATA in canonical form (RFC 4034 §6.2, RFC 6840 §5.1).
pub(super) fn canonical(rtype: Rtype, rdata: &[u8]) -> Cow<'_, [u8]> {
    let Some(fields) = fields(rtype).filter(|_| has_old_names(rtype)) else { return Cow::Borrowed(rdata) };
    let Some(parts) = parts(fields, rdata) else { return Cow::Borrowed(rdata) };
    let mut lowered = Vec::with_capacity(rdata.len());
    for (field, part) in fields.iter().zip(parts) {
        if matches!(field, Field::Name(_)) {
            lowered.extend(part.iter().map(u8::to_ascii_lowercase));
        } else {
            lowered.extend_from_slice(part);
        }
    }
    Cow::Owned(lowered)
}

/// The types whose names are compared without case. HINFO has none, and NSEC left the list (RFC 6840 §5.1).
const fn has_old_names(rtype: Rtype) -> bool {
    matches!(
        rtype,
        Rtype::NS
            | Rtype::MD
            | Rtype::MF
            | Rtype::CNAME
            | Rtype::SOA
            | Rtype::MB
            | Rtype::MG
            | Rtype::MR
            | Rtype::PTR
            | Rtype::MINFO
            | Rtype::MX
            | Rtype::RP
            | Rtype::AFSDB
            | Rtype::RT
            | Rtype::SIG
            | Rtype::PX
            | Rtype::NAPTR
            | Rtype::KX
            | Rtype::SRV
            | Rtype::DNAME
            | Rtype::RRSIG
    )
}
