//! The keys of `[health]` and `[policy]` that a service or an address may set for itself, and how they lie over others.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::finding::{Finding, Place};
use crate::config::reader::{Reader, Section};
use crate::config::source::Placed;
use crate::config::values;
use crate::health;
use crate::policy::{AllDown, Failback, Failed, Need, Promote, Settings, Standby};
use crate::probe::{Authority, Verify};

/// The keys about how a target is probed; nothing where the next wider section holds.
#[derive(Clone, Debug, Default)]
pub struct TargetKeys {
    /// `interval`
    pub interval: Option<Placed<Duration>>,
    /// `fast-interval`
    pub fast_interval: Option<Placed<Duration>>,
    /// `down-interval`
    pub down_interval: Option<Placed<Duration>>,
    /// `confirm-interval`
    pub confirm_interval: Option<Placed<Duration>>,
    /// `timeout`
    pub timeout: Option<Placed<Duration>>,
    /// `fall`
    pub fall: Option<Placed<u32>>,
    /// `rise`
    pub rise: Option<Placed<u32>>,
    /// `deep-interval`
    pub deep_interval: Option<Placed<Duration>>,
    /// `watch`
    pub watch: Option<Placed<bool>>,
    /// `watch-renew`
    pub watch_renew: Option<Placed<Duration>>,
    /// `credentials-interval`
    pub credentials_interval: Option<Placed<Duration>>,
    /// `verify`
    pub verify: Option<Placed<Verify>>,
    /// `ca-file`
    pub ca_file: Option<Placed<PathBuf>>,
    /// What `ca-file` holds, once it has been read.
    pub authority: Option<Authority>,
}

/// The keys of `[policy]`; nothing where the next wider section holds.
#[derive(Clone, Debug, Default)]
pub struct PolicyKeys {
    /// `ttl`
    pub ttl: Option<Placed<u32>>,
    /// `unsettled-ttl`
    pub unsettled_ttl: Option<Placed<u32>>,
    /// `min-up`
    pub min_up: Option<Placed<Need>>,
    /// `standby`
    pub standby: Option<Placed<Standby>>,
    /// `failed`
    pub failed: Option<Placed<Failed>>,
    /// `promote`
    pub promote: Option<Placed<Promote>>,
    /// `all-down`
    pub all_down: Option<Placed<AllDown>>,
    /// `failback`
    pub failback: Option<Placed<Failback>>,
    /// `hold`
    pub hold: Option<Placed<Duration>>,
}

impl TargetKeys {
    /// Reads them from a section.
    pub fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let cadence = values::duration(SHORTEST, Duration::from_secs(86_400));
        // Sooner than that, servers take it for guessing.
        let rare = values::duration(Duration::from_secs(5), Duration::from_secs(86_400));
        Self {
            interval: reader.take(section, "interval", &cadence),
            fast_interval: reader.take(section, "fast-interval", &cadence),
            down_interval: reader.take(section, "down-interval", &cadence),
            confirm_interval: reader.take(section, "confirm-interval", &cadence),
            timeout: reader.take(section, "timeout", values::duration(SHORTEST, Duration::from_secs(60))),
            fall: reader.take(section, "fall", values::integer(1, 100)),
            rise: reader.take(section, "rise", values::integer(1, 100)),
            deep_interval: reader.take(section, "deep-interval", &cadence),
            watch: reader.take(section, "watch", values::boolean),
            watch_renew: reader.take(
                section,
                "watch-renew",
                values::duration(Duration::from_secs(1), Duration::from_secs(86_400)),
            ),
            credentials_interval: reader.take(section, "credentials-interval", &rare),
            verify: reader.take(section, "verify", values::choice(&VERIFY)),
            ca_file: reader.take(section, "ca-file", values::path),
            authority: None,
        }
    }

    /// Lays these keys over thresholds and cadence.
    pub fn over(&self, base: &health::Settings) -> health::Settings {
        health::Settings {
            interval: over(&self.interval, base.interval),
            fast_interval: over(&self.fast_interval, base.fast_interval),
            down_interval: over(&self.down_interval, base.down_interval),
            confirm_interval: over(&self.confirm_interval, base.confirm_interval),
            timeout: over(&self.timeout, base.timeout),
            fall: over(&self.fall, base.fall),
            rise: over(&self.rise, base.rise),
        }
    }

    /// Finds settings that make little sense together, as they are when laid over `base`.
    pub fn judge(&self, base: &health::Settings) -> Vec<Finding> {
        let whole = self.over(base);
        let mut findings = Vec::new();
        let slow = place_of(&self.timeout).or_else(|| place_of(&self.interval));
        if let Some(place) = slow.filter(|_| whole.timeout > whole.interval) {
            let message = format!("`timeout` ({:?}) is longer than `interval` ({:?})", whole.timeout, whole.interval);
            let finding = Finding::warning("config-timeout-interval", message).at(place);
            findings.push(
                finding.why("a probe never starts before the last one ended").help("make the time-out the shorter one"),
            );
        }
        let rare = place_of(&self.fast_interval).or_else(|| place_of(&self.interval));
        if let Some(place) = rare.filter(|_| whole.fast_interval > whole.interval) {
            let message =
                format!("`fast-interval` ({:?}) is longer than `interval` ({:?})", whole.fast_interval, whole.interval);
            let finding = Finding::warning("config-fast-interval", message).at(place);
            findings.push(finding.help("make the fast interval the shorter one"));
        }
        findings
    }
}

