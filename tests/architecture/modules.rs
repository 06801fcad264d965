//! The modules of the crate, and which file defines what a path names: imports and re-exports are followed to their end.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Module, Reference, Source};

/// How many imports lead from one to the next at most; more is a circle of imports.
const MAX_IMPORTS: u32 = 16;

/// All modules outside of tests.
struct Modules<'a> {
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
    fn new(files: &'a [Source]) -> Self {
        let modules = files.iter().enumerate().filter(|(_, file)| !file.is_test()).flat_map(|(number, file)| {
            file.modules.iter().map(move |module| (module.path.as_slice(), (number, module)))
        });
        Self { by_path: modules.collect() }
    }

    /// Returns the files that the references of a file need, each with the first line that needs it.
    fn needs(&self, number: usize, file: &Source) -> BTreeMap<usize, usize> {
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
            let beneath = [at.as_slice(), std::slice::from_ref(first)].concat();
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

/// Which files of a room need which others of it.
#[derive(Clone)]
pub(crate) struct Needs<'a> {
    files: &'a [Source],
    /// By the numbers of both, the first line that needs it.
    lines: BTreeMap<usize, BTreeMap<usize, usize>>,
}

impl<'a> Needs<'a> {
    pub(crate) fn of(files: &'a [Source]) -> Self {
        let modules = Modules::new(files);
        let numbered = files.iter().enumerate().filter(|(_, file)| file.room().is_some() && !file.is_test());
        let lines = numbered.map(|(number, file)| {
            let mut others = modules.needs(number, file);
            others.retain(|other, _| files[*other].room() == file.room());
            (number, others)
        });
        Self { files, lines: lines.collect() }
    }

    /// Leaves out what the first needs of the second.
    pub(crate) fn without(&self, is_left_out: impl Fn(&str, &str) -> bool) -> Self {
        let mut rest = self.clone();
        for (from, others) in &mut rest.lines {
            others.retain(|to, _| !is_left_out(&self.name(*from), &self.name(*to)));
        }
        rest
    }

    /// Returns the circles: of each set of files that all need each other, over however many steps, the lines that need
    /// a file of it.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<usize, BTreeSet<usize>> =
            self.lines.keys().map(|from| (*from, self.reach(*from))).collect();
        let returns = |from: usize, to: usize| reached.get(&to).is_some_and(|others| others.contains(&from));
        let circle = |from: &usize| reached[from].iter().copied().filter(|to| returns(*from, *to)).collect();
        let found: BTreeSet<BTreeSet<usize>> = self.lines.keys().map(circle).collect();
        found.iter().filter(|circle| !circle.is_empty()).map(|circle| self.told(circle)).collect()
    }

    fn told(&self, circle: &BTreeSet<usize>) -> Vec<String> {
        let lines = circle.iter().flat_map(|from| self.lines[from].iter().map(move |(to, line)| (from, to, line)));
        let within = lines.filter(|(_, to, _)| circle.contains(to));
        within.map(|(from, to, line)| format!("{} needs {}", self.files[*from].place(*line), self.name(*to))).collect()
    }

    fn reach(&self, from: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            let next = self.lines.get(&file).into_iter().flat_map(BTreeMap::keys);
            open.extend(next.filter(|file| found.insert(**file)));
        }
        found
    }

    fn name(&self, number: usize) -> String {
        self.files[number].path.to_string_lossy().into_owned()
    }
}
