//! ejabberd. Erlang runs without a node name, so that no port mapper opens a port beyond loopback.

use super::lab::{C2S, C2S_DIRECT, DOMAIN, Folder, Foreign, S2S, S2S_DIRECT, Shows, probe};
use super::{WAYS, another_domain_is_unknown, is_seen_hung_and_gone, passes_in_all_ways};

/// Starts ejabberd on an address of loopback.
fn start(ip: &str, shows: Shows, folder: &Folder) -> Foreign {
    folder.write_certificate(shows);
    folder.write("db/.keep", "");
    let listen = |port: u16, module: &str, rest: &str| {
        format!("  - port: {port}\n    ip: \"{ip}\"\n    module: {module}\n{rest}")
    };
    let text = format!(
        "hosts:\n  - {DOMAIN}\nloglevel: info\ncertfiles:\n  - {}\ns2s_use_starttls: optional\nlisten:\n{}{}{}{}\
         modules:\n  mod_disco: {{}}\n",
        folder.path("both.pem").display(),
        listen(C2S, "ejabberd_c2s", "    starttls: true\n    starttls_required: true\n"),
        listen(C2S_DIRECT, "ejabberd_c2s", "    tls: true\n"),
        listen(S2S, "ejabberd_s2s_in", ""),
        listen(S2S_DIRECT, "ejabberd_s2s_in", "    tls: true\n"),
    );
    let config = folder.write("ejabberd.yml", &text).display().to_string();
    let path = |name: &str| folder.path(name).display().to_string();
    let (log, pid, crash, database) = (path("ejabberd.log"), path("pid"), path("crash"), path("db"));
    let variables = [
        ("EJABBERD_CONFIG_PATH", config.as_str()),
        ("EJABBERD_LOG_PATH", &log),
        ("EJABBERD_PID_PATH", &pid),
        ("ERL_CRASH_DUMP", &crash),
        ("ERL_LIBS", &libraries()),
    ];
    let database = format!("{database:?}");
    let arguments = ["-noinput", "-mnesia", "dir", &database, "-s", "ejabberd"];
    Foreign::start("erl", &arguments, &variables, folder).opened(ip, folder)
}

/// Finds where Debian keeps ejabberd's code: below the machine's own folder of libraries.
fn libraries() -> String {
    let places = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let holds = |place: &std::path::PathBuf| {
        let entries = std::fs::read_dir(place).into_iter().flatten();
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("ejabberd-"))
    };
    let place = places.filter(|place| place.is_dir()).find(holds);
    place.expect("ejabberd is not installed: `apt install ejabberd`").display().to_string()
}

#[test]
fn ejabberd_is_up_then_hung_then_gone() {
    let (ip, folder) = ("127.0.21.11", Folder::new("ejabberd"));
    let mut ejabberd = start(ip, Shows::Good, &folder);
    passes_in_all_ways(ip, &folder);
    another_domain_is_unknown(ip, &folder);
    is_seen_hung_and_gone(&mut ejabberd, ip, &folder);
}

#[test]
fn an_expired_certificate_takes_ejabberd_down() {
    let (ip, folder) = ("127.0.21.12", Folder::new("ejabberd-expired"));
    let _ejabberd = start(ip, Shows::Expired, &folder);
    for (scheme, port, _) in WAYS {
        probe(&format!("{scheme}://{ip}:{port}/{DOMAIN}"), &folder).is(1, "fail", "certificate expired on 2020-01-01");
    }
}
