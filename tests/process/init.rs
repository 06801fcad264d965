//! The config that `init` writes: it passes `check`, as it is and with all of its suggestions, and serves.

use crate::client::{DECLARED, wait_sip};
use crate::server::{Folder, Program, Server};
use crate::target::Hosts;

/// Takes the marks off suggestions that do not change where it listens.
fn with_suggestions(page: &str) -> String {
    let is_suggestion = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        let is_key = line.contains(" = ") && key.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-');
        (is_key && !key.ends_with("listen")) || line.starts_with("[[")
    };
    let bare = |line: &str| line.strip_prefix("# ").filter(|bare| is_suggestion(bare)).map(str::to_owned);
    page.lines().map(|line| bare(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_config_that_init_writes_passes_check_and_serves_with_and_without_its_suggestions() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _targets = hosts.up();
    let zone = folder.write("example.com.zone", hosts.zone());
    let config = folder.path("understudy.toml");
    let init = || Program::new(&["init"]).argument(&zone).argument("--output").argument(&config).end();
    let (code, said) = init();
    assert!(code == 0 && said.contains("is written"), "{code} {said}");
    let page = std::fs::read_to_string(&config).unwrap();
    assert!(page.contains("#   tier 10: sip-node1.example.com:5060, sip-node2.example.com:5060\n"), "{page}");
    assert!(page.contains("# match = \"_sip._tcp.example.com\"\n"), "{page}");
    let (code, said) = init();
    assert!(code == 1 && said.contains("cannot write"), "{code} {said}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), page, "a config that is there stays");

    let suggested = folder.write("suggested.toml", with_suggestions(&page));
    assert_ne!(std::fs::read_to_string(&suggested).unwrap(), page);
    for (number, config) in [&config, &suggested].into_iter().enumerate() {
        let (code, said) = Program::new(&["check"]).argument(config).end();
        assert_eq!(code, 0, "{said}");
        let server = Server::serve(&[config], &folder.path(&format!("state-{number}")));
        server.answering();
        wait_sip(server.address(), DECLARED);
    }
}

#[test]
fn of_a_zone_for_documents_init_says_what_would_let_it_be_tested() {
    let zone = concat!(env!("CARGO_MANIFEST_DIR"), "/zones/example.com.zone");
    let (code, page) = Program::new(&["init", zone]).end();
    assert!(code == 0 && page.contains("# probe-allow = [\"192.0.2.10\""), "{page}");
    assert!(page.contains(&format!("[[zone]]\nfile = \"{zone}\"\n")), "{page}");
    let (code, said) = Program::new(&["init", "-"]).end();
    assert_eq!(code, 2, "{said}");
}
