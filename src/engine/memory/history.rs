//! The stored form of zone histories: each difference under its own key.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::snapshot::{ContentDigest, Difference, History};
use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset, Rtype, Serial};

/// What a former run left of the histories.
#[derive(Debug, Default)]
pub(in crate::engine) struct Kept {
    /// By origin.
    pub(in crate::engine) histories: BTreeMap<String, History>,
    /// The keys of differences that lead nowhere.
    pub(in crate::engine) stale: Vec<String>,
}

/// One difference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptDifference {
    from: u32,
    /// The digest of the content after it, in hexadecimal.
    digest: String,
    removed: Vec<KeptSet>,
    added: Vec<KeptSet>,
}

/// Records of one owner and type; RDATA in hexadecimal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptSet {
    owner: String,
    #[serde(rename = "type")]
    rtype: u16,
    ttl: u32,
    rdata: Vec<String>,
}

/// Writes a difference.
pub(super) fn write(difference: &Difference) -> Vec<u8> {
    let sets = |sets: &[(Name, Rrset)]| sets.iter().map(KeptSet::of).collect();
    let kept = KeptDifference {
        from: difference.from.0,
        digest: format!("{:032x}", difference.digest.0),
        removed: sets(&difference.diff.removed),
        added: sets(&difference.diff.added),
    };
    super::json::json(&kept)
}

/// Returns the key of the difference that leads to a serial.
pub(in crate::engine) fn key(origin: &str, to: Serial) -> String {
    let to = to.to_string();
    ["history/", origin, "/", &to].concat()
}

/// Reads the name of a difference: its zone's origin and the serial that it leads to.
pub(super) fn read_name(name: &str) -> Option<(String, u32)> {
    let (origin, to) = name.rsplit_once('/')?;
    Some((origin.to_owned(), to.parse().ok()?))
}

/// Joins what was read: differences by origin and by the serial that they lead to.
pub(super) fn join(kept: &BTreeMap<String, BTreeMap<u32, KeptDifference>>) -> Kept {
    let mut joined = Kept::default();
    for (origin, differences) in kept {
        let read: Option<Vec<Difference>> = differences.iter().map(|(to, kept)| kept.restore(Serial(*to))).collect();
        match read.and_then(History::join) {
            Some(history) => drop(joined.histories.insert(origin.clone(), history)),
            None => joined.stale.extend(differences.keys().map(|to| key(origin, Serial(*to)))),
        }
    }
    joined
}

impl KeptDifference {
    fn restore(&self, to: Serial) -> Option<Difference> {
        let sets = |sets: &[KeptSet]| sets.iter().map(KeptSet::restore).collect::<Option<Vec<_>>>();
        let diff = Diff { removed: sets(&self.removed)?, added: sets(&self.added)? };
        let digest = ContentDigest(u128::from_str_radix(&self.digest, 16).ok()?);
        Some(Difference { from: Serial(self.from), to, diff, digest })
    }
}

impl KeptSet {
    fn of((owner, set): &(Name, Rrset)) -> Self {
        let rdata = set.rdatas().map(|rdata| HEXLOWER.encode(rdata)).collect();
        Self { owner: owner.to_string(), rtype: set.rtype().0, ttl: set.ttl(), rdata }
    }

    fn restore(&self) -> Option<(Name, Rrset)> {
        let rdatas: Vec<Vec<u8>> =
            self.rdata.iter().map(|rdata| HEXLOWER.decode(rdata.as_bytes()).ok()).collect::<Option<_>>()?;
        let is_short = rdatas.len() <= usize::from(u16::MAX) && rdatas.iter().all(|rdata| rdata.len() <= 0xffff);
        is_short.then(|| Some((self.owner.parse().ok()?, Rrset::new(Rtype(self.rtype), self.ttl, rdatas))))?
    }
}
