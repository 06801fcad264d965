//! `man`: prints the manual page of the program, of one command, or of the config.

mod config;

use std::io;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Arguments, CONFIG_PAGE};
use super::{USAGE, input};

/// Runs the command; without a name the page is that of the program.
pub(super) fn run(of: Option<&str>) -> ExitCode {
    match page(of) {
        Ok(page) => {
            input::print(&page);
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::from(USAGE),
    }
}

/// Makes a page, in roff.
fn page(of: Option<&str>) -> io::Result<String> {
    if of == Some(CONFIG_PAGE) {
        return Ok(config::page());
    }
    let mut program = Arguments::command();
    program.build();
    let command = match of {
        Some(name) => {
            let found = program.find_subcommand(name).ok_or(io::ErrorKind::NotFound)?;
            found.clone().display_name(format!("understudy-{name}"))
        }
        None => program,
    };
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command);
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    if of.is_none() {
        man.render_subcommands_section(&mut roff)?;
    }
    let mut more = Roff::new();
    if let Some((_, examples)) = help.split_once(EXAMPLES) {
        add_examples(&mut more, examples);
    }
    add_list(&mut more, "EXIT STATUS", &EXIT_STATUS);
    if of.is_none_or(|name| name == "serve") {
        add_list(&mut more, "SIGNALS", &SIGNALS);
    }
    add_list(&mut more, "FILES", &FILES);
    add_list(&mut more, "ENVIRONMENT", &ENVIRONMENT);
    more.control("SH", ["SEE ALSO"]);
    more.text([bold("understudy"), roman("(1), "), bold(CONFIG_PAGE), roman("(5)")]);
    more.to_writer(&mut roff)?;
    man.render_version_section(&mut roff)?;
    Ok(String::from_utf8_lossy(&roff).into_owned())
}

/// Adds the examples of a command's help: each command, and what it does.
fn add_examples(roff: &mut Roff, text: &str) {
    roff.control("SH", ["EXAMPLES"]);
    for line in text.lines() {
        match line.strip_prefix("      ") {
            Some(told) => roff.text([roman(told)]),
            None => roff.control("TP", []).text([bold(line.trim_start())]),
        };
    }
}

/// Adds a section of words, each with what it means.
fn add_list(roff: &mut Roff, title: &str, list: &[(&str, &str)]) {
    roff.control("SH", [title]);
    for (word, told) in list {
        roff.control("TP", []).text([bold(*word)]).text([roman(*told)]);
    }
}

/// What stands before the examples in a command's help.
const EXAMPLES: &str = "Examples:\n";

const EXIT_STATUS: [(&str, &str); 5] = [
    ("0", "Done."),
    ("1", "Findings, a probe that failed, or a server that is not ready."),
    ("2", "Wrong use or unreadable input."),
    ("3", "The server could not start: port, permission, state folder."),
    ("4", "Refused by a running server."),
];

const SIGNALS: [(&str, &str); 2] = [
    ("SIGHUP", "Reads config, zones, certificates and secrets again. What is broken changes nothing, and is logged."),
    ("SIGTERM, SIGINT", "Answers the queries that have arrived, closes the listeners, keeps the state and ends."),
];

const FILES: [(&str, &str); 5] = [
    (
        "./understudy.toml, /etc/understudy/understudy.toml",
        "The config that is read if no file is named: the first that is there.",
    ),
    ("/var/lib/understudy", "The state: orders, health and serials."),
    ("/run/understudy/admin.sock", "Where the system's own service takes orders."),
    ("~/.local/state/understudy", "The state for a user who may not write to /var/lib/understudy."),
    ("/etc/resolv.conf", "Who resolves hosts outside of the zones."),
];

const ENVIRONMENT: [(&str, &str); 6] = [
    ("UNDERSTUDY_CONFIG", "The config that is read if no file is named."),
    ("STATE_DIRECTORY", "The state folder, as systemd sets it."),
    ("XDG_STATE_HOME", "The folder in which the folder understudy holds the state."),
    ("RUNTIME_DIRECTORY", "The folder of the socket through which orders are taken, as systemd sets it."),
    ("XDG_RUNTIME_DIR", "The folder in which the folder understudy holds that socket, if no state folder is named."),
    ("NO_COLOR", "If set and not empty, no colours, unless --color says otherwise."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_sections() {
        for of in [
            None,
            Some("serve"),
            Some("check"),
            Some("probe"),
            Some("explain"),
            Some("simulate"),
            Some("replay"),
            Some("import"),
            Some("ready"),
        ] {
            let page = page(of).unwrap();
            for title in ["NAME", "SYNOPSIS", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\"", "FILES", "ENVIRONMENT"] {
                assert_eq!(page.matches(&format!(".SH {title}\n")).count(), 1, "{of:?} {title}");
            }
            assert_eq!(page.contains(".SH SIGNALS"), of.is_none_or(|name| name == "serve"), "{of:?}");
        }
        let serve = page(Some("serve")).unwrap();
        assert!(
            serve.contains(".TH understudy-serve 1") && serve.contains("serves a zone on 127.0.0.1:5300"),
            "{serve}"
        );
    }
}
