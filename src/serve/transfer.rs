//! Queries for transfers (RFC 5936, RFC 1995): who may have one, and how its answer begins.

use std::sync::Arc;

use crate::snapshot::Snapshot;
use crate::transfer::{Asked, Opening, Outbound, Permits};
use crate::zone::{Name, Rtype};

use super::edns::{Ede, PADDING_BLOCK, Reply};
use super::plan::Plan;
use super::query::{QueryView, Question, Signed};
use super::rcode::Rcode;
use super::render::response_header;
use super::signing::Messages;
use super::{Client, Context};

/// Decides about a query for a transfer; in the plan stands what is to be sent, or why nothing is.
pub(super) fn judge<'a>(
    snapshot: &'a Snapshot,
    query: &QueryView<'a>,
    question: &Question<'a>,
    context: &Context<'a>,
    plan: &mut Plan<'a>,
) {
    let (settings, client) = (context.settings, context.client);
    let kind = client.transport.kind();
    if question.rtype == Rtype::AXFR && kind.is_datagram {
        // RFC 5936 §4.2: there is no transfer of a whole zone by datagram.
        return plan.refuse(Rcode::NOTIMP, None);
    }
    if !kind.is_datagram && !kind.has_long_answers {
        return plan.refuse(Rcode::REFUSED, Some(Ede::NOT_HERE));
    }
    let zone = Name::from_wire(question.name).ok().and_then(|origin| snapshot.image().zone_at(&origin));
    let Some((zone, part)) = zone.and_then(|zone| Some((zone, snapshot.image().part(zone)?))) else {
        // RFC 5936 §2.2.1: as other servers answer for a zone that they do not have.
        return plan.refuse(Rcode::NOTAUTH, Some(Ede::NOT_AUTHORITATIVE));
    };
    let signed = |key: &Name| matches!(query.signed, Signed::Verified(tsig) if tsig.is_by(key.wire()));
    if !settings.transfers.get(part.origin()).is_some_and(|rules| rules.admit(client.address, signed)) {
        // Whom the zone is hidden from does not learn of it.
        let seen = settings.may_ask(part.origin(), client.address);
        let (rcode, ede) =
            if seen { (Rcode::REFUSED, Ede::PROHIBITED) } else { (Rcode::NOTAUTH, Ede::NOT_AUTHORITATIVE) };
        return plan.refuse(rcode, Some(ede));
    }
    if part.is_broken() {
        return plan.refuse(Rcode::SERVFAIL, Some(Ede::BROKEN));
    }
    let since = query.since.filter(|_| question.rtype == Rtype::IXFR);
    if question.rtype == Rtype::IXFR && since.is_none() {
        // RFC 1995 §3: the client's version stands in the authority section.
        return plan.refuse(Rcode::FORMERR, None);
    }
    (plan.zone, plan.authoritative) = (Some(part.origin()), true);
    plan.transfer = Some(Asked { zone, since });
}

/// Begins the stream that a plan asks for. Nothing if it asks for none, or if too many run: then the plan says so.
pub(super) fn begin(
    plan: &mut Plan<'_>,
    query: &QueryView<'_>,
    client: Client,
    snapshot: &Arc<Snapshot>,
    (permits, most): (&Permits, u32),
) -> Option<Outbound> {
    let question = query.question.filter(|question| matches!(question.rtype, Rtype::AXFR | Rtype::IXFR))?;
    let count =
        |result| permits.metrics().outbound(if question.rtype == Rtype::AXFR { "axfr" } else { "ixfr" }, result);
    let Some(asked) = plan.transfer.take() else {
        count(if plan.rcode == Rcode::NOTAUTH { "unknown" } else { "refused" });
        return None;
    };
    let mut opt = Vec::new();
    if let Some(reply) = plan.edns {
        // Each message is padded by itself.
        Reply { padded: false, ..reply }.write(&mut opt, Rcode::NOERROR, usize::from(u16::MAX));
    }
    let padding = plan.edns.filter(|reply| reply.padded).map(|_| PADDING_BLOCK);
    let [.., f0, f1] = response_header(query.header, Rcode::NOERROR, true, false);
    let opening = Opening { id: query.header.id, flags: [f0, f1], question: question.octets.to_vec(), opt, padding };
    let mut outbound = Outbound::begin(snapshot, asked, opening, (client.address, client.now.wall), permits.metrics())?;
    if client.transport.kind().is_datagram || outbound.is_short() {
        return Some(outbound);
    }
    let permit = permits.take(most);
    if permit.is_none() {
        count("limited");
        plan.refuse(Rcode::SERVFAIL, Some(Ede::TOO_MANY_TRANSFERS));
    }
    outbound.hold(permit?);
    Some(outbound)
}

/// Writes the first message of a stream; returns whether it has one within the limit. A datagram has all of it, or the SOA
/// alone (RFC 1995 §2).
pub(super) fn write_first(outbound: &mut Outbound, is_datagram: bool, limit: usize, message: &mut Vec<u8>) -> bool {
    let written = outbound.next(limit, message);
    if !is_datagram || (written && outbound.is_done()) {
        return written;
    }
    outbound.shorten();
    outbound.next(limit, message)
}

impl Messages for Outbound {
    fn next(&mut self, limit: usize, message: &mut Vec<u8>) -> bool {
        Self::next(self, limit, message)
    }

    fn is_done(&self) -> bool {
        Self::is_done(self)
    }
}
