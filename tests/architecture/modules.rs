//! The modules of the crate, and which file defines what a path names: imports and re-exports are followed to their end.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Module, Reference, Source};

/// How many imports lead from one to the next at most; more is a circle of imports.
const MAX_IMPORTS: u32 = 16;

/// All modules outside of tests.
pub(crate) struct Modules<'a> {
    /// Each module by its path, with the number of the file that holds it.
    by_path: BTreeMap<&'a [String], (usize, &'a Module)>,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// Something that a file defines, by the file's number.
    Item(usize),
    /// A module as a whole.
    Module,
}

impl<'a> Modules<'a> {
    pub(crate) fn new(files: &'a [Source]) -> Self {
        let modules = files.iter().enumerate().filter(|(_, file)| !file.is_test()).flat_map(|(number, file)| {
            file.modules.iter().map(move |module| (module.path.as_slice(), (number, module)))
        });
        Self { by_path: modules.collect() }
    }

    /// Returns the files that the references of a file need, each with the first line that needs it.
    pub(crate) fn needs(&self, number: usize, file: &Source) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::new();
        for reference in file.references.iter().filter(|reference| !reference.is_export) {
            if let Some(other) = self.definer(reference).filter(|other| *other != number) {
                found.entry(other).or_insert(reference.line);
            }
        }
        found
    }

    /// Returns the number of the file that defines what a path names; nothing for modules and for other crates.
    fn definer(&self, reference: &Reference) -> Option<usize> {
        match self.resolve(&reference.module, &reference.path, 0)? {
            Named::Item(file) => Some(file),
            Named::Module => None,
        }
    }

    fn resolve(&self, module: &[String], path: &[String], imports: u32) -> Option<Named> {
        let mut at = module.to_vec();
        let mut rest = path;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" | "$crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()?),
                _ => break,
            }
            rest = behind;
        }
        while let Some((first, behind)) = rest.split_first() {
            let beneath = [at.as_slice(), &[first.clone()]].concat();
            let is_module = self.by_path.contains_key(beneath.as_slice());
            match self.lookup(&at, first, behind, imports) {
                // A function may have the name of its module: behind it stands nothing.
                Some(found) if behind.is_empty() || !is_module => return Some(found),
                _ if is_module => at = beneath,
                _ => return None,
            }
            rest = behind;
        }
        Some(Named::Module)
    }

    /// Finds a name in a module, and follows the import that brought it there with what stands behind it.
    fn lookup(&self, module: &[String], name: &str, behind: &[String], imports: u32) -> Option<Named> {
        let (file, known) = *self.by_path.get(module)?;
        let follow = |path: &[String]| {
            (imports < MAX_IMPORTS).then(|| self.resolve(module, &[path, behind].concat(), imports + 1)).flatten()
        };
        match known.names.get(name) {
            Some(None) => Some(Named::Item(file)),
            // A name of another crate leads nowhere; one of ours that is imported under its own name must not lead
            // back here.
            Some(Some(path)) if path.as_slice() != [name] => follow(path),
            Some(Some(_)) => None,
            None if known.generated.contains(name) => Some(Named::Item(file)),
            None => known.globs.iter().find_map(|glob| follow(&[glob.as_slice(), &[name.to_owned()]].concat())),
        }
    }
}

/// Returns the circles among files: sets of more than one file that all need each other, over however many steps.
pub(crate) fn circles(needs: &BTreeMap<usize, BTreeMap<usize, usize>>) -> BTreeSet<BTreeSet<usize>> {
    let reached: BTreeMap<usize, BTreeSet<usize>> = needs.keys().map(|from| (*from, reach(needs, *from))).collect();
    let returns = |from: usize, to: usize| reached.get(&to).is_some_and(|others| others.contains(&from));
    let circle = |from: &usize| reached[from].iter().copied().filter(|to| returns(*from, *to)).collect();
    needs.keys().map(circle).filter(|files: &BTreeSet<usize>| files.len() > 1).collect()
}

fn reach(needs: &BTreeMap<usize, BTreeMap<usize, usize>>, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        let next = needs.get(&file).into_iter().flat_map(BTreeMap::keys);
        open.extend(next.filter(|file| found.insert(**file)));
    }
    found
}
