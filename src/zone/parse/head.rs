//! The fields between owner and RDATA: TTL, class, type.

use super::super::Rtype;
use super::super::zone::MAX_TTL;
use super::lex::Entry;
use super::read_ttl;
use super::schema::Problem;

/// What stands between owner and RDATA.
#[derive(Default)]
pub(super) struct Head {
    /// The TTL in seconds, if there is one.
    pub(super) ttl: Option<u32>,
    /// The token it stands in.
    pub(super) ttl_token: Option<usize>,
    /// The type.
    pub(super) rtype: Rtype,
    /// The token it stands in.
    pub(super) type_token: usize,
}

/// Reads TTL, class and type: the first two in either order, each at most once.
pub(super) fn read_head(entry: &Entry<'_>, begin: usize) -> Result<Head, Problem> {
    let mut head = Head::default();
    let mut has_class = false;
    for (at, token) in entry.tokens.iter().enumerate().skip(begin) {
        let word = token.word().unwrap_or_default();
        if let Some(rtype) = quick_type(word) {
            (head.rtype, head.type_token) = (rtype, at);
            return Ok(head);
        }
        if head.ttl.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) {
            head.ttl = Some(ttl_at(entry, at)?);
            head.ttl_token = Some(at);
        } else if !has_class && let Some(class) = class_of(word) {
            has_class = true;
            if class != 1 {
                let message = format!("the class is `{word}`: only zones of class IN are served");
                return Err(Problem::at(at, "zone-class", message));
            }
        } else if let Some(rtype) = Rtype::parse(word) {
            if rtype.is_meta() {
                let message = format!("{rtype} stands in questions and messages only, never in a zone");
                return Err(Problem::at(at, "zone-meta-type", message));
            }
            (head.rtype, head.type_token) = (rtype, at);
            return Ok(head);
        } else {
            let problem = Problem::at(at, "zone-type", format!("{} is no record type", token.shown()));
            return Err(problem.help("a record is `owner [ttl] [IN] type rdata`; other types are TYPEnnn"));
        }
    }
    let problem = Problem::behind("zone-no-type", "the record ends before its type");
    Err(problem.help("a record is `owner [ttl] [IN] type rdata`"))
}

/// Finds the most frequent types without a walk over all.
fn quick_type(word: &str) -> Option<Rtype> {
    match word {
        "A" => Some(Rtype::A),
        "AAAA" => Some(Rtype::AAAA),
        "SRV" => Some(Rtype::SRV),
        "NS" => Some(Rtype::NS),
        "CNAME" => Some(Rtype::CNAME),
        "TXT" => Some(Rtype::TXT),
        _ => None,
    }
}

fn class_of(word: &str) -> Option<u16> {
    let known = [("IN", 1), ("CS", 2), ("CSNET", 2), ("CH", 3), ("CHAOS", 3), ("HS", 4), ("HESIOD", 4)];
    if let Some((_, class)) = known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
        return Some(*class);
    }
    let (class, number) = word.split_at_checked(5)?;
    let digits = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
    (class.eq_ignore_ascii_case("CLASS") && digits).then(|| number.parse().ok()).flatten()
}

/// Reads the token with this number as a TTL in seconds.
pub(super) fn ttl_at(entry: &Entry<'_>, at: usize) -> Result<u32, Problem> {
    let token = entry.tokens.get(at).ok_or_else(|| Problem::behind("zone-ttl", "a TTL is missing"))?;
    let seconds = read_ttl(token.text).filter(|_| !token.quoted).ok_or_else(|| {
        Problem::at(at, "zone-ttl", format!("{} is no TTL", token.shown()))
            .help("seconds, or numbers with units, such as 3600 or 1h30m")
    })?;
    u32::try_from(seconds).ok().filter(|ttl| *ttl <= MAX_TTL).ok_or_else(|| {
        Problem::at(at, "zone-ttl", format!("the TTL is {seconds} s, above {MAX_TTL}"))
            .help("a TTL has 31 bits; a larger one is taken for 0 (RFC 2181 §8)")
    })
}
