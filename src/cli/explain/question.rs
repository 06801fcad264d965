//! Parses the arguments of `explain`: a name, a type, files.

use crate::base::finding::Finding;
use crate::base::table::RowId;
use crate::cli::args::Explain;
use crate::cli::{input, offline};
use crate::config::Input;
use crate::engine::setup::Setup;
use crate::snapshot::{Lookup, Snapshot, ZoneId};
use crate::zone::{Name, Rtype};

/// A question.
#[derive(Debug)]
pub(super) struct Question {
    /// The name as it was written.
    word: String,
    /// The name, taken as absolute.
    name: Name,
    /// The only type that is asked for.
    pub(super) rtype: Option<Rtype>,
    /// The files to read.
    pub(super) input: Input,
}

impl Question {
    /// Reads the words, in any order.
    pub(super) fn read(args: &Explain) -> Result<Self, Box<Finding>> {
        let (files, words): (Vec<&String>, Vec<&String>) = args.what.iter().partition(|word| input::is_file(word));
        let (word, rtype) = match words.as_slice() {
            [word] => (word, None),
            [first, second] => match (Rtype::parse(first), Rtype::parse(second)) {
                (_, Some(rtype)) => (first, Some(rtype)),
                (Some(rtype), None) => (second, Some(rtype)),
                (None, None) => {
                    return Err(wrong(format!(
                        "neither {first} nor {second} is a record type, and one name is explained at a time"
                    )));
                }
            },
            [] => return Err(wrong("there are files, but no name".to_owned())),
            _ => return Err(wrong(format!("a name and at most one type are needed, not {} words", words.len()))),
        };
        let name = word.parse().map_err(|error| wrong(format!("{word} is no name: {error}")))?;
        let input = Input {
            files: files.into_iter().map(Into::into).collect(),
            state: input::state_choice(args.state.state.as_ref()),
            ..Input::default()
        };
        Ok(Self { word: (*word).clone(), name, rtype, input })
    }

    /// Finds the name that is meant: as it is written, or before the origin of a zone; what exists is preferred.
    pub(super) fn resolve(&self, snapshot: &Snapshot, setup: &Setup) -> Result<Name, Box<Finding>> {
        let mut candidates = vec![self.name.clone()];
        if !self.word.ends_with('.') {
            let joined = |origin: &Name| Name::parse(self.word.as_bytes(), Some(origin)).ok();
            candidates.extend(setup.zones.iter().filter_map(|(_, zone)| joined(&zone.origin)));
        }
        let look = |name: &Name| snapshot.lookup(name.wire(), self.rtype.unwrap_or(Rtype::A));
        candidates.retain(|name| !matches!(look(name), Lookup::Outside));
        let exists = |name: &&Name| !matches!(look(name), Lookup::Missing(..) | Lookup::Broken);
        let found = candidates.iter().find(exists).or_else(|| candidates.first());
        found.cloned().ok_or_else(|| self.outside(snapshot, setup))
    }

    fn outside(&self, snapshot: &Snapshot, setup: &Setup) -> Box<Finding> {
        let finding = Finding::error("explain-name", format!("{} lies in none of the zones", self.word));
        let help = nearest_owner(snapshot, setup, &self.name).map(|near| format!("did you mean {near}?"));
        let origins = || setup.zones.iter().map(|(_, zone)| zone.origin.to_string()).collect::<Vec<_>>().join(", ");
        Box::new(finding.help(help.unwrap_or_else(|| format!("the zones are {}", origins()))))
    }
}

/// Returns the owner name in the zones that differs least from a name, if one is near.
pub(super) fn nearest_owner(snapshot: &Snapshot, setup: &Setup, name: &Name) -> Option<String> {
    let zones = setup.zones.iter().map(|(id, _)| ZoneId::from_index(id.index()));
    let owners = zones.flat_map(|zone| snapshot.nodes(zone)).filter(|node| node.sets().next().is_some());
    let names: Vec<String> = owners.take(MOST).map(|node| bare(node.owner())).collect();
    offline::nearest_name(&bare(name), names.iter().map(String::as_str)).map(str::to_owned)
}

/// Prints a name in lower case without its final dot.
fn bare(name: &Name) -> String {
    name.to_lower().to_string().trim_end_matches('.').to_owned()
}

fn wrong(message: String) -> Box<Finding> {
    let help = "write it as in: understudy explain _sip._tcp.example.com SRV example.com.zone";
    Box::new(Finding::error("explain-usage", message).help(help))
}

/// The most names that one is compared with.
const MOST: usize = 10_000;
