//! `drill`: a failover in production hours, played safely: the active tier is drained for a while, the standby is watched,
//! and at the first doubt all is as before.
//!
//! ```text
//!  plan ─▶ drain the active tier ─▶ watch the standby ─▶ clear, fail back ─▶ report
//!   │ not safe: refused                │ doubt ──────────────▲
//! ```
//!
//! The drains end by themselves, so that a drill that is killed, or cut off from its server, leaves nothing behind.

mod plan;
mod report;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use crate::admin::api::{FailbackBody, Given, OrderBody, Taken};
use crate::admin::view::{ServiceView, StatusView};
use crate::base::clock::Clock;
use crate::base::duration::write_short;
use crate::base::finding::{Finding, Severity};

use super::args::Drill;
use super::remote::{Failed, Remote};
use super::{FINDINGS, USAGE, input, order};
use plan::Plan;
use report::Report;
use watch::Doubt;

/// Runs the command.
pub(super) fn run(args: &Drill) -> ExitCode {
    let played = Remote::find(&args.reach).and_then(|remote| play(&remote, args));
    let report = match played {
        Ok(report) => report,
        Err(failed) => return failed.tell(),
    };
    if args.json {
        input::print(&format!("{:#}\n", report.as_json()));
    }
    if let Some(path) = &args.report
        && let Err(error) = std::fs::write(path, report.as_text())
    {
        let finding =
            Finding::error("drill-report", format!("the report cannot be written to {}: {error}", path.display()));
        input::tell(&[finding], Severity::Error);
        return ExitCode::from(USAGE);
    }
    if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) }
}

/// Plays it from the plan to the end.
fn play(remote: &Remote, args: &Drill) -> Result<Report, Failed> {
    let status: StatusView = remote.get("/v1/status")?;
    let plan = Plan::make(&args.service, &status).map_err(|finding| Failed::refused(*finding))?;
    let mut report = Report::begin(&plan, args.r#for, Clock::start(), !args.json);
    report.step(format!("{} is at tier {}; tier {} stands by", plan.name(), plan.tier, plan.standby));
    let orders = drain(remote, args, &plan, &mut report)?;
    let doubt = watch::watch(remote, &plan, args.r#for, &mut report);
    if let Some(doubt) = &doubt {
        report.doubt(doubt.to_string());
    }
    let back = restore(remote, &plan, &orders, &mut report);
    match back {
        Ok(()) => report.step(format!("{} is at tier {} again", plan.name(), plan.tier)),
        Err(late) => report.doubt(late.to_string()),
    }
    Ok(report)
}

/// Drains the active tier; if one order is refused, those before it are taken back.
fn drain(remote: &Remote, args: &Drill, plan: &Plan, report: &mut Report) -> Result<Vec<u64>, Failed> {
    let lasts = args.r#for + MARGIN;
    let mut orders = Vec::new();
    for member in &plan.active {
        let body = OrderBody {
            force: "drained".to_owned(),
            on: member.clone(),
            reason: args.reason.clone().unwrap_or_else(|| "drill".to_owned()),
            author: args.author.clone().or_else(order::user).unwrap_or_default(),
            in_ms: None,
            for_ms: Some(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX)),
            last: false,
        };
        match remote.post::<Given>("/v1/orders", &body) {
            Ok(given) => {
                let ends = write_short(lasts);
                report.step(format!("order {}: {member} drained; it ends by itself in {ends}", given.order.id));
                report.concerns(&given.services);
                orders.push(given.order.id);
            }
            Err(failed) => {
                clear(remote, &orders, report);
                return Err(failed);
            }
        }
    }
    Ok(orders)
}

/// Takes the orders back and lets the service return to its tier at once.
fn restore(remote: &Remote, plan: &Plan, orders: &[u64], report: &mut Report) -> Result<(), Doubt> {
    clear(remote, orders, report);
    if let Err(failed) = remote.post::<Taken>("/v1/failback", &FailbackBody { service: plan.service.clone() }) {
        report.step(format!("the failback is not taken: {failed}"));
    }
    let clock = Clock::start();
    let begun = clock.now().mono;
    while clock.now().mono.since(begun) < RETURN {
        let service = remote.get::<ServiceView>(&format!("/v1/services/{}", plan.service));
        if service.is_ok_and(|service| service.tier == Some(plan.tier)) {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Err(Doubt::NotBack { tier: plan.tier, within: RETURN })
}

fn clear(remote: &Remote, orders: &[u64], report: &mut Report) {
    for id in orders {
        match remote.delete::<Taken>(&format!("/v1/orders/{id}")) {
            Ok(_) => report.step(format!("order {id} cleared")),
            Err(failed) => report.step(format!("order {id} is not cleared ({failed}): it ends by itself")),
        }
    }
}

/// How much longer than the drill its drains last, should nobody take them back.
const MARGIN: Duration = Duration::from_secs(30);
/// How long the return to the tier may take.
const RETURN: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);
