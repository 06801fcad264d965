//! What stands at the end of each command's help and in its manual page: examples.

/// `serve`
pub(super) const SERVE: &str = "\
Examples:
  understudy serve example.com.zone
      serves a zone on 127.0.0.1:5300 and [::1]:5300
  understudy serve --listen 192.0.2.53 understudy.toml
      serves what a config names, on port 53 of one address
  understudy serve --static --state none - <example.com.zone
      serves standard input as declared, probes nothing and keeps nothing";

/// `check`
pub(super) const CHECK: &str = "\
Examples:
  understudy check example.com.zone
      looks for mistakes in a zone
  understudy check --deny warning --json understudy.toml
      looks at a config and its zones, for a program
  understudy check --live example.com.zone
      probes every target once, too
  understudy check --explain srv-target-cname
      tells what a finding means";

/// `probe`
pub(super) const PROBE: &str = "\
Examples:
  understudy probe sip+tcp://127.0.0.1:5060/example.com
      asks a SIP server for OPTIONS
  understudy probe --timeout 5s xmpp://chat.example.com/example.com
      opens an XMPP stream with STARTTLS
  understudy probe example.com.zone _sip._tcp.example.com
      probes each target of a service";

/// `explain`
pub(super) const EXPLAIN: &str = "\
Examples:
  understudy explain _sip._tcp.example.com example.com.zone
      tells why the service has its answer
  understudy explain sip-node1.example.com A understudy.toml --down 192.0.2.10
      tells what a host would have if an address were down";

/// `simulate`
pub(super) const SIMULATE: &str = "\
Examples:
  understudy simulate example.com.zone --down sip-node1,sip-node2
      tells what would be served if two hosts were down
  understudy simulate understudy.toml --down sip-node1:5060 --json
      the same for one port, for a program
  understudy simulate example.com.zone --down sip-node1 --expect _sip._tcp.example.com=10
      fails if another tier would be active, for checks before a change goes in";

/// `replay`
pub(super) const REPLAY: &str = "\
Examples:
  understudy replay new.toml
      tells what a changed config would have made of what the server has recorded
  understudy replay new.toml --history /backup/history.journal --since 7d --json
      the same for a copy and the last week, for a program
  understudy replay --same
      fails if the config of now would have decided otherwise than was decided

Nothing is tested and no packet is sent. The outcomes of tests are those that were recorded, at their times: what another
interval, time-out or check would have seen is not known.";

/// `import`
pub(super) const IMPORT: &str = "\
Examples:
  understudy import records.json --name-server ns1.example.com >example.com.zone
      makes a zone of what Cloudflare's API or `aws route53 list-resource-record-sets` printed
  understudy import --zone example.com srv.json hosts.zone >example.com.zone
      makes one zone of several files
  understudy import old.zone >example.com.zone && understudy check example.com.zone
      puts names right, in full, and looks for mistakes";

/// `export`
pub(super) const EXPORT: &str = "\
Examples:
  understudy export example.com.zone --to cloudflare
      prints a list of records, each as Cloudflare's API takes it
  understudy export example.com.zone --to route53 >batch.json
      prints a change batch for aws route53 change-resource-record-sets";

/// `ready`
pub(super) const READY: &str = "\
Examples:
  understudy ready
      asks the server of the default config
  understudy ready --server 127.0.0.1:5300 --timeout 2s
      asks a server by its address";

/// `status`
pub(super) const STATUS: &str = "\
Examples:
  understudy status
      shows every service of the server of the default config
  understudy status _sip._tcp.example.com --json
      shows one service, for a program";

/// `watch`
pub(super) const WATCH: &str = "\
Examples:
  understudy watch
      draws the server of the default config
  understudy watch --socket /run/understudy/admin.sock
      draws the server behind a socket";

/// `log`
pub(super) const LOG: &str = "\
Examples:
  understudy log --since 2h
      prints what has happened in the last two hours, over restarts
  understudy log --since 2026-11-30 --until 2026-12-01 _sip._tcp.example.com
      prints what has happened to one service on that day (UTC)
  understudy log --follow --json
      prints an object a line, as it happens";

/// `force`
pub(super) const FORCE: &str = "\
Examples:
  understudy force down sip-node1 --for 2h --reason replaced
      takes a host out of the answers for two hours
  understudy force up 192.0.2.10:5060
      counts one port of an address as up, whatever the tests say";

/// `init`
pub(super) const INIT: &str = "\
Examples:
  understudy init example.com.zone --output understudy.toml
      writes a config that names the zone, and says what tests each of its services";

/// `drill`
pub(super) const DRILL: &str = "\
Examples:
  understudy drill _sip._tcp.example.com
      drains the active tier for a minute; the standby serves
  understudy drill _sip._tcp.example.com --for 10m --report drill.md
      the same for ten minutes, with a report

Exit code 0 says that the standby served all the time and that all is as before, 1 that there was a doubt: then all was
taken back at once. What would be an outage is refused (exit code 4). The drains end by themselves, should nobody take
them back.";

/// `drain`
pub(super) const DRAIN: &str = "\
Examples:
  understudy drain sip-node1 --reason kernel --wait
      takes a host out of the answers, and returns when it may be stopped
  understudy drain sip-node1 --in 30m --for 1h
      does so in half an hour, for an hour; TTLs are short before";

/// `clear`
pub(super) const CLEAR: &str = "\
Examples:
  understudy clear sip-node1
      takes back every order over a host
  understudy clear 7
      takes back the order of this number";

/// `failback`
pub(super) const FAILBACK: &str = "\
Examples:
  understudy failback _sip._tcp.example.com
      lets a service with `failback = \"manual\"` go back to its better tier, or skips the hold";

/// `transfers`
pub(super) const TRANSFERS: &str = "\
Examples:
  understudy transfers
      tells of each zone which serial its primary has, and which one each secondary
  understudy transfers example.com --json
      of one zone, for a program";

/// `refresh`
pub(super) const REFRESH: &str = "\
Examples:
  understudy refresh example.com
      asks the primaries for a newer version, if refresh is not due yet";

/// `retransfer`
pub(super) const RETRANSFER: &str = "\
Examples:
  understudy retransfer example.com
      takes the whole zone, after a primary was set up anew with a lower serial";

/// `reload`
pub(super) const RELOAD: &str = "\
Examples:
  understudy reload
      says what came and went, or what is wrong";

/// `demo`
pub(super) const DEMO: &str = "\
Examples:
  understudy demo
      lets targets die by keys
  understudy demo --script
      does it without a keyboard";

/// `completions`
pub(super) const COMPLETIONS: &str = "\
Examples:
  understudy completions bash >/etc/bash_completion.d/understudy
      for bash, for everybody
  understudy completions fish >~/.config/fish/completions/understudy.fish
      for fish, for one user
They also complete services, hosts, orders and zones that the running server has; write them anew after an upgrade";

/// `man`
pub(super) const MAN: &str = "\
Examples:
  understudy man | man -l -
      shows the page of the program
  understudy man understudy.toml >/usr/local/share/man/man5/understudy.toml.5
      installs the page of the config";
