//! The table as text, from fixed statuses.

use crate::admin::view::{HealthView, StatusView};
use crate::base::clock::UnixTime;
use crate::base::table::RowId;
use crate::cli::line::Line;
use crate::cli::testing::{SIP, core, now, plain, setup};
use crate::engine::Notice;
use crate::engine::status::Status;
use crate::health::TargetId;

use super::table::{Frame, draw, tell};

fn status(zone: &str, down: &[&str]) -> StatusView {
    view(&core(&setup(zone), down).0.status(now()))
}

fn view(status: &Status) -> StatusView {
    let health = HealthView { live: true, ready: true, remark: None };
    StatusView::of(status, &[], health, now())
}

fn drawn(status: &StatusView, news: &[(UnixTime, String)], (width, height): (usize, usize)) -> Vec<String> {
    let footer = vec![Line::default().plain("[q] quit")];
    let title = Line::default().plain("title");
    let frame = Frame { title, notices: Vec::new(), news, footer, width, height };
    plain(&draw(status, frame)).lines().map(str::to_owned).collect()
}

/// `count` services of one member; member N stands on 127.0.(N / 250).(N % 250 + 1).
fn many(count: usize) -> String {
    let mut zone = SIP.lines().take(4).collect::<Vec<_>>().join("\n") + "\nns1 IN A 127.0.0.1\n";
    for number in 0..count {
        zone += &format!("_s{number}._tcp IN SRV 10 0 5060 h{number}\n");
        zone += &format!("h{number} IN A 127.1.{}.{}\n", number / 250, number % 250 + 1);
    }
    zone
}

#[test]
fn a_service_is_told_with_its_members_states_and_places() {
    let lines = drawn(&status(SIP, &["sip-node1", "sip-node2"]), &[], (200, 40));
    assert_eq!(lines[3], "_sip._tcp.example.com  tier 20 stands in  TTL 30");
    assert_eq!(
        lines[4],
        "  ○    10    70  sip-node1.example.com:5060  down down 0s  assumed to be down; left out: down"
    );
    assert_eq!(lines[6], "  ●    20     0  sip-dr.example.com:5060     up 0s         as declared");
    assert_eq!(lines[8], "_foo._udp.example.com  served as declared, not tested  TTL 300");
    assert!(lines[2].starts_with("     PRIO WEIGHT MEMBER") && lines[lines.len() - 2].starts_with("● in the answer"));
    assert_eq!(lines.last().unwrap(), "[q] quit");
}

#[test]
fn no_line_is_wider_or_the_table_higher_than_the_terminal() {
    let status = status(SIP, &["sip-node1"]);
    let news: Vec<_> = (0..5).map(|number| (now().wall, format!("event {number} {}", "x".repeat(300)))).collect();
    for width in [1, 2, 10, 39, 80] {
        for height in [1, 2, 3, 7, 12, 24] {
            let lines = drawn(&status, &news, (width, height));
            assert!(lines.len() <= height, "{width}x{height}: {lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}x{height}: {lines:#?}");
        }
    }
}

#[test]
fn of_a_thousand_services_the_troubled_come_first_and_the_rest_is_counted() {
    let lines = drawn(&status(&many(1_000), &["h777", "h999"]), &[], (120, 24));
    assert_eq!(lines.len(), 24, "{lines:#?}");
    assert_eq!(lines[3], "_s777._tcp.example.com  all down  TTL 5, changed 0s ago");
    assert_eq!(lines[6], "_s999._tcp.example.com  all down  TTL 5, changed 0s ago");
    assert_eq!(lines[8], "_s0._tcp.example.com  tier 10 serves  TTL 30");
    assert_eq!(lines[21], "and 985 more services: 985 well");
}

#[test]
fn troubled_services_that_find_no_room_are_counted_apart() {
    let down: Vec<String> = (0..100).map(|number| format!("h{number}")).collect();
    let down: Vec<&str> = down.iter().map(String::as_str).collect();
    let lines = drawn(&status(&many(200), &down), &[], (120, 24));
    assert_eq!(lines[21], "and 193 more services: 93 all down, 100 well");
}

#[test]
fn the_news_tell_how_long_ago() {
    let at = UnixTime::from_secs(now().wall.as_secs() - 75);
    let lines = drawn(&status(SIP, &[]), &[(at, "a → b".to_owned())], (80, 40));
    assert_eq!(lines[lines.len() - 2], "1m15s ago  a → b");
}

#[test]
fn of_a_service_that_has_no_room_the_worst_members_are_shown() {
    let mut zone = SIP.lines().take(4).collect::<Vec<_>>().join("\n") + "\nns1 IN A 127.0.0.1\n";
    for number in 0..30 {
        zone += &format!("_s._tcp IN SRV 10 0 5060 h{number}\nh{number} IN A 127.1.0.{}\n", number + 1);
    }
    let lines = drawn(&status(&zone, &["h28"]), &[], (120, 24));
    assert_eq!(lines[3], "_s._tcp.example.com  tier 10 serves  TTL 30");
    assert!(lines[4].contains("h28.example.com") && lines[4].contains("left out: down"), "{lines:#?}");
    assert_eq!(lines[21], "  and 13 more members");
}

#[test]
fn what_is_not_tested_is_never_drawn_as_up() {
    let mut status = status(SIP, &[]);
    for target in &mut status.targets {
        (target.state, target.untested) = ("unknown".to_owned(), Some("no route".to_owned()));
    }
    for member in status.services.iter_mut().flat_map(|service| &mut service.members) {
        member.known = false;
        member.untested = Some("no route".to_owned());
    }
    let lines = drawn(&status, &[], (120, 40));
    assert_eq!(lines[3], "_sip._tcp.example.com  tier 10 serves, not tested  TTL 30");
    assert!(
        lines[4].starts_with("  ◐    10    70") && lines[4].contains("not tested") && lines[4].contains("no route"),
        "{lines:#?}"
    );
}

#[test]
fn publications_are_no_news() {
    assert_eq!(tell(&Notice::Published { generation: 2, zones: Vec::new() }), None);
    let notice = Notice::Target {
        target: "tcp x".into(),
        id: TargetId::from_index(0),
        address: "192.0.2.1:5060".parse().unwrap(),
        hosts: vec!["a.example:5060".into()],
        services: Vec::new(),
        zones: Vec::new(),
        from: "up",
        to: "failing",
        cause: Some("refused".into()),
    };
    assert_eq!(tell(&notice).unwrap(), "a.example:5060 at 192.0.2.1: up → failing (refused)");
}
