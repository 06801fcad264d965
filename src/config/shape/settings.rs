//! The keys of `[health]` and `[policy]` that a service or an address may override, and how the overrides apply.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::finding::{Finding, Place};
use crate::base::prefix::IpPrefix;
use crate::config::settings::Probing;
use crate::config::values::{Reference, Resolver, failback, need, reference, resolver, ttl};
use crate::keys::reader::Each;
use crate::keys::source::Placed;
use crate::keys::statement;
use crate::keys::values::{self, Words};
use crate::policy::{AllDown, BelowMinUp, Failback, Failed, Need, Promote, Settings, Standby};
use crate::probe::{Authority, CertificateName, ClientCertificate, TargetSettings, Verify};

statement! {
    /// The keys of `[health]` that a service or an address may set for itself.
    pub struct TargetKeys over TargetSettings {
        /// From test to test while a target is up.
        interval: Duration, in health = values::duration(SHORTEST, DAY);
        /// From test to test while it has been up for 10 min and a connection to it is held, if that is more than `interval`. Fewer
        /// tests are fewer lines in its log; that it hangs is noticed by a test only.
        watched_interval: Duration, in health = values::duration(SHORTEST, DAY);
        /// From test to test while it is unknown, failing or recovering.
        fast_interval: Duration, in health = values::duration(SHORTEST, DAY);
        /// From test to test while it is down; after 30 s more and more rarely, at most every 30 s.
        down_interval: Duration, in health = values::duration(SHORTEST, DAY);
        /// From a clear "no" (refused, reset, a wrong answer) to the test that confirms it.
        confirm_interval: Duration, in health = values::duration(SHORTEST, DAY);
        /// The longest that a whole test may take.
        timeout: Duration, in health = values::duration(SHORTEST, Duration::from_secs(60));
        /// How many failures take a target down, and how many passes bring it back.
        fall: u32, in health = values::integer(1, 100);
        rise: u32, in health = values::integer(1, 100);
        /// Whether one idle connection is held open to each TCP or TLS target, so that its end is noticed when it happens and has
        /// the target tested at once. Set it to false for servers that are not yours.
        watch: bool = values::boolean;
        /// The longest that one such connection is held before it is renewed; less where the server closes it sooner.
        watch_renew: Duration = values::duration(Duration::from_secs(1), DAY);
        /// From one test that goes all the way (XMPP: to TLS, the certificate and the ways to log in) to the next; those between
        /// stop at the offer of TLS. What does not pass is tested all the way until it does.
        deep_interval: Duration = values::duration(SHORTEST, DAY);
        /// From login to login of tests with credentials, while they go well; between them such tests stop before the login.
        credentials_interval: Duration = values::duration(RAREST, DAY);
        /// What of a certificate is a failure: "name" (expiry, a wrong name), "require" (an unknown issuer too) or "off".
        verify: Verify = values::word;
        /// Whose name a certificate must bear, and SNI has: the service's "domain"; the "host" that the SRV record names, where
        /// a certificate of the domain is as good; or by "label" what the clients of such a service look for.
        certificate_name: CertificateName = values::word;
        /// The PEM file of a private CA that takes the place of the system's. None by default.
        ca_file: PathBuf = values::path, apart "\"ca.pem\"";
        /// The PEM files of a certificate with its chain, and of its key, for servers that ask their clients for one. The key
        /// may stand in the certificate's file. None by default.
        client_certificate: PathBuf = values::path, apart "\"client.pem\"";
        client_key: PathBuf = values::path, apart "\"client.key\"";
    }
    also {
        /// What these files hold, once they have been read.
        tls_files: TlsFiles
    }
}

/// What `ca-file`, `client-certificate` and `client-key` hold.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// The private CA.
    pub authority: Option<Authority>,
    /// What is shown to servers that ask for a certificate.
    pub client_certificate: Option<ClientCertificate>,
}

statement! {
    /// The keys of `[health]` that hold for the whole server.
    pub struct ProbingKeys over Probing {
        /// Networks that may be tested. By default all but those for documents (RFC 5737, RFC 3849); if set, these only.
        probe_allow: Vec<IpPrefix> = Each(values::network), example "[\"198.51.100.0/24\", \"2001:db8:1::/48\"]";
        /// Networks that may not be tested, whatever `probe-allow` says.
        probe_deny: Vec<IpPrefix> = Each(values::network);
        /// Who resolves hosts outside of the zones, so that they can be tested: the servers of a resolv.conf, or one "ADDRESS:PORT".
        /// They are tested every 5 min and not watched; a [[service]] with `interval` or `watch` of its own says otherwise.
        resolver: Resolver = resolver;
        /// Witnesses, whose answer proves that this server itself is connected: "tcp://ADDRESS:PORT" or
        /// "tls://ADDRESS:PORT/NAME". Without any, the targets bear witness for each other.
        references: Vec<Reference> = Each(reference);
        /// Whether checks may run programs ({ kind = "exec", … }), as the server's user.
        exec: bool = values::boolean;
    }
}

