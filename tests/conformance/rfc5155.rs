//! Answers of a zone signed with NSEC3: the zone of appendix A, the queries of appendix B.

use understudy::zone::signed::Nsec3Param;

use crate::message::Said;
use crate::signed::{ask_do, nsec3_lines, signed};
use crate::support::Server;

/// The zone of appendix A without NSEC3, keys and signatures.
const ZONE: &str = "$TTL 3600
example. SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600
example. NS ns1.example.
example. NS ns2.example.
example. MX 1 xx.example.
example. DNSKEY 257 3 7 AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXxKciJFHyhl94C+NwILQdzsUlSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ==
example. NSEC3PARAM 1 0 12 aabbccdd
2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A 192.0.2.127
a.example. NS ns1.a.example.
a.example. NS ns2.a.example.
a.example. DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C
ns1.a.example. A 192.0.2.5
ns2.a.example. A 192.0.2.6
ai.example. A 192.0.2.9
ai.example. HINFO \"KLH-10\" \"ITS\"
ai.example. AAAA 2001:db8::f00:baa9
c.example. NS ns1.c.example.
c.example. NS ns2.c.example.
ns1.c.example. A 192.0.2.7
ns2.c.example. A 192.0.2.8
ns1.example. A 192.0.2.1
ns2.example. A 192.0.2.2
*.w.example. MX 1 ai.example.
x.w.example. MX 1 xx.example.
x.y.w.example. MX 1 xx.example.
xx.example. A 192.0.2.10
xx.example. HINFO \"KLH-10\" \"TOPS-20\"
xx.example. AAAA 2001:db8::f00:baaa
";

/// Every name with an NSEC3 record in appendix A: c.example is left out by opt-out, w.example and y.w.example are
/// empty.
const NAMES: &[(&str, &str)] = &[
    ("example.", "NS SOA MX RRSIG DNSKEY NSEC3PARAM"),
    ("ns1.example.", "A RRSIG"),
    ("x.y.w.example.", "MX RRSIG"),
    ("a.example.", "NS DS RRSIG"),
    ("x.w.example.", "MX RRSIG"),
    ("ai.example.", "A HINFO AAAA RRSIG"),
    ("y.w.example.", ""),
    ("w.example.", ""),
    ("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "A RRSIG"),
    ("ns2.example.", "A RRSIG"),
    ("*.w.example.", "MX RRSIG"),
    ("xx.example.", "A HINFO AAAA RRSIG"),
];

const PARAM: Nsec3Param<'_> = Nsec3Param { iterations: 12, salt: &[0xaa, 0xbb, 0xcc, 0xdd] };

/// Questions with response code, AA and the hashes whose NSEC3 records prove what is not.
pub(crate) const APPENDIX_B: &[(&str, u16, bool, &[&str])] = &[
    (
        "a.c.x.w.example. A",
        3,
        true,
        &["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl", "b4um86eghhds6nea196smvmlo4ors995"],
    ),
    ("ns1.example. MX", 0, true, &["2t7b4g4vsa5smi47k61mv5bv1a22bojr"]),
    ("y.w.example. A", 0, true, &["ji6neoaepv8b5o6k4ev33abha8ht9fgc"]),
    ("mc.c.example. MX", 0, false, &["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl"]),
    ("a.z.w.example. MX", 0, true, &["q04jkcevqvmu85r014c7dkba38o0ji5r"]),
    (
        "a.z.w.example. AAAA",
        0,
        true,
        &["k8udemvp1j2f7eg6jebps17vp3n8i58h", "q04jkcevqvmu85r014c7dkba38o0ji5r", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"],
    ),
    ("example. DS", 0, true, &["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"]),
];

pub(crate) fn server() -> Server {
    let nsec3 = nsec3_lines("example.", PARAM, 1, NAMES);
    Server::of(vec![signed(&format!("{ZONE}{nsec3}"))])
}

/// Returns the hashes of the NSEC3 records in the authority section, all of which must be signed.
fn proof(server: &Server, question: &str) -> (Said, Vec<String>) {
    let (said, [_, authority, _]) = ask_do(server, question);
    let hashes = authority.iter().filter(|line| line.contains("NSEC3"));
    let hashes = hashes.map(|line| line.strip_suffix(".example. NSEC3 signed").unwrap().to_owned()).collect();
    (said, hashes)
}

#[test]
fn proves_as_appendix_b() {
    let server = server();
    for (question, rcode, authoritative, hashes) in APPENDIX_B {
        let (said, proof) = proof(&server, question);
        assert_eq!((said.rcode, said.authoritative), (*rcode, *authoritative), "{question}");
        assert_eq!(proof, *hashes, "{question}");
    }
}

/// §7.2.4: no DS below opt-out is proven by the closest provable encloser.
#[test]
fn no_ds_at_a_cut_without_a_record_is_proven_by_its_encloser() {
    let (said, proof) = proof(&server(), "c.example. DS");
    assert!(said.authoritative && said.rcode == 0);
    assert_eq!(proof, ["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl"]);
}

/// §7.2.8: the owner of an NSEC3 record does not exist, unless it owns something else.
#[test]
fn owners_of_nsec3_records_do_not_exist() {
    let server = server();
    let (said, proof) = proof(&server, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3");
    assert_eq!((said.rcode, said.answer.len()), (3, 0));
    assert!(proof.contains(&"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom".to_owned()), "the encloser is the apex");
    let (said, _) = self::proof(&server, "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A");
    assert_eq!((said.rcode, said.answer.len()), (0, 2), "an A record and its signature");
}

/// §4.1.2: a chain whose parameters have an unknown flag is not used.
#[test]
fn a_chain_without_known_parameters_is_not_used() {
    let zone = ZONE.replace("NSEC3PARAM 1 0 12", "NSEC3PARAM 1 1 12");
    let nsec3 = nsec3_lines("example.", PARAM, 1, NAMES);
    let server = Server::of(vec![signed(&format!("{zone}{nsec3}"))]);
    let (said, proof) = proof(&server, "ns1.example. MX");
    assert_eq!((said.rcode, proof), (0, vec![]));
}
