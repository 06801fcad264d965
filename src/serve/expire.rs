//! For how long a secondary may go on serving what it takes here (the option EXPIRE, RFC 7314).

use crate::snapshot::Snapshot;
use crate::transfer::Permits;
use crate::zone::serial::Soa;
use crate::zone::{Name, Rtype};

use super::Client;
use super::edns::OPTION_EXPIRE;
use super::plan::Plan;
use super::query::QueryView;
use super::rcode::Rcode;

/// Tells it in an answer about the zone itself, if it is asked for: what is left until the zone expires here, or what its
/// SOA says if it comes from no primary.
pub(super) fn tell(snapshot: &Snapshot, query: &QueryView<'_>, permits: &Permits, client: Client, plan: &mut Plan<'_>) {
    let asks = query.edns.is_some_and(|edns| edns.version == 0 && edns.option(OPTION_EXPIRE).is_some());
    let (true, Some(question), Some(origin), Some(reply)) = (asks, query.question, plan.zone, plan.edns.as_mut())
    else {
        return;
    };
    let is_about_zone = matches!(question.rtype, Rtype::SOA | Rtype::AXFR | Rtype::IXFR)
        && question.name.eq_ignore_ascii_case(origin.wire());
    if !is_about_zone || !plan.authoritative || plan.rcode != Rcode::NOERROR {
        return;
    }
    reply.expire = match permits.expiry(origin) {
        Some(at) => Some(u32::try_from(at.since(client.now.wall).as_secs()).unwrap_or(u32::MAX)),
        None => declared(snapshot, origin),
    };
}

/// Returns what the SOA of a zone says.
fn declared(snapshot: &Snapshot, origin: &Name) -> Option<u32> {
    let zone = snapshot.zone(snapshot.image().zone_at(origin)?)?;
    Some(Soa::read(zone.soa()?.rdatas().next()?)?.expire)
}
