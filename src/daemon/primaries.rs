//! Zones that come from primaries: kept in the state folder, and served by a reload.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc, watch};
use tracing::error;

use crate::base::clock::Clock;
use crate::base::finding::Severity;
use crate::base::tasks::Tasks;
use crate::config::{KeptZone, Running};
use crate::engine::history::Recorder;
use crate::engine::{Notice, TimedNotice, TransferEvent};
use crate::serve;
use crate::transfer::inbound::{self, Arrival, Arrived, Notified, Settings, Sources};
use crate::transfer::{Ledger, Metrics, TransferHandle};
use crate::zone::parse::{self, NoSources, Origin};
use crate::zone::{Name, Zone, write};

/// The way to the task that asks primaries, and what comes of it.
#[derive(Debug)]
pub(super) struct Primaries {
    settings: watch::Sender<Settings>,
    kept: Arc<Mutex<HashMap<Name, KeptZone>>>,
    came: Arc<Notify>,
    handle: TransferHandle,
}

/// What the tasks need of others.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) notified: mpsc::Receiver<Notified>,
    pub(super) metrics: Metrics,
    pub(super) ledger: Ledger,
    pub(super) recorder: Recorder,
    pub(super) clock: Clock,
}

/// Who keeps what comes.
#[derive(Debug)]
struct Keeper {
    kept: Arc<Mutex<HashMap<Name, KeptZone>>>,
    came: Arc<Notify>,
    recorder: Recorder,
    clock: Clock,
}

impl Primaries {
    /// Starts to ask.
    pub(super) fn start(tasks: &Tasks, running: &Running, parts: Parts) -> Self {
        let Parts { notified, metrics, ledger, recorder, clock } = parts;
        let (sender, orders) = mpsc::channel(ORDERS);
        let handle = TransferHandle::new(ledger.clone(), sender);
        let (settings, receiver) = watch::channel(running.primaries.clone());
        let (arrived, arrivals) = mpsc::channel(1);
        let zones = running.setup.zones.iter();
        let known = zones.filter_map(|(_, zone)| {
            let fresh_at = running.kept.get(&zone.origin)?.fresh_at?;
            Some((zone.origin.clone(), (Arc::clone(zone.zone.as_ref()?), fresh_at)))
        });
        let sources = Sources {
            settings: receiver,
            notified,
            orders,
            known: known.collect(),
            arrived,
            random: serve::random,
            metrics,
            ledger,
            clock,
            tasks: tasks.clone(),
        };
        drop(tasks.spawn_vital("primaries", inbound::run(sources)));
        let (kept, came) = (Arc::new(Mutex::new(running.kept.clone())), Arc::new(Notify::new()));
        let keeper = Keeper { kept: Arc::clone(&kept), came: Arc::clone(&came), recorder, clock };
        drop(tasks.spawn_vital("transferred-zones", keeper.run(arrivals)));
        Self { settings, kept, came, handle }
    }

    /// Returns the way to the status of transfers, and for orders about them.
    pub(super) const fn handle(&self) -> &TransferHandle {
        &self.handle
    }

    /// Asks by other settings from now on.
    pub(super) fn renew(&self, running: &Running) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (origin, former) in &*kept {
            match running.kept.get(origin) {
                _ if former.catalog_entry.is_none() => {}
                // RFC 9432 §5.3: what belongs to it goes too. There is nothing if it never came.
                None => drop(fs::remove_file(&former.file)),
                Some(now) if now.catalog_entry != former.catalog_entry => self.handle.retransfer_soon(origin),
                Some(_) => {}
            }
        }
        kept.clone_from(&running.kept);
        drop(kept);
        self.settings.send_replace(running.primaries.clone());
    }

    /// Waits until a zone has come, or has expired.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }
}

impl Keeper {
    /// Keeps what comes, and has it served.
    async fn run(self, mut arrivals: mpsc::Receiver<Arrived>) {
        while let Some(Arrived { origin, state, kept: done }) = arrivals.recv().await {
            let now = self.clock.now().wall;
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&origin).cloned();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs());
            let event = event(&state);
            let is_served_anew = !matches!(state, Arrival::Current | Arrival::Failing(_));
            let written = match kept {
                Some(kept) => tokio::task::spawn_blocking(move || keep(&kept, &state, at))
                    .await
                    .unwrap_or_else(|failure| Err(io::Error::other(failure))),
                // A reload has left the zone out.
                None => Err(io::ErrorKind::NotFound.into()),
            };
            if let Err(error) = &written {
                error!(zone = %origin, %error, "a zone from a primary cannot be kept");
            } else {
                if let Some(event) = event {
                    let notice = Notice::Transfer { zone: origin.to_string(), event };
                    // It names nothing by a number of a setup.
                    self.recorder.record(TimedNotice { at: now, setup: 0, notice }).await;
                }
                if is_served_anew {
                    self.came.notify_one();
                }
            }
            // Whoever asked may be gone.
            let _gone = done.send(written.map_err(|error| format!("it cannot be kept: {error}")));
        }
    }
}

