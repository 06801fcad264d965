//! `notify = "ns"`: the hosts of the NS records are told at port 53, as far as the lists of what may be probed let them be
//! reached. In a network namespace of its own, where the port is free.

use std::process::{Child, Command, Stdio};

use crate::lab::{Folder, pause};
use crate::server::eventually;

/// Writes down who is told, and answers.
const SECONDARIES: &str = r"
import socket, sys, threading
def listen(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    open(address + '.ready', 'w').close()
    while True:
        packet, sender = s.recvfrom(1500)
        if packet[2] >> 3 & 15 == 4:
            with open('told', 'a') as f: f.write(address + ' from ' + sender[0] + '\n')
            s.sendto(packet[:2] + bytes([packet[2] | 128]) + packet[3:], sender)
for address in sys.argv[1:]:
    threading.Thread(target=listen, args=(address,)).start()
";

/// Everything in the namespace; it ends with this value.
struct Namespace(Child);

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_hosts_of_ns_records_are_told_where_they_may_be_reached() {
    let folder = Folder::new();
    folder.write("secondaries.py", SECONDARIES);
    folder.write(
        "example.test.zone",
        "$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 hostmaster 7 3600 60 86400 60\n@ NS ns1\n@ NS ns2\n@ NS ns3\n\
         @ NS ns4\nns1 A 127.0.0.1\nns2 A 127.0.0.2\nns3 A 127.0.0.3\nns4 A 127.0.0.4\n",
    );
    folder.write(
        "understudy.toml",
        "version = 1\n[server]\nlisten = [\"127.0.0.1:5300\"]\n[state]\ndir = \"state\"\n[health]\n\
         probe-allow = [\"127.0.0.0/8\"]\nprobe-deny = [\"127.0.0.3/32\"]\n[[zone]]\nfile = \"example.test.zone\"\n\
         notify = \"ns\"\nsource = \"127.0.0.9\"\n",
    );
    let script = format!(
        "ip link set lo up; python3 secondaries.py 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 & \
         while [ ! -e 127.0.0.4.ready ]; do sleep 0.1; done; exec {} serve understudy.toml 2>understudy.log",
        env!("CARGO_BIN_EXE_understudy")
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", &script]);
    command.current_dir(folder.path()).stdin(Stdio::null());
    let _namespace = Namespace(command.spawn().unwrap_or_else(|error| panic!("unshare of util-linux: {error}")));
    let told = || std::fs::read_to_string(folder.path().join("told")).unwrap_or_default();
    eventually("two are told", || (told().lines().count() >= 2).then_some(()));
    // Whoever else was told would have been told in the same round.
    pause(std::time::Duration::from_millis(500));
    let mut lines: Vec<String> = told().lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    assert_eq!(lines, ["127.0.0.2 from 127.0.0.9", "127.0.0.4 from 127.0.0.9"], "not the SOA's, nor who is denied");
}