statement! {
    /// The keys of `[policy]`.
    pub struct PolicyKeys over Settings {
        /// The longest TTL while all is quiet, in seconds; a shorter declared one stays.
        ttl: u32 = ttl;
        /// The longest TTL while something changes, in seconds.
        unsettled_ttl: u32 = ttl;
        /// How many members a tier needs to hold, or which share of its weight ("50%").
        min_up: Need = need;
        /// Whether living members behind the serving tier are "listed", or "hidden".
        standby: Standby = values::word;
        /// Whether failed members "withdraw" from the answer, or "demote" behind all others.
        failed: Failed = values::word;
        /// Whether the serving tier keeps its number ("as-declared") or takes the lowest one ("renumber").
        promote: Promote = values::word;
        /// What is answered when no tier holds, though somebody is up: the "living" of the first tier that has any, or "all" members.
        below_min_up: BelowMinUp = values::word;
        /// What is answered when all are down: "declared", "last-good", or "closed" (`0 0 0 .`).
        all_down: AllDown = values::word;
        /// When a better tier becomes active again: "auto", "manual" (by order), or "window HH:MM-HH:MM" in UTC.
        failback: Failback = failback;
        /// How long a better tier must hold before that.
        hold: Duration = values::duration(Duration::ZERO, Duration::from_secs(30 * 86_400));
    }
}

impl TargetKeys {
    /// Lays what is set over what a service inherits, with what its files hold.
    pub fn lay_over(&self, base: &TargetSettings) -> TargetSettings {
        let TlsFiles { authority, client_certificate } = self.tls_files.clone();
        TargetSettings {
            authority: authority.or_else(|| base.authority.clone()),
            client_certificate: client_certificate.or_else(|| base.client_certificate.clone()),
            ..self.over(base)
        }
    }

    /// Finds settings that make little sense together, as they are when laid over `base`.
    pub fn judge(&self, base: &TargetSettings) -> Vec<Finding> {
        let whole = self.over(base).health;
        let mut findings = Vec::new();
        let slow = place_of(&self.timeout).or_else(|| place_of(&self.interval));
        if let Some(place) = slow.filter(|_| whole.timeout > whole.interval) {
            let message = format!("`timeout` ({:?}) is longer than `interval` ({:?})", whole.timeout, whole.interval);
            let finding = Finding::warning("config-timeout-interval", message).at(place);
            findings.push(
                finding.why("a probe never starts before the last one ended").help("make the time-out the shorter one"),
            );
        }
        let rare = place_of(&self.fast_interval).or_else(|| place_of(&self.interval));
        if let Some(place) = rare.filter(|_| whole.fast_interval > whole.interval) {
            let message =
                format!("`fast-interval` ({:?}) is longer than `interval` ({:?})", whole.fast_interval, whole.interval);
            let finding = Finding::warning("config-fast-interval", message).at(place);
            findings.push(finding.help("make the fast interval the shorter one"));
        }
        findings
    }
}

impl PolicyKeys {
    /// Finds settings that contradict each other, as they are when laid over `base`.
    ///
    /// Only what these keys bring about is found: the rest has been found at `base`.
    pub fn judge(&self, base: &Settings) -> Vec<Finding> {
        let whole = self.over(base);
        let mut findings = Vec::new();
        let behind = place_of(&self.standby).or_else(|| place_of(&self.failed));
        if let Some(place) = behind.filter(|_| whole.standby == Standby::Hidden && whole.failed == Failed::Demote) {
            let finding = Finding::error(
                "config-hidden-demote",
                "`standby = \"hidden\"` and `failed = \"demote\"` contradict each other",
            );
            findings.push(
                finding
                    .at(place)
                    .why("failed members would be listed behind while living standby members are hidden")
                    .help("take `failed = \"withdraw\"`, or `standby = \"listed\"`"),
            );
        }
        let longer = place_of(&self.unsettled_ttl).or_else(|| place_of(&self.ttl));
        if let Some(place) = longer.filter(|_| whole.unsettled_ttl > whole.ttl) {
            let message = format!("`unsettled-ttl` ({}) is longer than `ttl` ({})", whole.unsettled_ttl, whole.ttl);
            let finding = Finding::warning("config-unsettled-ttl", message).at(place);
            findings.push(finding.why("the shorter one is served").help("make it the shorter one"));
        }
        findings
    }
}

fn place_of<T>(key: &Option<Placed<T>>) -> Option<Place> {
    key.as_ref().map(|placed| placed.place.clone())
}

/// The shortest cadence: more than five probes a second at one address would be an attack.
const SHORTEST: Duration = Duration::from_millis(50);
/// The shortest time from login to login: sooner than that, servers take it for guessing.
const RAREST: Duration = Duration::from_secs(5);
/// The longest cadence.
const DAY: Duration = Duration::from_secs(86_400);

impl Words for Standby {
    const WORDS: &'static [(&'static str, Self)] = &[("listed", Self::Listed), ("hidden", Self::Hidden)];
}

impl Words for Failed {
    const WORDS: &'static [(&'static str, Self)] = &[("withdraw", Self::Withdraw), ("demote", Self::Demote)];
}

impl Words for Promote {
    const WORDS: &'static [(&'static str, Self)] = &[("as-declared", Self::AsDeclared), ("renumber", Self::Renumber)];
}

impl Words for BelowMinUp {
    const WORDS: &'static [(&'static str, Self)] = &[("living", Self::Living), ("all", Self::All)];
}

impl Words for AllDown {
    const WORDS: &'static [(&'static str, Self)] =
        &[("declared", Self::Declared), ("last-good", Self::LastGood), ("closed", Self::Closed)];
}
