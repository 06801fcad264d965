//! Wildcards.

use hickory_proto::op::ResponseCode::{NXDomain, NoError};

use crate::support::Server;

/// The zone of RFC 4592 §2.2.1.
const ZONE: &str = "
    example. 3600 SOA ns.example.com. h.example. 1 2 3 4 60
    example. 3600 NS ns.example.com.
    example. 3600 NS ns.example.net.
    *.example. 3600 TXT wild
    *.example. 3600 MX 10 host1.example.
    sub.*.example. 3600 TXT below
    host1.example. 3600 A 192.0.2.1
    _ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example.
    _ssh._tcp.host2.example. 3600 SRV 0 0 22 host1.example.
    subdel.example. 3600 NS ns.example.com.
    subdel.example. 3600 NS ns.example.net.";

const SOA: &str = "example. 60 SOA ns.example.com. h.example. 1 2 3 4 60";

#[test]
fn synthesizes_as_the_table_of_section_2_2_1() {
    let server = Server::new(&[ZONE]);
    server.ask("host3.example. MX").is(
        NoError,
        true,
        "host3.example. 3600 MX 10 host1.example.",
        "",
        "host1.example. 3600 A 192.0.2.1",
    );
    server.ask("host3.example. A").is(NoError, true, "", SOA, "");
    server.ask("foo.bar.example. TXT").is(NoError, true, "foo.bar.example. 3600 TXT wild", "", "");
    server.ask("host1.example. MX").is(NoError, true, "", SOA, "");
    server.ask("sub.*.example. MX").is(NoError, true, "", SOA, "");
    server.ask("_telnet._tcp.host1.example. SRV").is(NXDomain, true, "", SOA, "");
    server.ask("ghost.*.example. MX").is(NXDomain, true, "", SOA, "");
    let referral = server.ask("host.subdel.example. A");
    assert_eq!((referral.rcode(), referral.is_authoritative(), referral.authority().len()), (NoError, false, 2));
}

#[test]
fn only_the_closest_encloser_s_wildcard_counts() {
    let server = Server::new(&["
        t. 60 SOA n. h. 1 2 3 4 60
        *.wild.t. 60 A 192.0.2.9
        b.wild.t. 60 TXT x
        d.c.wild.t. 60 TXT x"]);
    let soa = "t. 60 SOA n. h. 1 2 3 4 60";
    server.ask("a.wild.t. A").is(NoError, true, "a.wild.t. 60 A 192.0.2.9", "", "");
    server.ask("z.a.wild.t. A").is(NoError, true, "z.a.wild.t. 60 A 192.0.2.9", "", "");
    server.ask("b.wild.t. A").is(NoError, true, "", soa, "");
    server.ask("foo.b.wild.t. A").is(NXDomain, true, "", soa, "");
    server.ask("c.wild.t. A").is(NoError, true, "", soa, "");
    server.ask("foo.c.wild.t. A").is(NXDomain, true, "", soa, "");
    server.ask("foo.wild.t. MX").is(NoError, true, "", soa, "");
    server.ask("*.wild.t. A").is(NoError, true, "*.wild.t. 60 A 192.0.2.9", "", "");
    server.ask("foo.*.wild.t. A").is(NXDomain, true, "", soa, "");
}

#[test]
fn a_wildcard_that_is_an_empty_non_terminal_makes_nodata() {
    let server = Server::new(&["
        t. 60 SOA n. h. 1 2 3 4 60
        x.*.t. 60 A 192.0.2.9"]);
    server.ask("foo.t. A").is(NoError, true, "", "t. 60 SOA n. h. 1 2 3 4 60", "");
}

#[test]
fn a_wildcard_alias_is_followed() {
    let server = Server::new(&["
        t. 60 SOA n. h. 1 2 3 4 60
        www.t. 60 A 192.0.2.1
        *.t. 60 CNAME www.t."]);
    server.ask("foo.t. A").is(NoError, true, "foo.t. 60 CNAME www.t.\nwww.t. 60 A 192.0.2.1", "", "");
    server.ask("foo.t. CNAME").is(NoError, true, "foo.t. 60 CNAME www.t.", "", "");
}
