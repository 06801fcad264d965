//! Kamailio relays a request to a domain with a preferred host and a standby.

use std::time::Instant;

use crate::room::Room;
use crate::{Saw, serve, stand_in};

const CONFIG: &str = "#!KAMAILIO
debug=2
log_stderror=yes
children=2
listen=udp:127.0.0.1:5060
mpath=\"/usr/lib/x86_64-linux-gnu/kamailio/modules/\"
loadmodule \"tm.so\"
loadmodule \"sl.so\"
loadmodule \"pv.so\"
modparam(\"tm\",\"fr_timer\",3000)
request_route { t_relay(); exit; }
";

/// Relays one request while the preferred host is broken like this; `follows` says whether answers follow health.
pub(crate) fn relays(mode: &str, follows: bool) -> Saw {
    let mut room = Room::new();
    let records = "_sip._udp SRV 10 5 5060 n1\n_sip._udp SRV 20 5 5060 n2\nn1 A 127.0.0.2\nn2 A 127.0.0.3\n";
    if mode != "refuses" {
        stand_in(&mut room, &["sip", mode, "127.0.0.2:5060"]);
    }
    stand_in(&mut room, &["sip", "well", "127.0.0.3:5060"]);
    serve(&mut room, &[("b.example", records)], "_sip._udp.b.example", follows);
    let config = room.write("kamailio.cfg", CONFIG);
    let run = room.path("run");
    std::fs::create_dir(&run).unwrap();
    let (config, run) = (config.display().to_string(), run.display().to_string());
    room.start("kamailio", &["kamailio", "-f", &config, "-DD", "-E", "-w", &run, "-Y", &run, "-m", "64", "-M", "8"]);
    room.eventually("Kamailio's socket", |room| room.run(&["ss", "-Hlnu"]).1.contains("127.0.0.1:5060"));

    let program = std::env::current_exe().unwrap().display().to_string();
    let begin = Instant::now();
    let (_, told) = room.run(&[&program, "ask", "127.0.0.1:5060", "b.example"]);
    let took = begin.elapsed();
    Saw { reached: told.starts_with("SIP/2.0 200"), told: told.trim().to_owned(), took }
}
