//! Queries about the server itself, class CH.

use crate::zone::Rtype;

use super::Context;
use super::plan::{Data, Item, Owner, Plan};
use super::query::{CLASS_CH, Question};
use super::rcode::Rcode;

/// Answers `ready.understudy.` and `live.understudy.`, and if configured `version.server.` and `id.server.` (RFC 4892) with
/// their older names.
pub(super) fn answer<'a>(plan: &mut Plan<'a>, question: &Question<'_>, context: &Context<'a>) {
    let text = match text(question.name, context) {
        Some(text) if matches!(question.rtype, Rtype::TXT | Rtype::ANY) => text,
        _ => {
            plan.rcode = Rcode::REFUSED;
            return;
        }
    };
    plan.authoritative = true;
    let item = |data| Item { owner: Owner::Question, data, ttl: 0, signatures: None, required: true };
    plan.answer.push(item(text));
    let is_to_say_more = question.name.eq_ignore_ascii_case(READY) && is_local(context);
    if let Some(remark) = context.status.remark.as_ref().filter(|_| is_to_say_more) {
        plan.answer.push(item(Data::Text("", remark.as_bytes())));
    }
}

/// Returns whether this is the question that is answered even while the server is silent.
pub(super) fn asks_readiness(question: &Question<'_>) -> bool {
    let is = |wanted: &[u8]| question.name.eq_ignore_ascii_case(wanted);
    question.class == CLASS_CH && (is(READY) || is(LIVE))
}

fn text<'a>(name: &[u8], context: &Context<'a>) -> Option<Data<'a>> {
    let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
    if is(READY) {
        Some(match &context.status.fault {
            None => Data::Text("ready", b""),
            Some(_) if !is_local(context) => Data::Text("not ready", b""),
            Some(reason) => Data::Text("not ready: ", reason.as_bytes()),
        })
    } else if is(LIVE) {
        Some(match &context.status.dead {
            None => Data::Text("live", b""),
            Some(_) if !is_local(context) => Data::Text("not live", b""),
            Some(reason) => Data::Text("not live: ", reason.as_bytes()),
        })
    } else if is(b"\x07version\x04bind\x00") || is(b"\x07version\x06server\x00") {
        context.settings.version.as_deref().map(|version| Data::Text("", version.as_bytes()))
    } else if is(b"\x08hostname\x04bind\x00") || is(b"\x02id\x06server\x00") {
        context.settings.nsid.as_deref().map(|id| Data::Text("", id))
    } else {
        None
    }
}

/// Returns whether the client is on this machine: what is wrong may name zones, which are no business of others.
fn is_local(context: &Context<'_>) -> bool {
    context.client.address.is_loopback()
}

const LIVE: &[u8] = b"\x04live\x0aunderstudy\x00";
const READY: &[u8] = b"\x05ready\x0aunderstudy\x00";
