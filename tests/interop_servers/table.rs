//! What was seen, as tables in the documents.

use std::path::Path;
use std::time::Duration;

/// A change of health that was waited for.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// How long it took.
    pub(crate) after: Duration,
    /// Why it is so.
    pub(crate) cause: String,
}

/// What a server logged while it was well.
#[derive(Clone, Debug)]
pub(crate) struct Logged<'a> {
    pub(crate) server: &'a str,
    pub(crate) services: usize,
    /// The lines in an hour.
    pub(crate) lines: u64,
    /// How many of them each filter of fail2ban matches.
    pub(crate) matched: Vec<(&'a str, usize)>,
}

/// Prints what was seen of each service, and puts it in `docs/real-servers.md` if that is asked for.
pub(crate) fn show_states(
    services: &[(&str, &str)],
    [hung, resumed, killed, restarted]: &[Vec<Option<Change>>; 4],
    broken: &[(&str, &str, Change)],
) {
    let mut rows =
        "| server | service | hung | resumed | killed | started again |\n|---|---|---|---|---|---|\n".to_owned();
    for (index, (server, labels)) in services.iter().enumerate() {
        rows.push_str(&format!(
            "| {server} | `{labels}` | {} | {} | {} | {} |\n",
            hung[index].as_ref().map_or_else(|| "up: it is connected to".to_owned(), down),
            up(resumed[index].as_ref()),
            killed[index].as_ref().map_or_else(|| "up".to_owned(), down),
            up(restarted[index].as_ref())
        ));
    }
    put("docs/real-servers.md", "states", &rows);
    if !broken.is_empty() {
        let mut rows = "| server | service | verdict |\n|---|---|---|\n".to_owned();
        for (server, labels, change) in broken {
            rows.push_str(&format!("| {server} | `{labels}` | {} |\n", down(change)));
        }
        put("docs/real-servers.md", "half-broken", &rows);
    }
}

/// Prints what each server logged in an hour, and puts it in `docs/allow-listing.md` if that is asked for.
pub(crate) fn show_hour(well_seconds: u64, servers: &[Logged<'_>], wrong: &[String]) {
    eprintln!("well for {well_seconds} s; not up meanwhile: {wrong:?}");
    let mut rows =
        "| server | services | lines an hour | matched by fail2ban's filters |\n|---|---|---|---|\n".to_owned();
    for Logged { server, services, lines, matched } in servers {
        let matched: Vec<String> = matched.iter().map(|(filter, count)| format!("{filter}: {count}")).collect();
        let matched = if matched.is_empty() { "no filter".to_owned() } else { matched.join(", ") };
        rows.push_str(&format!("| {server} | {services} | {lines} | {matched} |\n"));
    }
    put("docs/allow-listing.md", "hour", &rows);
}

/// Prints a table, and puts it between its marks in a document if `UPDATE_DOCS` is set.
fn put(document: &str, mark: &str, rows: &str) {
    eprintln!("{document}, {mark}:\n{rows}");
    if std::env::var_os("UPDATE_DOCS").is_none() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) =
        (format!("<!-- {mark}: made by tests/interop_servers -->\n\n"), format!("\n<!-- end of {mark} -->"));
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    std::fs::write(&path, format!("{before}{begin}{rows}{end}{after}")).unwrap();
}

fn down(change: &Change) -> String {
    format!("down, {} ({})", seconds(change.after), change.cause.replace('|', "\\|"))
}

fn up(change: Option<&Change>) -> String {
    change.map_or_else(|| "up".to_owned(), |change| format!("up, {}", seconds(change.after)))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
