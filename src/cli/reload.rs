//! `reload`: new config and zones, or a clear no.

use std::process::ExitCode;

use crate::admin::view::ReloadView;

use super::args::Reload;
use super::input;
use super::line::{self, Line};
use super::paint::{Paint, Tone};
use super::remote::{Failed, Remote};
use super::words::counted;

/// Runs the command.
pub(super) fn run(args: &Reload) -> ExitCode {
    match reload(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.tell(),
    }
}

fn reload(args: &Reload) -> Result<(), Failed> {
    let done: ReloadView = Remote::find(&args.reach)?.post("/v1/reload", &serde_json::json!({}))?;
    input::print(&if args.json {
        serde_json::to_string_pretty(&done).unwrap_or_default() + "\n"
    } else {
        line::text(&page(&done), Paint::stdout())
    });
    Ok(())
}

fn page(done: &ReloadView) -> Vec<Line> {
    let counts = [(done.zones, "zone"), (done.services, "service"), (done.targets, "target")];
    let counts: Vec<String> = counts.iter().map(|(count, noun)| counted(*count, noun)).collect();
    let mut lines = vec![Line::of(Tone::Good, "reloaded").plain(format!(": {}", counts.join(", ")))];
    lines.extend(done.added.iter().map(|name| Line::of(Tone::Good, format!("  + {name}"))));
    lines.extend(done.removed.iter().map(|name| Line::of(Tone::Soso, format!("  - {name}"))));
    if done.added.is_empty() && done.removed.is_empty() {
        lines.push(Line::of(Tone::Dim, "  no zone, service or target came or went"));
    }
    lines.extend(done.remarks.iter().map(|remark| Line::of(Tone::Soso, remark)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_went_is_told_and_what_needs_a_restart() {
        let done = ReloadView {
            added: vec!["service _xmpp-client._tcp.example.com.".to_owned()],
            removed: vec!["target sip+tcp 127.0.0.1:5060".to_owned()],
            zones: 1,
            services: 2,
            targets: 3,
            remarks: vec!["more at the next start".to_owned()],
            ..ReloadView::default()
        };
        let text = line::text(&page(&done), Paint::new(false));
        assert_eq!(
            text,
            "reloaded: 1 zone, 2 services, 3 targets\n  + service _xmpp-client._tcp.example.com.\n  \
             - target sip+tcp 127.0.0.1:5060\nmore at the next start\n"
        );
    }
}
