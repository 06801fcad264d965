//! Kamailio relays a request to a domain with a preferred host and a standby.

use std::time::Instant;

use crate::cases::{Case, Client, Fault};
use crate::room::Room;
use crate::{Saw, serve};

/// Relays a request, twice, while the preferred host is broken; `follows` says whether answers follow health.
///
/// What counts is the second: whether Kamailio has learned from the first.
pub(crate) fn relays(mut room: Room, case: &Case, follows: bool) -> Saw {
    let records = "_sip._udp SRV 10 5 5060 n1\n_sip._udp SRV 20 5 5060 n2\nn1 A 127.0.0.2\nn2 A 127.0.0.3\n";
    if let Some(mode) = case.fault.stand_in() {
        room.stand_in("sip", mode, "127.0.0.2:5060");
    } else if case.fault == Fault::Hangs {
        kamailio(&mut room, "hung", "127.0.0.2", ANSWERS);
        let socket = format!("unix:{}", room.path("hung/control").display());
        room.eventually("SIGSTOP for Kamailio's worker", |room| room.run(&["sh", "-c", STOP, "sh", &socket]).0);
    }
    kamailio(&mut room, "well", "127.0.0.3", ANSWERS);
    serve(&mut room, &[("b.example", records)], "_sip._udp.b.example", follows);
    let failover = if case.client == Client::KamailioFailover { "use_dns_failover=on\ndns_srv_lb=on\n" } else { "" };
    kamailio(&mut room, "proxy", "127.0.0.1", &format!("{failover}{RELAYS}"));

    let program = std::env::current_exe().unwrap().display().to_string();
    let ask = || room.run(&[&program, "ask", "127.0.0.1:5060", "b.example"]).1.trim().to_owned();
    let first = ask();
    let begin = Instant::now();
    let second = ask();
    let took = begin.elapsed();
    let reached = [&first, &second].iter().all(|told| told.starts_with("SIP/2.0 200"));
    Saw { reached, told: if first == second { second } else { format!("{first}, then {second}") }, took }
}

/// Starts a Kamailio with one worker, and waits until it listens.
fn kamailio(room: &mut Room, name: &str, address: &str, rest: &str) {
    let [home, config] = ["", "/kamailio.cfg"].map(|end| room.path(&format!("{name}{end}")).display().to_string());
    room.write(
        &format!("{name}/kamailio.cfg"),
        &format!(
            "#!KAMAILIO\ndebug=2\nlog_stderror=yes\nchildren=1\nlisten=udp:{address}:5060\n\
             loadmodule \"tm.so\"\nloadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"ctl.so\"\n\
             modparam(\"ctl\",\"binrpc\",\"unix:{home}/control\")\nmodparam(\"tm\",\"fr_timer\",3000)\n{rest}"
        ),
    );
    room.start(name, &["kamailio", "-f", &config, "-DD", "-E", "-w", &home, "-Y", &home, "-m", "64", "-M", "8"]);
    let place = format!("{address}:5060");
    room.eventually("Kamailio's socket", |room| room.run(&["ss", "-Hlnu"]).1.contains(&place));
}

/// Relays whatever comes.
const RELAYS: &str = "request_route { t_relay(); exit; }\n";

/// Answers whatever comes.
const ANSWERS: &str = "request_route { sl_send_reply(\"200\", \"OK\"); exit; }\n";

/// Stops the one process that would answer over UDP, found by the control socket.
const STOP: &str = "pid=$(kamcmd -s \"$1\" core.ps | tr -s '[:space:]' ' ' \
    | grep -o '[0-9]* udp receiver' | cut -d' ' -f1) && kill -STOP \"$pid\"";
