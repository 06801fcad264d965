//! Bad input and bad luck: each a clear message with place and fix, and the right exit code.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use crate::client::{DECLARED, ask_sip};
use crate::server::{Folder, Network, Program, Server};
use crate::target::Hosts;

pub(crate) const USAGE: i32 = 2;
pub(crate) const START: i32 = 3;

/// Asserts that the program ends with this code and says all this.
#[track_caller]
pub(crate) fn ends(program: Program, code: i32, says: &[&str]) {
    let (found, said) = program.end();
    assert_eq!(found, code, "{said}");
    for words in says {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// Serves one config beside a good zone.
fn config(folder: &Folder, text: &str) -> Program {
    let zone = folder.write("example.com.zone", Hosts::new().zone());
    let config = folder.write("understudy.toml", text);
    Server::program(&[&config, &zone], "none".as_ref())
}

/// Serves one zone.
fn zone(folder: &Folder, text: impl AsRef<[u8]>) -> Program {
    let zone = folder.write("example.com.zone", text);
    Server::program(&[&zone], "none".as_ref())
}

#[test]
fn without_any_file_it_says_where_it_looked_and_what_to_do() {
    if Path::new("/etc/understudy/understudy.toml").exists() {
        println!("not shown: this machine has a config in /etc/understudy");
        return;
    }
    let folder = Folder::new();
    let program = Program::new(&["serve", "--state", "none"]).within(&folder);
    let help = "understudy serve example.com.zone";
    ends(program, USAGE, &["./understudy.toml and /etc/understudy/understudy.toml", help]);
}

#[test]
fn a_missing_config_is_named() {
    let folder = Folder::new();
    let missing = folder.path("absent.toml");
    let named = Server::program(&[&missing], "none".as_ref());
    ends(named, USAGE, &["error[file-read]", "absent.toml", "No such file", "help: name a file"]);
    let by_variable = Program::new(&["serve", "--state", "none"]).variable("UNDERSTUDY_CONFIG", &missing);
    ends(by_variable, USAGE, &["absent.toml", "No such file"]);
}

#[test]
fn malformed_toml_is_shown_with_its_line_and_column() {
    ends(config(&Folder::new(), "version = 1\n[server\n"), USAGE, &["understudy.toml:2:", "[server", "^"]);
    ends(config(&Folder::new(), "version = 1\nversion = 1\n"), USAGE, &["understudy.toml:2:1"]);
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_a_mend() {
    let text = "version = 1\n[health]\nintervall = \"5s\"\n";
    ends(config(&Folder::new(), text), USAGE, &["understudy.toml:3:1", "intervall", "^^^^^^^^^", "help: "]);
}

#[test]
fn a_bad_value_is_shown_with_its_line_and_what_would_be_right() {
    for (text, place) in [
        ("version = 1\n[health]\ninterval = \"soon\"\n", "understudy.toml:3:12"),
        ("version = 1\n[policy]\nttl = -1\n", "understudy.toml:3:7"),
        ("version = 2\n", "understudy.toml:1:11"),
        ("version = 1\n[server]\nlisten = [\"127.0.0.1:dns\"]\n", "understudy.toml:3:11"),
        ("version = 1\n[policy]\nfailed = \"hide\"\n", "understudy.toml:3:10"),
    ] {
        ends(config(&Folder::new(), text), USAGE, &[place, "^", "help: "]);
    }
}

#[test]
fn all_mistakes_of_a_config_come_in_one_run() {
    let text = "version = 1\n[health]\nrise = 0\nfal = 2\n[policy]\nstandby = 1\n[[zone]]\nfile = \"absent.zone\"\n";
    let places = ["understudy.toml:3:", "understudy.toml:4:", "understudy.toml:6:", "understudy.toml:8:"];
    ends(config(&Folder::new(), text), USAGE, &places);
}

#[test]
fn a_missing_zone_is_named_with_the_line_that_names_it() {
    let folder = Folder::new();
    let alone = Server::program(&[&folder.path("absent.zone")], "none".as_ref());
    ends(alone, USAGE, &["cannot read the zone", "absent.zone", "No such file", "help: name a file"]);
    let text = "version = 1\n[server]\nstrict-zones = true\n[[zone]]\nfile = \"absent.zone\"\n";
    ends(config(&folder, text), USAGE, &["cannot read the zone", "absent.zone", "understudy.toml:5:8"]);
}

#[test]
fn a_malformed_zone_is_shown_with_all_its_lines() {
    let text = Hosts::new().zone().replace("A 127.0.0.1", "A 127.0.0").replace("20 0 5060", "20 0 99999");
    ends(zone(&Folder::new(), text), USAGE, &["example.com.zone:5:", "example.com.zone:8:", "^"]);
    ends(zone(&Folder::new(), [0xff, 0x00, 0x1b, b'[']), USAGE, &["example.com.zone:1:"]);
    ends(zone(&Folder::new(), ""), USAGE, &["example.com.zone"]);
}

#[test]
fn a_service_or_zone_named_twice_is_shown_with_its_line() {
    let folder = Folder::new();
    let entry = "[[service]]\nmatch = \"_sip._tcp.example.com\"\n";
    let twice = format!("version = 1\n{entry}{entry}");
    ends(config(&folder, &twice), USAGE, &["understudy.toml:5:9", "_sip._tcp.example.com"]);

    let hosts = Hosts::new();
    let (first, second) = (folder.write("a/example.com.zone", hosts.zone()), folder.write("b.zone", hosts.zone()));
    let twice = Server::program(&[&first, &second], "none".as_ref());
    ends(twice, USAGE, &["error[zone-duplicate]", "a/example.com.zone", "b.zone", "help: name each zone once"]);
    let entry = "[[zone]]\nfile = \"b.zone\"\n";
    let config = folder.write("u.toml", format!("version = 1\n{entry}{entry}"));
    ends(Server::program(&[&config], "none".as_ref()), USAGE, &["u.toml:5:8", "error[zone-duplicate]"]);
}

#[test]
fn a_port_in_use_is_named_with_the_command_that_shows_who_has_it() {
    let folder = Folder::new();
    let file = folder.write("example.com.zone", Hosts::new().zone());
    let program = |address: SocketAddr| {
        let listen = address.to_string();
        Program::new(&["serve", "--state", "none", "--listen", &listen]).argument(&file)
    };
    let udp = UdpSocket::bind((Network::new().take(), 0)).unwrap();
    let address = udp.local_addr().unwrap();
    let says = format!("udp {address} is in use by another process");
    ends(program(address), START, &[&says, &format!("ss -lunp 'sport = :{}'", address.port()), "--listen"]);
    let tcp = TcpListener::bind((Network::new().take(), 0)).unwrap();
    let address = tcp.local_addr().unwrap();
    let says = format!("tcp {address} is in use by another process");
    ends(program(address), START, &[&says, &format!("ss -ltnp 'sport = :{}'", address.port())]);

    let metrics = format!("version = 1\n[server]\nmetrics-listen = \"{address}\"\n");
    ends(config(&folder, &metrics), START, &[&says]);
}

#[test]
fn an_address_that_the_machine_lacks_is_named() {
    let folder = Folder::new();
    let file = folder.write("example.com.zone", Hosts::new().zone());
    let program = Program::new(&["serve", "--state", "none", "--listen", "192.0.2.1:5300"]).argument(file);
    ends(program, START, &["this machine has no address 192.0.2.1", "ip -brief address"]);
}

#[test]
fn without_permission_for_port_53_the_capability_is_named() {
    let floor = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if floor.trim().parse::<u32>().is_ok_and(|floor| floor <= 53) {
        println!("not shown: on this machine anyone may listen on port 53");
        return;
    }
    let folder = Folder::new();
    let file = folder.write("example.com.zone", Hosts::new().zone());
    let listen = format!("{}:53", Network::new().take());
    let program = Program::new(&["serve", "--state", "none", "--listen", &listen]).argument(file);
    let Some(program) = program.unprivileged() else {
        println!("not shown: only root can start the program as another user");
        return;
    };
    let says = format!("no permission to listen on udp {listen}");
    ends(program, START, &[&says, "CAP_NET_BIND_SERVICE", "setcap"]);
}

#[test]
fn an_unwritable_state_folder_is_named_with_the_commands_that_mend_it() {
    let folder = Folder::new();
    let file = folder.write("example.com.zone", Hosts::new().zone());
    let present = folder.path("state");
    std::fs::create_dir(&present).unwrap();
    let fixes = ["--state DIR", "--state none"];
    for (state, says) in [
        (present, [format!("cannot write in the state folder {}", folder.path("state").display()), "chown".to_owned()]),
        (
            folder.path("new"),
            [format!("cannot make the state folder {}", folder.path("new").display()), "install -d".to_owned()],
        ),
    ] {
        let Some(program) = Server::program(&[&file], &state).unprivileged() else {
            println!("not shown: only root can start the program as another user");
            break;
        };
        ends(program, START, &[&says[0], &says[1], fixes[0], fixes[1]]);
    }
    // For every user: a file stands where the folder should be.
    let file_in_the_way = folder.write("file", "");
    ends(Server::program(&[&file], &file_in_the_way), START, &["state folder", fixes[0]]);
}

#[test]
fn a_corrupt_state_is_set_aside_with_a_warning_and_the_rest_goes_on() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let file = folder.write("example.com.zone", hosts.zone());
    let state = folder.path("state");
    let _up = hosts.up();
    for damage in [b"not a journal at all \xff\x00\n".as_slice(), b"", &[0; 4096]] {
        std::fs::create_dir_all(&state).unwrap();
        std::fs::write(state.join("state.journal"), damage).unwrap();
        let server = Server::serve(&[&file], &state);
        let address = server.address();
        server.answering();
        assert!(ask_sip(address).is(DECLARED));
        if !damage.is_empty() {
            let (_, line) = server.log.wait_from(0, &["the state is damaged"]);
            assert_eq!(line["level"], "WARN", "{line}");
            let aside = line["store.aside"].as_str().unwrap();
            assert!(aside.contains("state.journal.corrupt"));
            assert_eq!(std::fs::read(aside).unwrap(), damage);
        }
    }
}

#[test]
fn nonsense_on_the_command_line_is_wrong_use() {
    for (arguments, says) in [
        (["serve", "--listen", "everywhere"], "everywhere"),
        (["serve", "--listen", "127.0.0.1:dns"], "127.0.0.1:dns"),
        (["serve", "--log-format", "xml"], "xml"),
        (["serve", "--interval", "5"], "--interval"),
        (["perform", "--state", "none"], "perform"),
    ] {
        ends(Program::new(&arguments), USAGE, &[says, "--help"]);
    }
    let folder = Folder::new();
    let file = folder.write("example.com.zone", Hosts::new().zone());
    let loud = Server::program(&[&file], "none".as_ref()).argument("--log").argument("understudy=loud");
    ends(loud, USAGE, &["`understudy=loud` is no log filter"]);
    let two = [folder.write("a.toml", "version = 1\n"), folder.write("b.toml", "version = 1\n")];
    ends(Server::program(&[&two[0], &two[1]], "none".as_ref()), USAGE, &["two configs", "a.toml", "b.toml"]);
    ends(Server::program(&[&folder.path("")], "none".as_ref()), USAGE, &["cannot read"]);
}
