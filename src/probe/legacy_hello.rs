//! Finds out what a server would speak that our TLS does not: a ClientHello which offers all that older clients do.
//!
//! rustls has TLS 1.2 and 1.3 with ephemeral keys and authenticated ciphers. A server that ends the handshake may be
//! broken, or may only speak what we do not: then it answers this hello, and its other clients are served.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::time::Duration;

use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::context::ProbeContext;

/// What a server chose of all that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LegacyChoice {
    version: u16,
    suite: u16,
    /// The group that it asks for, with TLS 1.3.
    group: Option<u16>,
}

impl LegacyChoice {
    /// Says what of it is not ours.
    pub(super) fn lack(&self, provider: &CryptoProvider) -> String {
        let has_suite = provider.cipher_suites.iter().any(|suite| u16::from(suite.suite()) == self.suite);
        let has_group = |group| provider.kx_groups.iter().any(|known| u16::from(known.name()) == group);
        let (version, suite) = (version_name(self.version), suite_name(self.suite));
        match self.group.filter(|group| !has_group(*group)) {
            _ if self.version < TLS12 => {
                format!("no common TLS version: the server speaks {version}, the checker TLS 1.2 and 1.3")
            }
            _ if !has_suite => {
                format!("no common cipher suite: the server chooses {suite} of what older clients offer ({version})")
            }
            Some(group) => format!("no common key exchange: the server wants {} ({version})", group_name(group)),
            None => format!(
                "no signature or key exchange in common, though the server answers older clients ({version}, {suite})"
            ),
        }
    }
}

/// Asks over a new connection; nothing if the server has no answer for such clients either.
pub(super) async fn ask(
    mut stream: TcpStream,
    name: &str,
    alpn: &[Vec<u8>],
    context: &ProbeContext,
) -> Option<LegacyChoice> {
    let hello = hello(name, alpn, &context.random()?, &context.random()?)?;
    let asked = async {
        stream.write_all(&hello).await.ok()?;
        let mut head = [0; RECORD_HEAD];
        stream.read_exact(&mut head).await.ok()?;
        let [kind, _, _, high, low] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || length > RECORD_MAX {
            return None;
        }
        let mut record = vec![0; length];
        stream.read_exact(&mut record).await.ok()?;
        read(&record)
    };
    timeout(PATIENCE, asked).await.ok()?
}

/// Reads a ServerHello (RFC 5246 §7.4.1.3, RFC 8446 §4.1.3), or the same in the form of a HelloRetryRequest.
pub(super) fn read(record: &[u8]) -> Option<LegacyChoice> {
    let mut rest = Octets(record);
    if rest.take(1)? != [SERVER_HELLO] {
        return None;
    }
    rest.take(3)?;
    let mut version = rest.number()?;
    rest.take(32)?;
    let session = usize::from(*rest.take(1)?.first()?);
    rest.take(session)?;
    let suite = rest.number()?;
    rest.take(1)?;
    let mut group = None;
    // Before TLS 1.2 there may be no extensions at all.
    let mut extensions = Octets(rest.number().map_or(&[][..], |_| rest.0));
    while let Some((kind, mut data)) = extensions.extension() {
        match kind {
            SUPPORTED_VERSIONS => version = data.number()?,
            KEY_SHARE => group = data.number(),
            _ => {}
        }
    }
    (version >> 8 == 3).then_some(LegacyChoice { version, suite, group })
}

/// Octets that are read from the front.
#[derive(Clone, Copy, Debug)]
struct Octets<'o>(&'o [u8]);

impl<'o> Octets<'o> {
    fn take(&mut self, count: usize) -> Option<&'o [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn extension(&mut self) -> Option<(u16, Self)> {
        let (kind, length) = (self.number()?, self.number()?);
        Some((kind, Self(self.take(usize::from(length))?)))
    }
}

/// Writes the hello as one record; nothing for a name that is too long for it.
fn hello(name: &str, alpn: &[Vec<u8>], random: &[u8; 32], session: &[u8; 32]) -> Option<Vec<u8>> {
    let mut extensions = Vec::new();
    let mut extend = |kind: u16, data: Vec<u8>| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(long(&data)?);
        Some(())
    };
    // No address is sent as SNI (RFC 6066 §3).
    if !name.is_empty() && name.parse::<std::net::IpAddr>().is_err() {
        extend(SERVER_NAME, long(&[&[0][..], &long(name.as_bytes())?].concat())?)?;
    }
    extend(SUPPORTED_GROUPS, long(&numbers(GROUPS.iter().map(|(group, _)| *group)))?)?;
    extend(EC_POINT_FORMATS, vec![1, 0])?;
    extend(SIGNATURE_ALGORITHMS, long(&numbers(SIGNATURES.iter().map(|scheme| u16::from(*scheme))))?)?;
    if !alpn.is_empty() {
        let protocols: Option<Vec<_>> = alpn.iter().map(|protocol| short(protocol)).collect();
        extend(ALPN, long(&protocols?.concat())?)?;
    }
    extend(SUPPORTED_VERSIONS, short(&numbers([TLS13, TLS12, TLS11, TLS10]))?)?;
    // Without any share a server with TLS 1.3 says which group it wants.
    extend(KEY_SHARE, long(&[])?)?;
    let suites = numbers(SUITES.iter().map(|(suite, _)| *suite).chain([RENEGOTIATION]));
    let body = [
        &TLS12.to_be_bytes()[..],
        random,
        &short(session)?,
        &long(&suites)?,
        // No compression.
        &[1, 0],
        &long(&extensions)?,
    ]
    .concat();
    let [_, length @ ..] = u32::try_from(body.len()).ok()?.to_be_bytes();
    let message = [&[CLIENT_HELLO][..], &length, &body].concat();
    Some([&[HANDSHAKE][..], &TLS10.to_be_bytes(), &long(&message)?].concat())
}

