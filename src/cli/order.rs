//! `force`, `drain`, `clear` and `failback`: orders to a running server.

use std::process::ExitCode;
use std::time::Duration;

use crate::admin::api::{FailbackBody, Given, OrderBody, Taken};
use crate::admin::view::{OrderView, ServiceView, StatusView};
use crate::base::clock::{Clock, UnixTime};
use crate::base::duration::write_short;
use crate::base::finding::Finding;
use crate::health::orders::{Force, Scope};

use super::args::{Clear, Drain, Failback, ForceTarget, OrderOptions};
use super::line::{self, Line};
use super::paint::{Paint, Tone};
use super::remote::{Failed, Remote};
use super::{FINDINGS, input, status, words};

/// Runs `force`.
pub(super) fn force(args: &ForceTarget) -> ExitCode {
    finish(give(&args.target, args.forced.as_str(), None, &args.order).map(|(_, given)| code(&given.not_kept)))
}

/// Runs `drain`.
pub(super) fn drain(args: &Drain) -> ExitCode {
    finish(give(&args.target, Force::Drained.as_str(), args.r#in, &args.order).and_then(|(remote, given)| {
        if args.wait { wait(&remote, &given, args.order.json) } else { Ok(code(&given.not_kept)) }
    }))
}

/// Runs `clear`.
pub(super) fn clear(args: &Clear) -> ExitCode {
    finish(clear_orders(args))
}

/// Runs `failback`.
pub(super) fn failback(args: &Failback) -> ExitCode {
    finish(fail_back(args))
}

/// Returns the code of an order that is in force: whether it is on disk too.
fn code(not_kept: &Option<String>) -> ExitCode {
    if not_kept.is_some() { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS }
}

fn finish(result: Result<ExitCode, Failed>) -> ExitCode {
    result.unwrap_or_else(|failed| failed.tell())
}

fn give(
    target: &str,
    force: &str,
    begins: Option<Duration>,
    options: &OrderOptions,
) -> Result<(Remote, Given), Failed> {
    let millis = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let remote = Remote::find(&options.reach)?;
    let body = OrderBody {
        force: force.to_owned(),
        on: target.to_owned(),
        reason: options.reason.clone().unwrap_or_default(),
        author: options.author.clone().or_else(user).unwrap_or_default(),
        in_ms: begins.map(millis),
        for_ms: options.r#for.map(millis),
        last: options.last,
    };
    let given: Given = remote.post("/v1/orders", &body)?;
    if options.json {
        print_json(&given);
    } else {
        let now = Clock::start().now().wall;
        let mut lines = vec![Line::of(Tone::Good, "order ").join(status::order(&given.order, now.as_millis()))];
        let services: Vec<ServiceView> = remote.get("/v1/services")?;
        let concerned = services.iter().filter(|service| given.services.contains(&service.service));
        lines.extend(concerned.map(|service| {
            let name = Line::default().plain("  ").plain(words::service(&service.service));
            name.plain("  ").join(words::headline(service))
        }));
        lines.extend(given.expires_ms.map(|at| Line::default().plain(expiry(at, now))));
        lines.extend(not_kept(given.not_kept.as_deref()));
        input::print(&line::text(&lines, Paint::stdout()));
    }
    Ok((remote, given))
}

fn expiry(at_ms: u64, now: UnixTime) -> String {
    let at = UnixTime::from_millis(at_ms);
    if at <= now {
        return "no cache holds an answer that names it".to_owned();
    }
    format!("the last cached answer that names it expires in {}, at {at}", write_short(at.since(now)))
}

