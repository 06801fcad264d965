//! SIPp as a scripted answerer.

use std::net::Ipv4Addr;

use crate::foreign::{Foreign, text};
use crate::probe;
use crate::server::{Folder, Network};

/// Where it answers.
pub(crate) const PORT: u16 = 20_070;

/// A running SIPp.
pub(crate) struct Sipp {
    pub(crate) address: Ipv4Addr,
    foreign: Foreign,
    _folder: Folder,
}

impl Sipp {
    /// Answers each OPTIONS over UDP, or over TCP, with this status line and these fields; with an empty one not at all.
    pub(crate) fn start(transport: &str, answer: &str) -> Self {
        let (folder, address) = (Folder::new(), Network::new().take());
        let scenario = text(&folder.write("answer.xml", scenario(answer)));
        let mode = if transport == "tcp" { "t1" } else { "u1" };
        let [host, port] = [address.to_string(), PORT.to_string()];
        let arguments = ["-sf", &scenario, "-i", &host, "-p", &port, "-t", mode, "-nostdin", "-skip_rlimit"];
        let foreign = Foreign::start("sip-tester", "sipp", &arguments, &folder);
        let mut sipp = Self { address, foreign, _folder: folder };
        let url = sipp.url(transport);
        // Before it listens, it refuses.
        sipp.foreign.await_ready(|| probe(&[&url, "--timeout", "0.3"]).report["cause"] != "connection refused");
        sipp
    }

    /// Its URL.
    pub(crate) fn url(&self, transport: &str) -> String {
        format!("sip+{transport}://{}:{PORT}/voice.example", self.address)
    }
}

fn scenario(answer: &str) -> String {
    let fields = "[last_Via:]\n[last_From:]\n[last_To:];tag=[call_number]\n[last_Call-ID:]\n[last_CSeq:]";
    let send = format!("<send><![CDATA[\n\nSIP/2.0 {answer}\n{fields}\nContent-Length: 0\n\n]]></send>");
    let send = if answer.is_empty() { "<pause milliseconds=\"100\"/>" } else { &send };
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"answer\">\n<recv request=\"OPTIONS\"/>\n{send}\n\
         </scenario>\n"
    )
}
