//! Answers packets from a small zone of every shape, signed, over every transport: what comes out is in form, and over UDP a
//! plain question's answer, which is made without a plan, is that of the plan.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use prometheus_client::registry::Registry;
use understudy::base::clock::{Clock, Mono, Now, UnixTime};
use understudy::base::table::Table;
use understudy::serve::{
    Client, Context, Limiter, Metrics, Parts, QueryView, Readiness, Responder, Secrets, Settings, Signed, Status,
    Transport, answer, limit, render,
};
use understudy::snapshot::{Image, Publisher, Snapshot, ZoneId, ZoneInput};
use understudy::zone::parse::{Origin, Sources, load};
use understudy::zone::signed::{Nsec3Param, label_of_hash};
use understudy::zone::{Name, Rtype, Zone};

/// Runs one input: one octet that chooses, then a packet.
pub(crate) fn run(octets: &[u8]) {
    let Some((choice, packet)) = octets.split_first() else { return };
    let Ok(query) = QueryView::parse(packet) else { return };
    let transport = Transport::ALL[usize::from(*choice) % Transport::ALL.len()];
    let now = Now { mono: Mono::START, wall: UnixTime::from_secs(1_800_000_000) };
    let client = Client::new(SocketAddr::from(([127, 0, 0, 1], 5300)), transport, now);
    let (settings, status) = (Settings::default(), Status { answering: true, ..Status::default() });
    let rotation = query.header.id;
    let context = Context { settings: &settings, status: &status, client, secrets: &Secrets::new([7; 16]), rotation };
    let plan = answer(snapshot(), &query, &context);
    let limit = limit(&query, &context);
    let mut message = Vec::new();
    let truncated = render(&plan, &query, limit, &mut message);
    assert!((12..=limit).contains(&message.len()), "{} of {limit}", message.len());
    assert_eq!((message[0], message[1], message[2] & 0x80), (packet[0], packet[1], 0x80));
    assert_eq!(message[2] & 2 != 0, truncated);
    assert_eq!(message[3] & 0xa0, 0, "RA and AD are never set");
    walk(&message);
    let mut again = Vec::new();
    render(&plan, &query, limit, &mut again);
    assert_eq!(again, message);
    let is_transfer = query.question.is_some_and(|question| matches!(question.rtype, Rtype::AXFR | Rtype::IXFR));
    if transport == Transport::Udp && query.header.opcode() == 0 && query.signed == Signed::No && !is_transfer {
        assert!(responder().respond(packet, client, &mut again).is_some());
        assert_eq!(again, message);
    }
}

fn responder() -> &'static Responder {
    static RESPONDER: OnceLock<Responder> = OnceLock::new();
    RESPONDER.get_or_init(|| {
        Responder::new(Parts {
            reader: Publisher::new(snapshot().clone()).reader(),
            settings: Settings::default(),
            secrets: Secrets::new([7; 16]),
            readiness: Readiness::ready(),
            metrics: Metrics::register(&mut Registry::default()),
            limiter: Limiter::new([7; 16]),
            clock: Clock::start(),
        })
    })
}

/// Reads a message to its end: names lead backwards only, and the counts tell the truth.
fn walk(message: &[u8]) {
    let count = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    let mut at = 12;
    for _ in 0..count(4) {
        at = skip_name(message, at) + 4;
    }
    for _ in 0..count(6) + count(8) + count(10) {
        at = skip_name(message, at) + 10;
        at += count(at - 2);
    }
    assert_eq!(at, message.len());
}

fn skip_name(message: &[u8], mut at: usize) -> usize {
    loop {
        match usize::from(message[at]) {
            0 => return at + 1,
            pointer @ 192.. => {
                assert!((pointer - 192) * 256 + usize::from(message[at + 1]) < at, "a pointer leads forward");
                return at + 2;
            }
            length => at += length + 1,
        }
    }
}

fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        let hashed = zone(&format!("{}{}", SHAPES.replace("t.", "h."), nsec3()));
        let zones: Table<ZoneId, ZoneInput> = [zone(SHAPES), hashed]
            .into_iter()
            .map(|zone| ZoneInput { origin: zone.origin().clone(), zone: Some(zone) })
            .collect();
        Snapshot::first(Arc::new(Image::build(&zones, &Table::new())), Vec::new(), 1)
    })
}

fn zone(text: &str) -> Arc<Zone> {
    let parsed = load("zone", text.as_bytes(), Origin::Unknown, &mut Nothing);
    Arc::new(parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings)))
}

/// Makes a chain of NSEC3 records for some names of `h.`
fn nsec3() -> String {
    let param = Nsec3Param { iterations: 1, salt: &[0xaa] };
    let hash = |name: &str| label_of_hash(&param.hash(name.parse::<Name>().expect("a name").wire()));
    let mut hashes: Vec<String> = ["h.", "www.h.", "ent.h.", "*.wild.h.", "wild.h."].map(hash).to_vec();
    hashes.sort();
    let next = hashes.iter().cycle().skip(1);
    let lines = hashes.iter().zip(next).map(|(hash, next)| format!("{hash}.h. 60 IN NSEC3 1 1 1 aa {next} A RRSIG\n"));
    lines.chain(["h. 60 IN NSEC3PARAM 1 0 1 aa\n".to_owned()]).collect()
}

struct Nothing;

impl Sources for Nothing {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        Err(path.to_owned())
    }
}

const SHAPES: &str = "t. 60 IN SOA n.t. h.t. 1 2 3 4 30
t. 60 IN NS n.t.
t. 60 IN RRSIG SOA 13 1 60 20300101000000 20200101000000 1 t. AAAA
t. 60 IN NSEC www.t. SOA NS RRSIG NSEC
n.t. 60 IN A 192.0.2.53
www.t. 60 IN A 192.0.2.1
www.t. 60 IN AAAA 2001:db8::1
www.t. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 t. AAAA
www.t. 60 IN NSEC t. A AAAA RRSIG NSEC
_s._tcp.t. 60 IN SRV 1 1 1 www.t.
_s._tcp.t. 60 IN SRV 1 1 1 a.sub.t.
a.ent.t. 60 IN MX 1 www.t.
*.wild.t. 60 IN TXT \"a long text, a long text, a long text, a long text, a long text, a long text, a long text, a long text\"
x.*.t. 60 IN NAPTR 1 1 \"S\" \"\" \"\" _s._tcp.t.
sub.t. 60 IN NS a.sub.t.
sub.t. 60 IN DS 1 13 2 0101010101010101010101010101010101010101010101010101010101010101
a.sub.t. 60 IN A 192.0.2.2
alias.t. 60 IN CNAME c.loop.t.
c.loop.t. 60 IN CNAME alias.t.
d.t. 60 IN DNAME d.d.t.
s.t. 60 IN SVCB 0 www.t.
";
