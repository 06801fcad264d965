//! Resolvers as they are in service, in a network of their own: they know the address of the root alone, follow its
//! referral with its glue, and ask on port 53. unbound asks with minimised names of changing case, BIND with cookies.
//!
//! Packages: `unbound`, `bind9`, `bind9-dnsutils`, `iproute2`, `util-linux`.

use std::process::Command;

use serde_json::Value;

use crate::lab::{Lab, Side};
use crate::server::{Folder, Program, Server, eventually};
use crate::unbound::{asked_of, count, queries};
use crate::{SERVICE, SIP, ZONE, sorted};

/// The root, which delegates to the server of the service.
const ROOT: &str = "\
$TTL 3600
. IN SOA a.root. admin.root. 1 3600 600 86400 60
. IN NS a.root.
a.root. IN A 10.77.1.1
example.com. IN NS ns1.example.com.
ns1.example.com. IN A 10.77.2.1
";

/// What resolvers know at their start.
const HINTS: &str = ". 3600 IN NS a.root.\na.root. 3600 IN A 10.77.1.1\n";

/// The servers of the root and of the service on the far side.
struct World {
    lab: Lab,
    service: Server,
    _root: Server,
    folder: Folder,
}

impl World {
    /// Starts both; `limits` is that section of the config.
    fn new(limits: &str) -> Self {
        let (lab, folder) = (Lab::new(&[1, 2]), Folder::new());
        folder.write("root.zone", ROOT);
        folder.write("example.com.zone", ZONE.replace("ns1 IN A 127.0.0.1", "ns1 IN A 10.77.2.1"));
        folder.write("hints", HINTS);
        let serve = |listen: &str, origin: &str, file: &str| {
            let config = format!(
                "version = 1\n[server]\nlisten = [\"{listen}:53\"]\nquery-log = 1\n[limits]\n{limits}\n[[zone]]\n\
                 name = \"{origin}\"\nfile = \"{file}\"\n"
            );
            let config = folder.write(&format!("{listen}.toml"), config);
            let program = Program::new(&["serve", "--static", "--state", "none"]).argument(config);
            let server = lab.program(Side::Far, program).start();
            server.answering();
            server
        };
        let root = serve("10.77.1.1", ".", "root.zone");
        let service = serve("10.77.2.1", "example.com", "example.com.zone");
        Self { lab, service, _root: root, folder }
    }

    /// Starts a resolver on the near side and waits until it answers.
    fn resolver(&self, command: Command) -> Server {
        let resolver = self.lab.program(Side::Near, Program::of(command)).start();
        eventually("the resolver answers", || {
            self.dig("ns1.example.com A +time=1").contains("status: NOERROR").then_some(())
        });
        resolver
    }

    fn unbound(&self) -> Server {
        let folder = self.folder.path(".").display().to_string();
        let config = format!(
            "server:\n  interface: 127.0.0.1\n  port: 53\n  username: \"\"\n  chroot: \"\"\n  directory: \"{folder}\"\n  \
             pidfile: \"\"\n  use-syslog: no\n  verbosity: 1\n  do-daemonize: no\n  do-ip6: no\n  num-threads: 1\n  \
             module-config: \"iterator\"\n  root-hints: \"hints\"\n  use-caps-for-id: yes\n  \
             qname-minimisation-strict: yes\nremote-control:\n  control-enable: no\n"
        );
        let mut command = Command::new("unbound");
        command.arg("-d").arg("-c").arg(self.folder.write("unbound.conf", config));
        self.resolver(command)
    }

    fn bind(&self) -> Server {
        let folder = self.folder.path(".").display().to_string();
        let config = format!(
            "options {{ directory \"{folder}\"; listen-on port 53 {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; \
             recursion yes; pid-file none; session-keyfile none; dnssec-validation no; qname-minimization strict; }};\n\
             controls {{ }};\nzone \".\" {{ type hint; file \"hints\"; }};\n"
        );
        let mut command = Command::new("named");
        command.args(["-g", "-4", "-c"]).arg(self.folder.write("named.conf", config));
        self.resolver(command)
    }

    /// Asks the resolver.
    fn dig(&self, words: &str) -> String {
        let mut command = Command::new("dig");
        command.args(["@127.0.0.1", "+tries=1"]).args(words.split_whitespace());
        self.lab.program(Side::Near, Program::of(command)).end().1
    }

    /// How often the server of the service was asked for this, in whatever case.
    fn asked(&self, name: &str, rtype: &str) -> Vec<String> {
        asked_of(&self.service, name, rtype)
    }

    /// How often the server of the service has been asked for what [`World::is_resolved`] asks.
    fn counts(&self) -> [usize; 3] {
        let service = format!("{SIP}.");
        [(service.as_str(), "SRV"), ("absent.example.com.", "A"), ("node1.example.com.", "AAAA")].map(
            |(name, rtype)| {
                count(&self.service, name, rtype, |marker| drop(self.lab.dig(&format!("@10.77.2.1 {marker}"))))
            },
        )
    }

    /// The resolver finds the service, and is told of what is not there; it keeps both.
    #[track_caller]
    fn is_resolved(&self) {
        let ask = || {
            assert_eq!(sorted(&self.dig(&format!("+short {SIP} SRV"))), SERVICE);
            assert!(self.dig("absent.example.com A").contains("status: NXDOMAIN"));
            let nothing = self.dig("node1.example.com AAAA");
            assert!(nothing.contains("status: NOERROR") && nothing.contains("ANSWER: 0"), "{nothing}");
        };
        ask();
        let first = self.counts();
        assert!(first.iter().all(|count| *count > 0), "{first:?}");
        ask();
        ask();
        assert_eq!(self.counts(), first, "what was told is kept");
    }
}

#[test]
fn unbound_resolves_from_the_root_down_with_minimised_names_of_changing_case() {
    let world = World::new("");
    let _unbound = world.unbound();
    world.is_resolved();
    let asked = world.asked("absent.example.com.", "A");
    assert_ne!(asked[0], "absent.example.com.", "its case was changed");
}

/// RFC 7873: without a cookie no answer by UDP may be longer than its query here. BIND comes back by TCP, is told a cookie
/// there, and with it gets whole answers by UDP from then on.
#[test]
fn bind_resolves_from_the_root_down_and_its_cookie_lifts_the_limit_of_length() {
    let world = World::new("amplification = false");
    let _bind = world.bind();
    world.is_resolved();
    let queries = queries(&world.service);
    let by_tcp = queries.iter().filter(|query| query["transport"] == "tcp").count();
    assert!(by_tcp >= 1, "it had no cookie first");
    let is_whole = |query: &Value| query["transport"] == "udp" && query["truncated"] == false;
    let service: Vec<&Value> = queries.iter().filter(|query| query["query.rtype"] == "SRV").collect();
    assert!(service.iter().any(|query| is_whole(query)), "{service:?}");
}