/// Waits until no cached answer can name what is drained, and looks whether the answers name it still.
fn wait(remote: &Remote, given: &Given, json: bool) -> Result<ExitCode, Failed> {
    let clock = Clock::start();
    let end = UnixTime::from_millis(given.expires_ms.unwrap_or_default());
    std::thread::sleep(end.since(clock.now().wall));
    let status: StatusView = remote.get("/v1/status")?;
    let mut listed = status.services.iter().filter(|service| names(service, &given.order, &status));
    let line = match listed.next() {
        None => {
            Line::of(Tone::Good, format!("{} is drained: no answer names it, and no cache holds one", given.order.on))
        }
        Some(service) => {
            let name = words::service(&service.service);
            Line::of(Tone::Bad, format!("not safe to stop: {name} still names {}", given.order.on))
        }
    };
    let is_safe = !line.is(Tone::Bad);
    if json {
        print_json(&serde_json::json!({ "drained": is_safe }));
    } else {
        input::print(&line::text(&[line], Paint::stdout()));
    }
    Ok(if is_safe { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// Returns whether the answer of a service names something that an order covers.
fn names(service: &ServiceView, order: &OrderView, status: &StatusView) -> bool {
    let Some(scope) = Scope::parse(&order.on) else { return false };
    service.members.iter().filter(|member| member.listed).any(|member| {
        let (host, port) = member.member.rsplit_once(':').unwrap_or((&member.member, "0"));
        let port = port.parse().unwrap_or_default();
        let targets = status.targets.iter().filter(|target| member.targets.contains(&target.target));
        scope.covers(&host.to_ascii_lowercase(), None, port)
            || targets.map(|target| target.address).any(|at| scope.covers("", Some(at.ip()), port))
    })
}

fn clear_orders(args: &Clear) -> Result<ExitCode, Failed> {
    let remote = Remote::find(&args.reach)?;
    let orders: Vec<OrderView> = remote.get("/v1/orders")?;
    let mut meant: Vec<&OrderView> = Vec::new();
    for word in &args.what {
        let found: Vec<&OrderView> = orders.iter().filter(|order| is_meant(order, word)).collect();
        if found.is_empty() {
            let finding = Finding::error("refused", format!("there is no order {word}, and none over {word}"));
            return Err(Failed::refused(finding.help("`understudy status` lists the orders")));
        }
        meant.extend(found);
    }
    let is_cleared = |order: &&OrderView| args.all || meant.iter().any(|meant| meant.id == order.id);
    let cleared: Vec<&OrderView> = orders.iter().filter(is_cleared).collect();
    let (mut lines, mut is_kept) = (Vec::new(), true);
    for order in &cleared {
        let taken: Taken = remote.delete(&format!("/v1/orders/{}", order.id))?;
        lines.push(Line::of(Tone::Good, "cleared ").join(status::order(order, Clock::start().now().wall.as_millis())));
        lines.extend(not_kept(taken.not_kept.as_deref()));
        is_kept &= taken.not_kept.is_none();
    }
    if args.json {
        print_json(&cleared);
    } else if lines.is_empty() {
        input::print("there is no order\n");
    } else {
        input::print(&line::text(&lines, Paint::stdout()));
    }
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// An order may be named by its number, by what it covers, or by the first label of that.
fn is_meant(order: &OrderView, word: &str) -> bool {
    let word = word.trim_end_matches('.');
    let is_short = order.on.split_once('.').is_some_and(|(first, _)| first.eq_ignore_ascii_case(word));
    word.parse() == Ok(order.id) || order.on.eq_ignore_ascii_case(word) || is_short
}

fn fail_back(args: &Failback) -> Result<ExitCode, Failed> {
    let remote = Remote::find(&args.reach)?;
    let taken: Taken = remote.post("/v1/failback", &FailbackBody { service: args.service.clone() })?;
    let named = args.service.trim_end_matches('.');
    let services: Vec<ServiceView> = remote.get("/v1/services")?;
    let is_it = |service: &&ServiceView| service.service.split('+').any(|half| half.trim_end_matches('.') == named);
    let state = services.iter().find(is_it).map(words::headline).unwrap_or_default();
    let mut lines = vec![Line::default().plain(format!("{named}: failback ordered, ")).join(state)];
    lines.extend(not_kept(taken.not_kept.as_deref()));
    input::print(&line::text(&lines, Paint::stdout()));
    Ok(code(&taken.not_kept))
}

fn not_kept(why: Option<&str>) -> Option<Line> {
    why.map(|why| Line::of(Tone::Bad, why))
}

fn print_json(value: &impl serde::Serialize) {
    input::print(&(serde_json::to_string_pretty(value).unwrap_or_default() + "\n"));
}

/// Who gives orders, as the environment says: behind sudo the one who called it.
pub(super) fn user() -> Option<String> {
    ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
