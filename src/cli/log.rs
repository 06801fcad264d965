//! `log`: what has happened, as a running server tells it, or as one that is stopped has left it in the state folder.

use std::process::ExitCode;
use std::time::Duration;

use crate::admin::view::{EventView, HistoryView};
use crate::base::clock::{Clock, UnixTime};
use crate::base::finding::{Finding, Severity};
use crate::config;
use crate::history::{Past, Wanted};

use super::args::Log;
use super::line::{self, Line};
use super::paint::{Paint, Tone};
use super::remote::{Failed, Remote};
use super::{USAGE, input, words};

/// Runs the command.
pub(super) fn run(args: &Log) -> ExitCode {
    let now = Clock::start().now().wall;
    match print(args, now) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) if failed.is_no_server() && !args.follow && args.reach.socket.is_none() => {
            print_past(args, now).unwrap_or_else(|| failed.tell())
        }
        Err(failed) => failed.tell(),
    }
}

fn print(args: &Log, now: UnixTime) -> Result<(), Failed> {
    let remote = Remote::find(&args.reach)?;
    let moment = |name: &str, at: UnixTime| format!("{name}={}", at.as_millis());
    let since = args.since.map(|since| moment("since_ms", since.at(now)));
    let until = args.until.map(|until| moment("until_ms", until.at(now)));
    let mut after = None;
    loop {
        let query = [after.map(|cursor: String| format!("after={cursor}")), since.clone(), until.clone()];
        let query: Vec<String> = query.into_iter().flatten().collect();
        let page: HistoryView = remote.get(&format!("/v1/history?{}", query.join("&")))?;
        for told in tell(&page, args) {
            input::print(&told);
        }
        after = Some(page.next);
        if !page.more {
            if !args.follow {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Prints what a server that is stopped has left in the state folder; nothing if there is nothing.
fn print_past(args: &Log, now: UnixTime) -> Option<ExitCode> {
    let own = config::own_server(input::state_choice(args.reach.state.state.as_ref()), &input::ProcessEnvironment);
    let folder = own.state?;
    let wanted = Wanted {
        since_ms: args.since.map_or(0, |since| since.at(now).as_millis()),
        until_ms: args.until.map_or(u64::MAX, |until| until.at(now).as_millis()),
        ..Wanted::ALL
    };
    let past = Past::new(&folder);
    let events = match past.events(&wanted) {
        Ok(events) if events.is_empty() && !past.last().is_ok_and(|last| last > 0) => return None,
        Ok(events) => events,
        Err(error) => {
            let message = format!("the history in {} cannot be read: {error}", folder.display());
            let help = "run it as a user who may read the state folder";
            input::tell(&[Finding::error("history-unreadable", message).help(help)], Severity::Error);
            return Some(ExitCode::from(USAGE));
        }
    };
    if !args.json {
        let told = format!("NO SERVER RUNS on {}: this is what the last one has written", folder.display());
        input::say(&line::text(&[Line::of(Tone::Soso, told)], Paint::stdout()));
    }
    let events = events.into_iter().filter_map(EventView::recall).collect();
    let page = HistoryView { events, lost: 0, restarted: false, next: String::new(), more: false };
    for told in tell(&page, args) {
        input::print(&told);
    }
    Some(ExitCode::SUCCESS)
}

/// Prints a page: a line of text or of JSON each.
fn tell(page: &HistoryView, args: &Log) -> Vec<String> {
    if args.json {
        let events = page.events.iter().filter(|event| concerns(event, &args.about));
        return events.map(|event| serde_json::to_string(event).unwrap_or_default() + "\n").collect();
    }
    let mut lines = Vec::new();
    if page.restarted {
        lines.push(Line::of(Tone::Soso, "the server was started anew: what the last run did last is not known"));
    } else if page.lost > 0 {
        lines.push(Line::of(Tone::Soso, format!("{} are no longer held", words::counted(lost(page), "event"))));
    }
    // Every change of an answer is a publication too.
    let events = page.events.iter().filter(|event| args.all || event.kind != PUBLISHED);
    let events = events.filter(|event| concerns(event, &args.about));
    lines.extend(events.map(line));
    vec![line::text(&lines, Paint::stdout())]
}

/// Returns whether an event concerns one of these services, hosts, addresses or targets; without any, all do.
fn concerns(event: &EventView, about: &[String]) -> bool {
    let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    let mut names: Vec<String> = event.services.iter().flat_map(|pair| pair.split('+')).map(bare).collect();
    names.extend(event.services.iter().map(|service| bare(service)));
    names.extend(event.target.iter().map(|target| bare(target)));
    let places = event.hosts.iter().map(String::as_str);
    let places = places.chain(event.target.iter().flat_map(|target| target.split(' ')));
    for place in places.chain(event.order.iter().map(|order| order.on.as_str())) {
        names.push(bare(place));
        names.extend(place.rsplit_once(':').map(|(host, _)| bare(host.trim_matches(['[', ']']))));
    }
    // A host without its zone; a number is none.
    let is_label = |word: &str| !word.contains('.') && word.contains(|letter: char| letter.is_ascii_alphabetic());
    let means = |word: &str, name: &str| {
        name == word || (is_label(word) && name.split_once('.').is_some_and(|(first, _)| first == word))
    };
    about.is_empty() || about.iter().any(|word| names.iter().any(|name| means(&bare(word), name)))
}

fn lost(page: &HistoryView) -> usize {
    usize::try_from(page.lost).unwrap_or(usize::MAX)
}

fn line(event: &EventView) -> Line {
    let tone = match (event.alarm, event.to.as_deref()) {
        (true, _) | (_, Some("down" | "leaving")) => Tone::Bad,
        (_, Some("up")) => Tone::Good,
        _ if event.moved.is_some() || event.kind == "isolated" || event.kind == "reload-failed" => Tone::Soso,
        _ => Tone::Plain,
    };
    Line::of(Tone::Dim, UnixTime::from_millis(event.at_ms).to_string()).plain("  ").put(tone, &event.text)
}

/// The kind of event that says that answers were changed.
const PUBLISHED: &str = "published";
/// How often it is asked whether more has happened.
const PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::view::OrderView;

    #[test]
    fn an_event_is_found_by_service_host_address_and_target() {
        let event = EventView {
            target: Some("sip+tcp 192.0.2.1:5060 domain=example.com".to_owned()),
            hosts: vec!["sip-node1.example.com:5060".to_owned()],
            services: vec!["_xmpp-client._tcp.example.com.+_xmpps-client._tcp.example.com.".to_owned()],
            ..EventView::default()
        };
        let concerns = |word: &str| concerns(&event, &[word.to_owned()]);
        for word in [
            "_xmpp-client._tcp.example.com",
            "_XMPPS-client._tcp.example.com.",
            "sip-node1",
            "sip-node1.example.com",
            "sip-node1.example.com:5060",
            "192.0.2.1",
            "192.0.2.1:5060",
            "sip+tcp 192.0.2.1:5060 domain=example.com",
        ] {
            assert!(concerns(word), "{word}");
        }
        for word in ["sip-node2", "192.0.2.10", "_sip._tcp.example.com", "sip-node1.example.com:5061", "192"] {
            assert!(!concerns(word), "{word}");
        }
    }

    #[test]
    fn an_order_is_found_by_what_it_covers_and_without_words_all_is() {
        let order = OrderView {
            id: 1,
            force: "drained".to_owned(),
            on: "[2001:db8::1]:5060".to_owned(),
            from_ms: None,
            until_ms: None,
            reason: String::new(),
            author: String::new(),
            active: None,
            idle: None,
        };
        let event = EventView { order: Some(order), ..EventView::default() };
        assert!(concerns(&event, &["2001:db8::1".to_owned()]) && concerns(&event, &[]));
        assert!(!concerns(&event, &["2001:db8::2".to_owned()]));
    }
}
