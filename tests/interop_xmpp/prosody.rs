//! Prosody.

use super::lab::{C2S, C2S_DIRECT, DOMAIN, Folder, Foreign, S2S, S2S_DIRECT, Shows, probe};
use super::relay::Relay;
use super::server::eventually;
use super::{WAYS, another_domain_is_unknown, is_seen_hung_and_gone, passes_in_all_ways};

/// Starts Prosody on an address of loopback.
pub(crate) fn start(ip: &str, shows: Shows, folder: &Folder) -> Foreign {
    folder.write_certificate(shows);
    folder.write("data/.keep", "");
    let path = |name: &str| format!("{:?}", folder.path(name).display().to_string());
    let text = format!(
        "pidfile = {}; data_path = {}; certificates = {}
         daemonize = false; run_as_root = false; plugin_paths = {{}}
         modules_enabled = {{ \"saslauth\", \"tls\", \"dialback\", \"s2s\", \"c2s\" }}
         log = {{ {{ levels = {{ min = \"info\" }}, to = \"file\", filename = {} }} }}
         interfaces = {{ \"{ip}\" }}; local_interfaces = {{ \"{ip}\" }}
         c2s_ports = {{ {C2S} }}; c2s_direct_tls_ports = {{ {C2S_DIRECT} }}
         s2s_ports = {{ {S2S} }}; s2s_direct_tls_ports = {{ {S2S_DIRECT} }}
         http_ports = {{}}; https_ports = {{}}; component_ports = {{}}
         c2s_require_encryption = true; s2s_require_encryption = true; s2s_secure_auth = false
         authentication = \"internal_hashed\"; storage = \"internal\"
         ssl = {{ key = {}, certificate = {} }}
         VirtualHost \"{DOMAIN}\"\n",
        path("prosody.pid"),
        path("data"),
        path("."),
        path("prosody.log"),
        path("key.pem"),
        path("certificate.pem"),
    );
    let config = folder.write("prosody.cfg.lua", &text).display().to_string();
    Foreign::start("prosody", &["--config", &config, "-F"], &[], folder).opened(ip, folder)
}

#[test]
fn prosody_is_up_then_hung_then_gone() {
    let (ip, folder) = ("127.0.21.1", Folder::new("prosody"));
    let mut prosody = start(ip, Shows::Good, &folder);
    passes_in_all_ways(ip, &folder);
    another_domain_is_unknown(ip, &folder);
    is_seen_hung_and_gone(&mut prosody, ip, &folder);
}

#[test]
fn prosody_s_ports_for_clients_and_servers_are_told_apart() {
    let (ip, folder) = ("127.0.21.2", Folder::new("swapped"));
    let _prosody = start(ip, Shows::Good, &folder);
    let seen = |scheme: &str, port: u16| probe(&format!("{scheme}://{ip}:{port}/{DOMAIN}"), &folder);
    seen("xmpp-server", C2S).is(1, "fail", "a port for clients, not for servers");
    seen("xmpps", C2S).is(1, "fail", "not TLS");
    seen("xmpp", C2S_DIRECT).is(1, "fail", "");
    // SNI is the service's domain: Prosody refuses any other by an alert.
    probe(&format!("xmpps://{ip}:{C2S_DIRECT}/node1.example.net"), &folder).is(1, "fail", "unrecognized_name");
}

#[test]
fn certificates_that_clients_refuse_take_prosody_down() {
    for (ip, shows, cause) in [
        ("127.0.21.3", Shows::Expired, "certificate expired on 2020-01-01"),
        ("127.0.21.4", Shows::OtherName, "certificate is for node1.example.net, not for example.test"),
    ] {
        let folder = Folder::new(&format!("{shows:?}"));
        let _prosody = start(ip, shows, &folder);
        for (scheme, port, _) in WAYS {
            probe(&format!("{scheme}://{ip}:{port}/{DOMAIN}"), &folder).is(1, "fail", cause);
        }
    }
}

#[test]
fn prosody_s_sigterm_is_a_drain() {
    let (ip, folder) = ("127.0.21.5", Folder::new("term"));
    let mut prosody = start(ip, Shows::Good, &folder);
    // A probe whose first words are still on their way when the signal comes: the relay holds them back.
    let relay = Relay::start(ip, C2S, "127.0.21.6");
    let url = format!("xmpp://127.0.21.6:{C2S}/{DOMAIN}");
    let probing = std::thread::scope(|scope| {
        let probing = scope.spawn(|| probe(&url, &folder));
        relay.connected();
        let log = folder.path("prosody.log");
        // The first one only waited for the port to open.
        eventually("Prosody has accepted it", || {
            let log = std::fs::read_to_string(&log).unwrap();
            (log.matches("Client connected").count() >= 2).then_some(())
        });
        prosody.signal("TERM");
        probing.join().unwrap()
    });
    probing.is(1, "drain", "stream error system-shutdown");
    prosody.wait();
    probe(&format!("xmpp://{ip}:{C2S}/{DOMAIN}"), &folder).is(1, "fail", "connection refused");
}
