//! Prosody sends to a domain of others with a preferred host and a standby.

use std::time::Instant;

use crate::room::Room;
use crate::{Saw, serve, stand_in};

/// Pings the domain while its preferred host is broken like this; `follows` says whether answers follow health.
pub(crate) fn pings(mode: &str, follows: bool) -> Saw {
    let mut room = Room::new();
    let b = "_xmpp-server._tcp SRV 10 5 5269 n1\n_xmpp-server._tcp SRV 20 5 5269 n2\nn1 A 127.0.0.2\nn2 A 127.0.0.3\n";
    let a = "_xmpp-server._tcp SRV 10 5 5269 n\nn A 127.0.0.1\n";
    let ours = prosody(&mut room, "a", "127.0.0.1");
    prosody(&mut room, "b", "127.0.0.3");
    if mode != "refuses" {
        stand_in(&mut room, &["xmpp", mode, "127.0.0.2:5269"]);
    }
    serve(&mut room, &[("b.example", b), ("a.example", a)], "_xmpp-server._tcp.b.example", follows);

    let begin = Instant::now();
    let ping = "xmpp:ping(\"a.example\",\"b.example\",20)";
    let (_, told) = room.run(&["timeout", "25", "prosodyctl", "--root", "--config", &ours, "shell", ping]);
    let took = begin.elapsed();
    let last = told.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned();
    Saw { reached: told.contains("pong"), told: last, took }
}

/// Starts a server of `NAME.example` and waits until it listens; returns the path of its config.
fn prosody(room: &mut Room, name: &str, address: &str) -> String {
    let domain = format!("{name}.example");
    let certified = rcgen::generate_simple_self_signed([domain.clone()]).unwrap();
    let certificate = room.write(&format!("{name}/cert.pem"), &certified.cert.pem());
    let key = room.write(&format!("{name}/key.pem"), &certified.signing_key.serialize_pem());
    let home = room.path(name).display().to_string();
    let config = format!(
        "pidfile=\"{home}/pid\"; data_path=\"{home}\"; certificates=\"{home}\"; run_as_root=true; plugin_paths={{}}\n\
         modules_enabled={{\"tls\",\"disco\",\"ping\",\"dialback\",\"s2s\",\"admin_shell\"}}; modules_disabled={{\"c2s\"}}\n\
         daemonize=false; log={{{{levels={{min=\"info\"}},to=\"file\",filename=\"{home}/../{name}.log\"}}}}\n\
         interfaces={{\"{address}\"}}; local_interfaces={{\"{address}\"}}; http_ports={{}}; https_ports={{}}\n\
         s2s_secure_auth=false; authentication=\"internal_hashed\"; storage=\"internal\"; admin_socket=\"{home}/sock\"\n\
         ssl={{key=\"{key}\",certificate=\"{certificate}\"}}\nVirtualHost \"{domain}\"\n",
        key = key.display(),
        certificate = certificate.display(),
    );
    let config = room.write(&format!("{name}/prosody.cfg.lua"), &config).display().to_string();
    room.start(name, &["prosody", "--root", "--config", &config, "-F"]);
    let place = format!("{address}:5269");
    room.eventually("Prosody's port", |room| room.run(&["ss", "-Hlnt"]).1.contains(&place));
    config
}
