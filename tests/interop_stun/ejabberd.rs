//! ejabberd's STUN, with TURN off: a second implementation.

use std::net::Ipv4Addr;

use crate::foreign::{Foreign, text};
use crate::probe;
use crate::server::{Folder, Network};

/// Where it answers UDP and TCP.
pub(crate) const PORT: u16 = 22_578;

/// A running ejabberd.
pub(crate) struct Ejabberd {
    pub(crate) address: Ipv4Addr,
    _foreign: Foreign,
    _folder: Folder,
}

impl Ejabberd {
    /// Starts its Erlang directly: its own script insists on its own user. Without a node name it opens no port but ours.
    pub(crate) fn start() -> Self {
        let (folder, address) = (Folder::new(), Network::new().take());
        let listen = ["udp", "tcp"].map(|transport| {
            format!(
                "  -\n    port: {PORT}\n    ip: \"{address}\"\n    transport: {transport}\n    module: ejabberd_stun\n    \
                 use_turn: false\n"
            )
        });
        let config = format!("hosts:\n  - relay.example\nlisten:\n{}modules: {{}}\n", listen.concat());
        let config = text(&folder.write("ejabberd.yml", config));
        let home = text(&folder.path(""));
        let environment = [
            format!("EJABBERD_CONFIG_PATH={config}"),
            format!("EJABBERD_LOG_PATH={home}ejabberd.log"),
            "ERL_LIBS=/usr/lib/x86_64-linux-gnu".to_owned(),
            format!("HOME={home}"),
        ];
        let database = format!("\"{home}db\"");
        let program = ["erl", "-noinput", "-mnesia", "dir", &database, "-s", "ejabberd"];
        let words: Vec<&str> = environment.iter().map(String::as_str).chain(program).collect();
        let foreign = Foreign::start("ejabberd", "env", &words, &folder);
        let mut ejabberd = Self { address, _foreign: foreign, _folder: folder };
        let url = format!("stun+tcp://{address}:{PORT}");
        ejabberd._foreign.await_ready(|| probe(&[&url, "--timeout", "0.5"]).outcome() == "pass");
        ejabberd
    }
}