/// Returns what operators read of it.
fn event(state: &Arrival) -> Option<TransferEvent> {
    match state {
        Arrival::New(zone) => Some(TransferEvent::Came(zone.serial().0)),
        Arrival::Current => None,
        Arrival::Expired => Some(TransferEvent::Expired),
        Arrival::Failing(reason) => Some(TransferEvent::Failing(reason.clone())),
        Arrival::Overdue => Some(TransferEvent::Overdue),
        Arrival::Recovered => Some(TransferEvent::Recovered),
    }
}

/// Keeps what a zone is now; of a catalog only what can be used.
fn keep(kept: &KeptZone, state: &Arrival, at: SystemTime) -> io::Result<()> {
    match state {
        Arrival::New(zone) if kept.is_catalog => drop(inbound::members(zone).map_err(io::Error::other)?),
        // What it lists is served on.
        Arrival::Expired if kept.is_catalog => return Ok(()),
        Arrival::New(_)
        | Arrival::Current
        | Arrival::Expired
        | Arrival::Failing(_)
        | Arrival::Overdue
        | Arrival::Recovered => {}
    }
    store(&kept.file, state, at)
}

/// Writes a zone in the place of its last version, or sets its time, or takes it away.
fn store(file: &Path, state: &Arrival, at: SystemTime) -> io::Result<()> {
    match state {
        Arrival::New(zone) => replace(file, zone, at),
        Arrival::Current | Arrival::Recovered => File::options().write(true).open(file)?.set_modified(at),
        Arrival::Expired => fs::rename(file, file.with_extension("expired")),
        Arrival::Failing(_) | Arrival::Overdue => Ok(()),
    }
}

/// Writes a zone whole or not at all.
fn replace(file: &Path, zone: &Zone, at: SystemTime) -> io::Result<()> {
    let mut text = String::new();
    write::write(zone, &mut text).map_err(io::Error::other)?;
    // What cannot be read again must not take the place of what can.
    let origin = zone.origin();
    let read = parse::load(&origin.to_string(), text.as_bytes(), Origin::Named(origin), &mut NoSources);
    if read.zone.is_none() {
        let reason = read.findings.iter().find(|finding| finding.severity == Severity::Error);
        return Err(io::Error::other(reason.map_or_else(String::new, |finding| finding.message.clone())));
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    let mut opened = File::create(&new)?;
    opened.write_all(text.as_bytes())?;
    opened.set_modified(at)?;
    opened.sync_all()?;
    fs::rename(&new, file)
}

/// How many orders wait.
const ORDERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{Rtype, ZoneBuilder};

    #[test]
    fn a_zone_is_kept_whole_and_what_expired_is_set_aside() {
        let folder = std::env::temp_dir().join(format!("understudy-kept-{}", std::process::id()));
        let file = folder.join("transferred/t.zone");
        let soa = b"\x01n\0\x01h\0\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05".as_slice();
        let make = |records: &[(Rtype, &[u8])]| {
            let origin: Name = "t.".parse().unwrap();
            let mut builder = ZoneBuilder::new(origin.clone());
            records.iter().for_each(|(rtype, rdata)| builder.add(&origin, *rtype, 60, rdata).unwrap());
            Arc::new(builder.finish().unwrap())
        };
        let without_servers = make(&[(Rtype::SOA, soa)]);
        let zone = make(&[(Rtype::SOA, soa), (Rtype::NS, b"\x01n\0")]);
        store(&file, &Arrival::New(zone), SystemTime::UNIX_EPOCH).unwrap();
        let kept = "t. 60 IN SOA n. h. 7 2 3 4 5\nt. 60 IN NS n.\n";
        assert_eq!(fs::read_to_string(&file).unwrap(), kept);
        store(&file, &Arrival::New(without_servers), SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), kept, "what cannot be read again is not kept");
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        store(&file, &Arrival::Current, later).unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), later);
        store(&file, &Arrival::Expired, later).unwrap();
        assert!(!file.exists() && file.with_extension("expired").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
