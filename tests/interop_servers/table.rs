//! `docs/real-servers.md`: what was seen, as a table.

use std::path::Path;
use std::time::Duration;

use crate::servers::Kind;

/// What was seen of one server.
pub(crate) struct Row {
    pub(crate) server: &'static str,
    pub(crate) service: &'static str,
    /// The lines that it logged while it was well, and whether they can be counted.
    pub(crate) lines: (usize, bool),
    pub(crate) hung: (Duration, String),
    pub(crate) resumed: Duration,
    pub(crate) killed: (Duration, String),
    pub(crate) restarted: Duration,
}

/// The page in the making.
pub(crate) struct Table {
    healthy: u64,
    rows: String,
    broken: String,
}

impl Table {
    /// Begins; the servers were well for so many seconds.
    pub(crate) fn new(healthy: u64) -> Self {
        Self { healthy, rows: String::new(), broken: String::new() }
    }

    /// Adds a server.
    pub(crate) fn add(&mut self, row: &Row) {
        let lines = match row.lines {
            (lines, true) => (lines as u64 * 3600 / self.healthy.max(1)).to_string(),
            (_, false) => "–".to_owned(),
        };
        self.rows.push_str(&format!(
            "| {} | `{}` | up, never otherwise | {lines} | down, {} ({}) | up, {} | down, {} ({}) | up, {} |\n",
            row.server,
            row.service,
            seconds(row.hung.0),
            row.hung.1,
            seconds(row.resumed),
            seconds(row.killed.0),
            row.killed.1,
            seconds(row.restarted),
        ));
    }

    /// Adds those that are dead behind what they accept.
    pub(crate) fn add_broken(&mut self, seen: &[(&'static Kind, Duration, String)]) {
        for (kind, took, cause) in seen {
            let cause = cause.replace('|', "\\|");
            self.broken.push_str(&format!(
                "| {} | `{}` | down, {} | {cause} |\n",
                kind.name,
                kind.label,
                seconds(*took)
            ));
        }
    }

    /// Prints the tables, and writes the page if it is asked for.
    pub(crate) fn show(&self) {
        let page = format!(
            "{TOP}\nThe servers were well for {} s. All settings are the defaults.\n\n\
             | server | service | well | lines it logs an hour | hung (SIGSTOP) | resumed | killed | started again |\n\
             |---|---|---|---|---|---|---|---|\n{}{MIDDLE}\n| state | service | verdict | cause |\n|---|---|---|---|\n{}",
            self.healthy, self.rows, self.broken
        );
        eprintln!("{page}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/real-servers.md");
            std::fs::write(path, page).unwrap();
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

const TOP: &str = "\
# Real servers, and how they are judged

Made by `tests/interop_servers`, which starts servers of Debian 12 on loopback, plays each state, and reads the
verdicts and their times in the log of `understudy serve`:

```text
UPDATE_DOCS=1 HEALTHY_SECONDS=3600 cargo test --locked --features interop --test interop_servers
```

SIP, XMPP, STUN, TURN and web servers have tests of their own (`tests/interop_sip`, `interop_xmpp`, `interop_stun`,
`interop_http`).
";

const MIDDLE: &str = "
The time of a hung server is three probes without an answer, each of which waits for `timeout`: 10 s where servers may
resolve our address first (SMTP, FTP, IRC, MySQL), else 2 s.

## Half-broken

Each of these accepts connections, so that a TCP connect passes.
";
