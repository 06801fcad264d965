//! Which packets are responses to the query, and the outcome of a response. Pure.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::RecordType;

use super::{Dns, Rcode};
use crate::health::Outcome;
use crate::probe::attempt::{Ending, conclusive};

/// What a packet is.
#[derive(Debug)]
pub(super) enum DnsReply {
    /// Somebody else's, or late: another number, another question, no response.
    Stranger,
    /// It bears our number, but cannot be read.
    Broken(Outcome),
    /// The answer.
    Answer(Box<Message>),
}

/// Reads a packet as the answer to a question.
pub(super) fn read(octets: &[u8], question: &Message) -> DnsReply {
    let id = octets.first_chunk::<2>().map(|id| u16::from_be_bytes(*id));
    if id != Some(question.metadata.id) {
        return DnsReply::Stranger;
    }
    let message = match Message::from_vec(octets) {
        Ok(message) => message,
        Err(error) => return DnsReply::Broken(conclusive(format!("an answer that cannot be read: {error}"))),
    };
    // RFC 5452 §9.1: the question must be ours. A server that could not read it sends none back.
    let is_error = message.metadata.response_code != ResponseCode::NoError;
    let same = message.queries == question.queries || (is_error && message.queries.is_empty());
    if message.metadata.message_type != MessageType::Response || !same {
        return DnsReply::Stranger;
    }
    DnsReply::Answer(Box::new(message))
}

/// Judges an answer.
///
/// | rcode | records | outcome |
/// |---|---|---|
/// | as expected (NOERROR unless one is set) | as expected: at least one of the type, unless an rcode is set | pass |
/// | as expected | others, or none | fail, conclusive |
/// | any other | | fail, conclusive |
pub(super) fn judge(dns: &Dns, answer: &Message) -> Ending {
    let rcode = Rcode::of(answer);
    let wanted = dns.rcode.unwrap_or(Rcode(0));
    if rcode != wanted {
        let expected = if dns.rcode.is_some() { format!(", and {wanted} is expected") } else { String::new() };
        return Err(conclusive(format!("answered {rcode}{expected}")));
    }
    let rtype = RecordType::from(dns.rtype.0);
    let mut data = answer.answers.iter().filter(|record| record.record_type() == rtype).map(|record| &record.data);
    match &dns.answer {
        Some(wanted) => {
            let texts: Vec<String> = data.map(ToString::to_string).collect();
            if texts.iter().any(|text| same_data(text, wanted)) {
                return Ok(());
            }
            let seen = texts.first().map_or_else(|| "none".to_owned(), |first| format!("{first:.200}"));
            Err(conclusive(format!("no {} record with {wanted}: seen is {seen}", dns.rtype)))
        }
        None if dns.rcode.is_none() && data.next().is_none() => {
            Err(conclusive(format!("answered {rcode}, but without a record of type {}", dns.rtype)))
        }
        None => Ok(()),
    }
}

/// Returns whether two texts say the same data: in any case, quoted or not.
fn same_data(one: &str, other: &str) -> bool {
    one.trim_matches('"').eq_ignore_ascii_case(other.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Query;
    use hickory_proto::rr::rdata::{A, TXT};
    use hickory_proto::rr::{Name, RData, Record};

    use super::*;
    use crate::zone::Rtype;

    fn dns(rtype: Rtype) -> Dns {
        Dns { rtype, ..Dns::of_zone("example.com".parse().unwrap(), false) }
    }

    fn answer(question: &Message, rcode: ResponseCode, data: Vec<RData>) -> Message {
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.response_code = rcode;
        answer.queries.clone_from(&question.queries);
        let name = Name::from_ascii("Example.COM.").unwrap();
        answer.add_answers(data.into_iter().map(|data| Record::from_rdata(name.clone(), 30, data)));
        answer
    }

    fn is_answer(octets: &[u8], question: &Message) -> &'static str {
        match read(octets, question) {
            DnsReply::Stranger => "stranger",
            DnsReply::Broken(_) => "broken",
            DnsReply::Answer(_) => "answer",
        }
    }

    #[test]
    fn only_a_response_to_our_question_is_taken() {
        let question = dns(Rtype::A).question(true).unwrap();
        let good = answer(&question, ResponseCode::NoError, vec![]);
        assert_eq!(is_answer(&good.to_vec().unwrap(), &question), "answer");
        let mut other_case = good.clone();
        other_case.queries = vec![Query::query(Name::from_ascii("EXAMPLE.com.").unwrap(), RecordType::A)];
        assert_eq!(is_answer(&other_case.to_vec().unwrap(), &question), "answer");
        let mut other_id = good.clone();
        other_id.metadata.id ^= 1;
        let mut other_name = good.clone();
        other_name.queries = vec![Query::query(Name::from_ascii("example.org.").unwrap(), RecordType::A)];
        let mut none = good.clone();
        none.queries.clear();
        for stranger in [&other_id, &other_name, &none, &question] {
            assert_eq!(is_answer(&stranger.to_vec().unwrap(), &question), "stranger", "{stranger}");
        }
        let mut refused = none;
        refused.metadata.response_code = ResponseCode::FormErr;
        assert_eq!(is_answer(&refused.to_vec().unwrap(), &question), "answer");
        let mut cut = good.to_vec().unwrap();
        cut.truncate(14);
        assert_eq!(is_answer(&cut, &question), "broken");
        assert_eq!(is_answer(b"\0", &question), "stranger");
    }

    #[test]
    fn rcode_and_records_decide() {
        let text = |text: &str| RData::TXT(TXT::new(vec![text.to_owned()]));
        let address = RData::A(A::new(192, 0, 2, 1));
        let expecting = |rtype, answer: &str| Dns { answer: Some(answer.to_owned()), ..dns(rtype) };
        let refused = Dns { rcode: Rcode::parse("refused"), ..dns(Rtype::A) };
        use ResponseCode::{NoError, Refused, ServFail};
        for (dns, rcode, data, outcome, part) in [
            (dns(Rtype::A), NoError, vec![address.clone()], "pass", ""),
            (dns(Rtype::A), NoError, vec![], "fail", "without a record of type A"),
            (dns(Rtype::A), NoError, vec![text("x")], "fail", "without a record of type A"),
            (dns(Rtype::A), ServFail, vec![], "fail", "answered SERVFAIL"),
            (dns(Rtype::A), Refused, vec![], "fail", "answered REFUSED"),
            (refused.clone(), Refused, vec![], "pass", ""),
            (refused, NoError, vec![], "fail", "answered NOERROR, and REFUSED is expected"),
            (expecting(Rtype::A, "192.0.2.1"), NoError, vec![address.clone()], "pass", ""),
            (expecting(Rtype::A, "192.0.2.2"), NoError, vec![address], "fail", "seen is 192.0.2.1"),
            (expecting(Rtype::A, "192.0.2.2"), NoError, vec![], "fail", "seen is none"),
            (expecting(Rtype::TXT, "Ready"), NoError, vec![text("no"), text("ready")], "pass", ""),
        ] {
            let question = dns.question(true).unwrap();
            let (seen, why) = match judge(&dns, &answer(&question, rcode, data)) {
                Ok(()) => ("pass", String::new()),
                Err(outcome) => (outcome.as_str(), outcome.cause().unwrap_or_default().to_owned()),
            };
            assert!(seen == outcome && why.contains(part), "{dns:?}: {seen} {why}");
        }
    }
}