impl PolicyKeys {
    /// Reads them from a section.
    pub fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let hold = values::duration(Duration::ZERO, Duration::from_secs(30 * 86_400));
        Self {
            ttl: reader.take(section, "ttl", values::ttl),
            unsettled_ttl: reader.take(section, "unsettled-ttl", values::ttl),
            min_up: reader.take(section, "min-up", values::need),
            standby: reader.take(section, "standby", values::choice(&STANDBY)),
            failed: reader.take(section, "failed", values::choice(&FAILED)),
            promote: reader.take(section, "promote", values::choice(&PROMOTE)),
            all_down: reader.take(section, "all-down", values::choice(&ALL_DOWN)),
            failback: reader.take(section, "failback", values::failback),
            hold: reader.take(section, "hold", hold),
        }
    }

    /// Lays these keys over settings.
    pub fn over(&self, base: &Settings) -> Settings {
        Settings {
            ttl: over(&self.ttl, base.ttl),
            unsettled_ttl: over(&self.unsettled_ttl, base.unsettled_ttl),
            min_up: over(&self.min_up, base.min_up),
            standby: over(&self.standby, base.standby),
            failed: over(&self.failed, base.failed),
            promote: over(&self.promote, base.promote),
            all_down: over(&self.all_down, base.all_down),
            failback: over(&self.failback, base.failback.clone()),
            hold: over(&self.hold, base.hold),
        }
    }

    /// Finds settings that contradict each other, as they are when laid over `base`.
    ///
    /// Only what these keys bring about is found: the rest has been found at `base`.
    pub fn judge(&self, base: &Settings) -> Vec<Finding> {
        let whole = self.over(base);
        let mut findings = Vec::new();
        let behind = place_of(&self.standby).or_else(|| place_of(&self.failed));
        if let Some(place) = behind.filter(|_| whole.standby == Standby::Hidden && whole.failed == Failed::Demote) {
            let finding = Finding::error(
                "config-hidden-demote",
                "`standby = \"hidden\"` and `failed = \"demote\"` contradict each other",
            );
            findings.push(
                finding
                    .at(place)
                    .why("failed members would be listed behind while living standby members are hidden")
                    .help("take `failed = \"withdraw\"`, or `standby = \"listed\"`"),
            );
        }
        let longer = place_of(&self.unsettled_ttl).or_else(|| place_of(&self.ttl));
        if let Some(place) = longer.filter(|_| whole.unsettled_ttl > whole.ttl) {
            let message = format!("`unsettled-ttl` ({}) is longer than `ttl` ({})", whole.unsettled_ttl, whole.ttl);
            let finding = Finding::warning("config-unsettled-ttl", message).at(place);
            findings.push(finding.why("the shorter one is served").help("make it the shorter one"));
        }
        findings
    }

    /// Returns where the first key that is set stands.
    pub fn first_place(&self) -> Option<Place> {
        place_of(&self.ttl)
            .or_else(|| place_of(&self.unsettled_ttl))
            .or_else(|| place_of(&self.min_up))
            .or_else(|| place_of(&self.standby))
            .or_else(|| place_of(&self.failed))
            .or_else(|| place_of(&self.promote))
            .or_else(|| place_of(&self.all_down))
            .or_else(|| place_of(&self.failback))
            .or_else(|| place_of(&self.hold))
    }
}

fn over<T: Clone>(key: &Option<Placed<T>>, base: T) -> T {
    key.as_ref().map_or(base, |placed| placed.value.clone())
}

fn place_of<T>(key: &Option<Placed<T>>) -> Option<Place> {
    key.as_ref().map(|placed| placed.place.clone())
}

/// The shortest cadence: more than five probes a second at one address would be an attack.
const SHORTEST: Duration = Duration::from_millis(50);
const VERIFY: [(&str, Verify); 3] = [("name", Verify::Name), ("require", Verify::Require), ("off", Verify::Off)];
const STANDBY: [(&str, Standby); 2] = [("listed", Standby::Listed), ("hidden", Standby::Hidden)];
const FAILED: [(&str, Failed); 2] = [("withdraw", Failed::Withdraw), ("demote", Failed::Demote)];
const PROMOTE: [(&str, Promote); 2] = [("as-declared", Promote::AsDeclared), ("renumber", Promote::Renumber)];
const ALL_DOWN: [(&str, AllDown); 3] =
    [("declared", AllDown::Declared), ("last-good", AllDown::LastGood), ("closed", AllDown::Closed)];
