//! One query to the resolver, with hickory's client.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{self, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::{Resolver, TokioResolver};

use crate::zone::Name;

use super::book::{AddressReply, Family};
use super::servers::Servers;

/// Asks questions; clones share sockets.
#[derive(Clone)]
pub(super) struct Asker(Result<TokioResolver, String>);

impl Asker {
    /// Makes one; without a resolver every question fails.
    pub(super) fn new(servers: Option<&Servers>) -> Self {
        let Some(servers) = servers else { return Self(Err("no resolver is known".to_owned())) };
        let mut builder = Resolver::builder_with_config(servers.config(), TokioRuntimeProvider::default());
        let options = builder.options_mut();
        servers.set(options);
        // The book keeps the answers; and what this machine alone calls a host is not what clients see.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        Self(builder.build().map_err(|error| error.to_string()))
    }

    /// Asks for the addresses of one family of a host, aliases followed.
    pub(super) async fn ask(&self, host: &Name, family: Family) -> AddressReply {
        let resolver = match &self.0 {
            Ok(resolver) => resolver,
            Err(why) => return AddressReply::Failed(why.clone()),
        };
        let Ok(name) = rr::Name::read(&mut BinDecoder::new(host.wire())) else {
            return AddressReply::Failed("the name cannot be asked for".to_owned());
        };
        let rtype = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        match tokio::time::timeout(TIMEOUT, resolver.lookup(name, rtype)).await {
            Ok(Ok(lookup)) => answer(&lookup),
            Ok(Err(error)) => refusal(&error),
            Err(_) => AddressReply::Failed(format!("no answer within {TIMEOUT:?}")),
        }
    }
}

fn answer(lookup: &Lookup) -> AddressReply {
    let ttl = lookup.answers().iter().map(|record| record.ttl).min();
    let addresses: Vec<IpAddr> = lookup.answers().iter().filter_map(|record| address(&record.data)).collect();
    let ttl = ttl.map(|ttl| Duration::from_secs(ttl.into()));
    if addresses.is_empty() {
        // An alias that leads to nothing.
        return AddressReply::Nothing { ttl };
    }
    let goal =
        |record: &rr::Record| if let RData::CNAME(goal) = &record.data { Some(goal.0.to_string()) } else { None };
    let alias = lookup.answers().iter().find_map(goal);
    AddressReply::Addresses { addresses, ttl: ttl.unwrap_or_default(), alias }
}

fn address(data: &RData) -> Option<IpAddr> {
    if let RData::A(address) = data {
        return Some(address.0.into());
    }
    if let RData::AAAA(address) = data { Some(address.0.into()) } else { None }
}

/// Tells a definite no from a failure. A referral is one too: whoever gives it does not resolve.
fn refusal(error: &NetError) -> AddressReply {
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error {
        let definite = none.response_code == ResponseCode::NXDomain
            || (none.response_code == ResponseCode::NoError && (none.soa.is_some() || none.ns.is_none()));
        if definite {
            let ttl = none.negative_ttl.map(|ttl| Duration::from_secs(ttl.into()));
            return AddressReply::Nothing { ttl };
        }
    }
    AddressReply::Failed(why(error))
}

/// Says what a failure means to who has to fix it.
fn why(error: &NetError) -> String {
    if matches!(error, NetError::NoConnections | NetError::Io(_)) {
        return "no resolver can be reached".to_owned();
    }
    if matches!(error, NetError::Timeout) {
        return "no resolver answers in time".to_owned();
    }
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error {
        if none.response_code == ResponseCode::NoError {
            return "the resolver refers to others, and resolves nothing".to_owned();
        }
        return format!("the resolver answered {}", none.response_code.to_str());
    }
    error.to_string()
}

/// The longest that one question may take, over all servers and attempts.
const TIMEOUT: Duration = Duration::from_secs(10);
