//! The table of targets: two members that need the same probe share one.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::config::access::{Access, is_documentation};
use crate::config::infer::{Guess, service_domain};
use crate::config::shape::{CheckKind, TargetKeys};
use crate::engine::setup::{TargetKey, TargetSetup};
use crate::health::{self, TargetId};
use crate::probe::{Check, Spec, Tcp, Tls, Verify};
use crate::zone::Name;

/// How the targets of one service are probed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    check: Check,
    /// The transport and the kind of check, as in a [`TargetKey`].
    words: (&'static str, &'static str),
    parameters: String,
    settings: health::Settings,
}

/// What a service inherits: the keys of `[health]`.
#[derive(Clone, Debug)]
pub(super) struct Inherited {
    /// Thresholds and cadence.
    pub(super) settings: health::Settings,
    /// `verify`
    pub(super) verify: Verify,
    /// `ca-file`
    pub(super) ca_file: Option<PathBuf>,
}

/// The targets so far.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    /// What the engine sees.
    pub(super) table: Table<TargetId, TargetSetup>,
    /// What the prober sees.
    pub(super) specs: Table<TargetId, Option<Spec>>,
    known: HashMap<(TargetKey, health::Settings), TargetId>,
    access: &'a Access,
    /// Whether nothing is probed at all (`--static`).
    fixed: bool,
}

impl Inherited {
    /// Lays the keys of a service or an address over it.
    pub(super) fn with(&self, keys: &TargetKeys) -> Self {
        Self {
            settings: keys.over(&self.settings),
            verify: keys.verify.as_ref().map_or(self.verify, |verify| verify.value),
            ca_file: keys.ca_file.as_ref().map(|path| path.value.clone()).or_else(|| self.ca_file.clone()),
        }
    }
}

impl Plan {
    /// Makes the plan that a config asks for; nothing if the check is `none`.
    /// `domain` is the certificate's name unless the check names one.
    pub(super) fn configured(kind: &CheckKind, domain: &str, guess: Guess, with: &Inherited) -> Option<Self> {
        match kind {
            CheckKind::Nothing => None,
            CheckKind::Tcp { send, expect } => {
                Some(Self::new(Check::Tcp(Tcp { send: send.clone(), expect: expect.clone() }), with))
            }
            CheckKind::Tls { name, alpn } => {
                let name = name.clone().unwrap_or_else(|| domain.to_owned());
                Some(Self::tls(name, alpn.clone().unwrap_or_else(|| offered(guess)), with))
            }
        }
    }

    /// Makes the plan that an owner name asks for; nothing if there is none for it.
    pub(super) fn inferred(guess: Guess, owner: &Name, with: &Inherited) -> Option<Self> {
        match guess {
            Guess::Nothing => None,
            Guess::Tcp => Some(Self::new(Check::Tcp(Tcp::default()), with)),
            Guess::Tls { .. } => Some(Self::tls(service_domain(owner), offered(guess), with)),
        }
    }

    /// Makes a plan of a TLS handshake.
    pub(super) fn tls(name: String, alpn: Vec<Vec<u8>>, with: &Inherited) -> Self {
        Self::new(Check::Tls(Tls { name, verify: with.verify, alpn, ca_file: with.ca_file.clone() }), with)
    }

    /// Makes a plan of any check.
    pub(super) fn new(check: Check, with: &Inherited) -> Self {
        let (words, parameters) = match &check {
            Check::Tcp(tcp) => (("tcp", "tcp"), tcp_parameters(tcp)),
            Check::Tls(tls) => (("tls", "tls"), tls_parameters(tls)),
        };
        Self { check, words, parameters, settings: with.settings.clone() }
    }
}

impl<'a> Targets<'a> {
    /// Starts an empty table.
    pub(super) fn new(access: &'a Access, fixed: bool) -> Self {
        Self { table: Table::new(), specs: Table::new(), known: HashMap::new(), access, fixed }
    }

    /// Returns the target of one address; nothing with `--static`.
    pub(super) fn target(&mut self, address: SocketAddr, plan: &Plan) -> Option<TargetId> {
        if self.fixed {
            return None;
        }
        let (transport, kind) = plan.words;
        let parameters = plan.parameters.clone();
        let key = TargetKey { address: address.ip(), port: address.port(), transport, kind, parameters };
        let entry = self.known.entry((key, plan.settings.clone()));
        let (table, specs, access) = (&mut self.table, &mut self.specs, self.access);
        let new = |(key, settings): &(TargetKey, health::Settings)| {
            let probed = access.permits(key.address) && key.port != 0;
            specs.push(probed.then(|| Spec { address, check: plan.check.clone(), timeout: settings.timeout }));
            table.push(TargetSetup { key: key.clone(), settings: settings.clone(), probed })
        };
        Some(*entry.or_insert_with_key(new))
    }

    /// Returns whether nothing is probed at all.
    pub(super) const fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Finds the targets that may not be probed, in one finding for each cause.
    pub(super) fn judge(&self) -> Vec<Finding> {
        let outside = self.table.iter().filter(|(_, target)| !target.probed).map(|(_, target)| target.key.address);
        let (mut document, mut denied): (Vec<IpAddr>, Vec<IpAddr>) = outside.partition(|ip| is_documentation(*ip));
        let mut findings = Vec::new();
        for (list, id, what) in [
            (&mut document, "target-documentation", "for documents only (RFC 5737, RFC 3849)"),
            (&mut denied, "target-denied", "outside of what may be tested"),
        ] {
            list.sort_unstable();
            list.dedup();
            if let Some(finding) = outside_finding(list, id, what) {
                findings.push(finding);
            }
        }
        findings
    }
}

fn outside_finding(list: &[IpAddr], id: &'static str, what: &str) -> Option<Finding> {
    let first = list.first()?;
    let message = match list.len() {
        1 => format!("{first} is {what}: it is served as declared and never tested"),
        count => format!("{count} addresses, such as {first}, are {what}: they are served as declared and never tested"),
    };
    Some(Finding::warning(id, message).help("write the servers' real addresses, or set `allow` in [health]"))
}

fn offered(guess: Guess) -> Vec<Vec<u8>> {
    match guess {
        Guess::Tls { alpn } => alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect(),
        Guess::Tcp | Guess::Nothing => Vec::new(),
    }
}

fn tcp_parameters(tcp: &Tcp) -> String {
    let hex = |octets: &Vec<u8>| data_encoding::HEXLOWER.encode(octets);
    match (&tcp.send, &tcp.expect) {
        (None, None) => String::new(),
        (send, expect) => {
            let (send, expect) = (send.as_ref().map(hex), expect.as_ref().map(hex));
            format!("send={} expect={}", send.unwrap_or_default(), expect.unwrap_or_default())
        }
    }
}

fn tls_parameters(tls: &Tls) -> String {
    let verify = match tls.verify {
        Verify::Name => "name",
        Verify::Require => "require",
        Verify::Off => "off",
    };
    let mut text = format!("name={} verify={verify}", tls.name.to_ascii_lowercase());
    for protocol in &tls.alpn {
        text.push_str(" alpn=");
        text.push_str(&String::from_utf8_lossy(protocol));
    }
    if let Some(path) = &tls.ca_file {
        text.push_str(" ca-file=");
        text.push_str(&path.to_string_lossy());
    }
    text
}
