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
use crate::base::tasks::Tasks;
use crate::config::{KeptZone, Running};
use crate::serve;
use crate::transfer::Metrics;
use crate::transfer::inbound::{self, Arrival, Arrived, Notified, Settings, Sources};
use crate::zone::{Name, Zone, write};

/// The way to the task that asks primaries, and what comes of it.
#[derive(Debug)]
pub(super) struct Primaries {
    settings: watch::Sender<Settings>,
    kept: Arc<Mutex<HashMap<Name, KeptZone>>>,
    came: Arc<Notify>,
}

impl Primaries {
    /// Starts to ask; what primaries tell comes by `notified`.
    pub(super) fn start(
        tasks: &Tasks,
        running: &Running,
        notified: mpsc::Receiver<Notified>,
        metrics: Metrics,
        clock: Clock,
    ) -> Self {
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
            known: known.collect(),
            arrived,
            random: serve::random,
            metrics,
            clock,
            tasks: tasks.clone(),
        };
        drop(tasks.spawn_vital("primaries", inbound::run(sources)));
        let (kept, came) = (Arc::new(Mutex::new(running.kept.clone())), Arc::new(Notify::new()));
        drop(tasks.spawn_vital("transferred-zones", keep(arrivals, Arc::clone(&kept), Arc::clone(&came), clock)));
        Self { settings, kept, came }
    }

    /// Asks by other settings from now on.
    pub(super) fn renew(&self, running: &Running) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&running.kept);
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

/// Keeps what comes.
async fn keep(
    mut arrivals: mpsc::Receiver<Arrived>,
    kept: Arc<Mutex<HashMap<Name, KeptZone>>>,
    came: Arc<Notify>,
    clock: Clock,
) {
    while let Some(Arrived { origin, state, kept: done }) = arrivals.recv().await {
        let file = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&origin).map(|kept| kept.file.clone());
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(clock.now().wall.as_secs());
        let is_new = !matches!(state, Arrival::Current);
        let written = match file {
            Some(file) => tokio::task::spawn_blocking(move || store(&file, &state, at))
                .await
                .unwrap_or_else(|failure| Err(io::Error::other(failure))),
            // A reload has left the zone out.
            None => Err(io::ErrorKind::NotFound.into()),
        };
        if let Err(error) = &written {
            error!(zone = %origin, %error, "a zone from a primary cannot be kept");
        }
        if is_new && written.is_ok() {
            came.notify_one();
        }
        // Whoever asked may be gone.
        let _gone = done.send(written.is_ok());
    }
}

/// Writes a zone in the place of its last version, or sets its time, or takes it away.
fn store(file: &Path, state: &Arrival, at: SystemTime) -> io::Result<()> {
    match state {
        Arrival::New(zone) => replace(file, zone, at),
        Arrival::Current => File::options().write(true).open(file)?.set_modified(at),
        Arrival::Expired => fs::rename(file, file.with_extension("expired")),
    }
}

/// Writes a zone whole or not at all.
fn replace(file: &Path, zone: &Zone, at: SystemTime) -> io::Result<()> {
    let mut text = String::new();
    write::write(zone, &mut text).map_err(io::Error::other)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{Rtype, ZoneBuilder};

    #[test]
    fn a_zone_is_kept_whole_and_what_expired_is_set_aside() {
        let folder = std::env::temp_dir().join(format!("understudy-kept-{}", std::process::id()));
        let file = folder.join("transferred/t.zone");
        let mut builder = ZoneBuilder::new("t.".parse().unwrap());
        let soa = b"\x01n\0\x01h\0\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
        builder.add(&"t.".parse().unwrap(), Rtype::SOA, 60, soa).unwrap();
        let zone = Arc::new(builder.finish().unwrap());
        store(&file, &Arrival::New(zone), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "t. 60 IN SOA n. h. 7 2 3 4 5\n");
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        store(&file, &Arrival::Current, later).unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), later);
        store(&file, &Arrival::Expired, later).unwrap();
        assert!(!file.exists() && file.with_extension("expired").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
