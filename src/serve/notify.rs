//! NOTIFY from a primary (RFC 1996): whether it may tell, and what it tells.

use crate::transfer::inbound::Notified;
use crate::zone::{Name, Rtype};

use super::Context;
use super::edns::Ede;
use super::plan::Plan;
use super::query::{CLASS_IN, QueryView, Question, Signed};
use super::rcode::Rcode;

/// Decides about a NOTIFY; what it tells stands in the plan, if its sender may.
pub(super) fn judge(query: &QueryView<'_>, question: &Question<'_>, context: &Context<'_>, plan: &mut Plan<'_>) {
    let origin = Name::from_wire(question.name).ok();
    let known = origin.and_then(|origin| context.settings.primaries.get_key_value(&origin));
    if question.class != CLASS_IN || question.rtype != Rtype::SOA {
        return plan.refuse(Rcode::FORMERR, None);
    }
    let Some((origin, rules)) = known else {
        return plan.refuse(Rcode::NOTAUTH, Some(Ede::NOT_AUTHORITATIVE));
    };
    let signed = |key: &Name| matches!(query.signed, Signed::Verified(tsig) if tsig.is_by(key.wire()));
    // RFC 1996 §3.10: from the primaries only.
    if !rules.admit(context.client.address, signed) {
        return plan.refuse(Rcode::REFUSED, Some(Ede::PROHIBITED));
    }
    plan.authoritative = true;
    plan.notified = Some(Notified { origin: origin.clone(), serial: query.since });
}