fn numbers(list: impl IntoIterator<Item = u16>) -> Vec<u8> {
    list.into_iter().flat_map(u16::to_be_bytes).collect()
}

/// Puts a length of two octets in front.
fn long(data: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(data.len()).ok()?;
    Some([&length.to_be_bytes()[..], data].concat())
}

/// Puts a length of one octet in front.
fn short(data: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(data.len()).ok()?;
    Some([&[length][..], data].concat())
}

fn version_name(version: u16) -> String {
    match version {
        SSL30 => "SSL 3.0".to_owned(),
        TLS10 => "TLS 1.0".to_owned(),
        TLS11 => "TLS 1.1".to_owned(),
        TLS12 => "TLS 1.2".to_owned(),
        TLS13 => "TLS 1.3".to_owned(),
        other => format!("version {other:#06x}"),
    }
}

fn suite_name(suite: u16) -> String {
    let known = SUITES.iter().find(|(number, _)| *number == suite);
    known.map_or_else(|| format!("suite {suite:#06x}"), |(_, name)| (*name).to_owned())
}

fn group_name(group: u16) -> String {
    let known = GROUPS.iter().find(|(number, _)| *number == group);
    known.map_or_else(|| format!("group {group:#06x}"), |(_, name)| (*name).to_owned())
}

/// How long such an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The head of a record, in octets.
const RECORD_HEAD: usize = 5;
/// The longest record that is read (RFC 8446 §5.1).
const RECORD_MAX: usize = 16_384;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

const SSL30: u16 = 0x0300;
const TLS10: u16 = 0x0301;
const TLS11: u16 = 0x0302;
const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
/// Says that we know of secure renegotiation (RFC 5746 §3.3).
const RENEGOTIATION: u16 = 0x00ff;

/// The cipher suites that are offered, the modern ones first (IANA, TLS Cipher Suites).
const SUITES: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    (0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"),
    (0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0xc09c, "TLS_RSA_WITH_AES_128_CCM"),
    (0xc09d, "TLS_RSA_WITH_AES_256_CCM"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
];

/// The groups that are offered (IANA, TLS Supported Groups).
const GROUPS: &[(u16, &str)] = &[
    (29, "x25519"),
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (30, "x448"),
    (256, "ffdhe2048"),
    (257, "ffdhe3072"),
    (258, "ffdhe4096"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (31, "brainpoolP256r1tls13"),
    (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"),
    (22, "secp256k1"),
    (21, "secp224r1"),
    (19, "secp192r1"),
];

/// The signatures that are offered, those with SHA-1 last.
const SIGNATURES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ED448,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ECDSA_SHA1_Legacy,
    SignatureScheme::RSA_PKCS1_SHA1,
    // With DSA and SHA-1 (RFC 5246 §7.4.1.4.1).
    SignatureScheme::Unknown(0x0202),
];

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "what is not there must fail")]
mod tests {
    use proptest::prelude::*;
    use rustls::crypto::aws_lc_rs;

    use super::*;

    /// A ServerHello with these extensions.
    fn server_hello(version: u16, suite: u16, extensions: &[u8]) -> Vec<u8> {
        let body = [
            &version.to_be_bytes()[..],
            &[7; 32],
            &short(&[9; 32]).unwrap(),
            &suite.to_be_bytes(),
            &[0],
            &if extensions.is_empty() { Vec::new() } else { long(extensions).unwrap() },
        ]
        .concat();
        [&[SERVER_HELLO, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat()
    }

    #[test]
    fn what_the_server_chose_is_told_in_words_that_are_true() {
        let provider = aws_lc_rs::default_provider();
        let retry = [&[0, 43, 0, 2, 3, 4][..], &[0, 51, 0, 2, 0, 25]].concat();
        for (version, suite, extensions, words) in [
            (TLS10, 0x002f, &[][..], "no common TLS version: the server speaks TLS 1.0, the checker TLS 1.2 and 1.3"),
            (
                TLS12,
                0x0035,
                &[],
                "no common cipher suite: the server chooses TLS_RSA_WITH_AES_256_CBC_SHA of what older clients offer \
                 (TLS 1.2)",
            ),
            (TLS12, 0x1301, &retry, "no common key exchange: the server wants secp521r1 (TLS 1.3)"),
            (
                TLS12,
                0xc02f,
                &[],
                "no signature or key exchange in common, though the server answers older clients (TLS 1.2, \
                 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)",
            ),
        ] {
            let choice = read(&server_hello(version, suite, extensions)).unwrap();
            assert_eq!(choice.lack(&provider), words);
        }
        assert_eq!(read(&[21, 0, 0, 0]), None);
    }

    #[test]
    fn rustls_reads_the_hello() {
        let mut acceptor = rustls::server::Acceptor::default();
        let hello = hello("old.example", &[b"h2".to_vec()], &[1; 32], &[2; 32]).unwrap();
        acceptor.read_tls(&mut hello.as_slice()).unwrap();
        let accepted = acceptor.accept().unwrap().unwrap();
        let read = accepted.client_hello();
        assert_eq!(read.server_name(), Some("old.example"));
        assert_eq!(read.alpn().unwrap().collect::<Vec<_>>(), [b"h2"]);
        assert_eq!(read.cipher_suites().len(), SUITES.len() + 1);
    }

    proptest! {
        #[test]
        fn no_octets_of_a_server_do_harm(octets in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..100) {
            prop_assert!(read(&octets).is_none_or(|choice| choice.version >> 8 == 3));
            let whole = server_hello(TLS12, 0x0035, &[]);
            prop_assert_eq!(read(&whole[..cut.min(whole.len() - 1)]), None);
        }
    }
}
