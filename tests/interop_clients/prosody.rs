//! Prosody sends to a domain of others with a preferred host and a standby.

use std::time::Instant;

use crate::cases::{Case, Client, Fault};
use crate::room::Room;
use crate::{Saw, serve};

/// Pings the domain while its preferred host is broken; `follows` says whether answers follow health.
pub(crate) fn pings(mut room: Room, case: &Case, follows: bool) -> Saw {
    let service = if case.client == Client::ProsodyDirect { "_xmpps-server._tcp" } else { "_xmpp-server._tcp" };
    let port = if case.client == Client::ProsodyDirect { DIRECT } else { STARTTLS };
    let b = format!("{service} SRV 10 5 {port} n1\n{service} SRV 20 5 {port} n2\nn1 A 127.0.0.2\nn2 A 127.0.0.3\n");
    let a = format!("_xmpp-server._tcp SRV 10 5 {STARTTLS} n\nn A 127.0.0.1\n");
    let ours = prosody(&mut room, "a", "a.example", "127.0.0.1");
    prosody(&mut room, "b", "b.example", "127.0.0.3");
    if let Some(mode) = case.fault.stand_in() {
        room.stand_in("xmpp", mode, &format!("127.0.0.2:{port}"));
    } else if case.fault == Fault::Hangs {
        prosody(&mut room, "hung", "b.example", "127.0.0.2");
        room.eventually("SIGSTOP for Prosody", |room| room.run(&["sh", "-c", STOP]).0);
    }
    serve(&mut room, &[("b.example", &b), ("a.example", &a)], &format!("{service}.b.example"), follows);

    let ping = format!("xmpp:ping(\"a.example\",\"b.example\",{LIMIT_S})");
    let begin = Instant::now();
    let (_, told) = room.run(&["timeout", "25", "prosodyctl", "--root", "--config", &ours, "shell", &ping]);
    let took = begin.elapsed();
    let last = told.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned();
    Saw { reached: told.contains("pong"), told: last, took }
}

/// Starts a server of a domain and waits until it listens; returns the path of its config.
fn prosody(room: &mut Room, name: &str, domain: &str, address: &str) -> String {
    let certified = rcgen::generate_simple_self_signed([domain.to_owned()]).unwrap();
    let certificate = room.write(&format!("{name}/cert.pem"), &certified.cert.pem());
    let key = room.write(&format!("{name}/key.pem"), &certified.signing_key.serialize_pem());
    let home = room.path(name).display().to_string();
    let config = format!(
        "pidfile=\"{home}/pid\"; data_path=\"{home}\"; certificates=\"{home}\"; run_as_root=true; plugin_paths={{}}\n\
         modules_enabled={{\"tls\",\"disco\",\"ping\",\"dialback\",\"s2s\",\"admin_shell\"}}; modules_disabled={{\"c2s\"}}\n\
         daemonize=false; log={{{{levels={{min=\"info\"}},to=\"file\",filename=\"{home}/../{name}.log\"}}}}\n\
         interfaces={{\"{address}\"}}; local_interfaces={{\"{address}\"}}; http_ports={{}}; https_ports={{}}\n\
         s2s_ports={{{STARTTLS}}}; s2s_direct_tls_ports={{{DIRECT}}}; s2s_secure_auth=false\n\
         authentication=\"internal_hashed\"; storage=\"internal\"; admin_socket=\"{home}/sock\"\n\
         ssl={{key=\"{key}\",certificate=\"{certificate}\"}}\nVirtualHost \"{domain}\"\n",
        key = key.display(),
        certificate = certificate.display(),
    );
    let config = room.write(&format!("{name}/prosody.cfg.lua"), &config).display().to_string();
    room.start(name, &["prosody", "--root", "--config", &config, "-F"]);
    let places = [STARTTLS, DIRECT].map(|port| format!("{address}:{port}"));
    room.eventually("Prosody's ports", |room| {
        let (_, listening) = room.run(&["ss", "-Hlnt"]);
        places.iter().all(|place| listening.contains(place))
    });
    config
}

const STARTTLS: u16 = 5269;
const DIRECT: u16 = 5270;

/// How long a ping may take; Prosody itself gives up after 90 s.
const LIMIT_S: u32 = 20;

/// Stops who listens on the preferred host.
const STOP: &str =
    "pid=$(ss -Hlntp src 127.0.0.2:5269 | grep -o 'pid=[0-9]*' | head -1 | cut -d= -f2) && kill -STOP \"$pid\"";
