//! Checks that are no single protocol's own: HTTP, gRPC, DNS, programs, posts.

use std::time::Duration;

use crate::base::finding::Finding;
use crate::config::infer::Transport;
use crate::config::settings::{Inherited, Probing};
use crate::config::shape::{
    AddressEntry, AddressSource, CheckShape, DnsShape, ExecShape, File, GrpcShape, HttpShape, PushShape,
};
use crate::health::push::Expired;
use crate::probe::{Dns, Exec, Grpc, Http, Method, Push, Statuses};
use crate::zone::{Name, Rtype};

use super::context::{CheckContext, tls};

impl CheckContext {
    pub(super) fn http(&self, shape: &HttpShape, with: &Inherited) -> Http {
        let HttpShape { is_tls, name, path, method, status, expect } = shape;
        Http {
            path: path.clone().unwrap_or_else(|| "/".to_owned()),
            method: method.unwrap_or(Method::Get),
            status: status.clone().unwrap_or_default(),
            expect: expect.clone(),
            ..self.plain_http(self.named(name.as_ref()), *is_tls, with)
        }
    }

    /// Makes the check of a web server of which nothing is known but its domain: whatever it thinks of `/`, it lives.
    pub(super) fn inferred_http(&self, is_tls: bool, with: &Inherited) -> Http {
        Http { status: Statuses::alive(), ..self.plain_http(self.domain.clone(), is_tls, with) }
    }

    fn plain_http(&self, host: String, is_tls: bool, with: &Inherited) -> Http {
        let tls = is_tls.then(|| tls(host.clone(), Http::protocols(), with));
        Http::new(host, tls)
    }

    pub(super) fn grpc(&self, shape: &GrpcShape, with: &Inherited) -> Grpc {
        let host = self.named(shape.name.as_ref());
        let is_tls = shape.transport.unwrap_or(self.transport) == Transport::Tls;
        let tls = is_tls.then(|| tls(host.clone(), vec![b"h2".to_vec()], with));
        Grpc { tls, host, service: shape.service.clone().unwrap_or_default() }
    }

    pub(super) fn dns(&self, shape: &DnsShape) -> Dns {
        let DnsShape { name, rtype, rcode, answer, transport } = shape;
        Dns {
            tcp: transport.unwrap_or(self.transport) != Transport::Udp,
            // The domain comes from an owner name, so it is one.
            name: name.clone().or_else(|| self.domain.parse().ok()).unwrap_or_else(Name::root),
            rtype: rtype.unwrap_or(Rtype::SOA),
            rcode: *rcode,
            answer: answer.clone(),
        }
    }

    /// Makes the check of a program; nothing beside a finding.
    pub(super) fn exec(&self, shape: &ExecShape) -> Option<Exec> {
        let program = shape.program.as_ref()?.value.clone();
        Some(Exec { program, arguments: shape.arguments.clone(), domain: self.domain.clone() })
    }
}

/// Makes the check that reads what is posted.
pub(super) fn push(shape: &PushShape) -> Push {
    Push {
        name: shape.name.clone(),
        patience: shape.patience.unwrap_or(PUSH_TIMEOUT),
        expired: shape.expired.unwrap_or(Expired::Down),
    }
}

/// Finds programs that would be run although `[health] exec` does not allow any.
pub(super) fn judge_programs(file: &File) -> Vec<Finding> {
    if file.probing.over(&Probing::default()).exec {
        return Vec::new();
    }
    let services = file.services.iter().filter_map(|entry| entry.check.as_ref());
    let tiers = |entry: &AddressEntry| match &entry.source {
        AddressSource::Tiers(_, check) => Some(check.clone()),
        AddressSource::Follows(_) => None,
    };
    let addresses: Vec<CheckShape> = file.addresses.iter().filter_map(tiers).collect();
    let programs = services.chain(&addresses).flat_map(CheckShape::programs);
    let finding = |place| {
        Finding::error("check-exec-off", "programs are not run unless `exec = true` stands in [health]")
            .at(place)
            .why("whoever may write this file could run anything as the server's user")
            .help("set it, if that is meant")
    };
    programs.map(|program| finding(program.place.clone())).collect()
}

/// How long nothing may be posted after a start.
const PUSH_TIMEOUT: Duration = Duration::from_secs(60);
