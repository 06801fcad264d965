//! One source file as `syn` reads it: what it defines, what it imports, which paths it names, and where its tests stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// A path as its segments.
pub(crate) type Segments = Vec<String>;

/// One source file of `src`.
pub(crate) struct Source {
    /// The path within `src`.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// The modules that the file holds: its own, then those it writes out between braces.
    pub(crate) modules: Vec<Module>,
    /// Every path outside of tests, with its line.
    pub(crate) references: Vec<Reference>,
    /// Every call of a method upon a name outside of tests, as `NAME.method`, with its line.
    pub(crate) calls: Vec<(usize, String)>,
    /// The lines of items that are compiled for tests only.
    pub(crate) test_lines: BTreeSet<usize>,
    /// The names of the modules that a `#[cfg(test)] mod NAME;` declares.
    pub(crate) test_modules: Vec<String>,
    /// Whether such a line declares the file, or a parent of it.
    pub(crate) declared_as_test: bool,
}

/// What one module defines and imports, outside of tests.
#[derive(Default)]
pub(crate) struct Module {
    /// Its path from the root of the crate.
    pub(crate) path: Segments,
    /// The names that stand in it; nothing: they are defined here, else the path they are imported from.
    pub(crate) names: BTreeMap<String, Option<Segments>>,
    /// The paths of which everything is imported.
    pub(crate) globs: Vec<Segments>,
    /// The words within calls of macros that define items: any of them may be a name that is defined here.
    pub(crate) generated: BTreeSet<String>,
}

/// A path that a file names.
pub(crate) struct Reference {
    pub(crate) line: usize,
    pub(crate) path: Segments,
    /// The module in which it stands.
    pub(crate) module: Segments,
    /// Whether it is a `pub use`, which passes a name on and needs nothing of it.
    pub(crate) is_export: bool,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("src/{path}: {error}"));
        let own = Module { path: module_path(Path::new(path)), ..Module::default() };
        let source = Self {
            path: path.into(),
            text: text.into(),
            modules: vec![own],
            references: Vec::new(),
            calls: Vec::new(),
            test_lines: BTreeSet::new(),
            test_modules: Vec::new(),
            declared_as_test: false,
        };
        let mut reader = Reader { source, at: 0 };
        reader.visit_file(&file);
        reader.source
    }

    /// The path of the module that the file is.
    pub(crate) fn module(&self) -> &[String] {
        &self.modules[0].path
    }

    /// The room it belongs to; none for lib.rs and main.rs.
    pub(crate) fn room(&self) -> Option<&str> {
        self.module().first().map(String::as_str).filter(|first| *first != "main")
    }

    pub(crate) fn is(&self, path: &str) -> bool {
        self.path == Path::new(path)
    }

    /// Whether it is the module or lies in it: `engine/core` is `engine/core.rs` and all in `engine/core/`.
    pub(crate) fn within(&self, module: &str) -> bool {
        self.is(&format!("{module}.rs")) || self.path.starts_with(module)
    }

    pub(crate) fn is_test(&self) -> bool {
        self.declared_as_test || self.path.ends_with("tests.rs") || self.path.iter().any(|part| part == "tests")
    }

    /// The lines that are no tests.
    pub(crate) fn lines(&self) -> usize {
        (1..=self.text.lines().count()).filter(|line| !self.test_lines.contains(line)).count()
    }

    /// A line of it, for a failure.
    pub(crate) fn place(&self, line: usize) -> String {
        format!("src/{}:{line}", self.path.display())
    }

    /// The lines that name these segments, one after the other, anywhere in a path.
    pub(crate) fn lines_with(&self, word: &str) -> Vec<usize> {
        let segments: Vec<&str> = word.split("::").collect();
        let named = |path: &Segments| path.windows(segments.len()).any(|window| window == segments);
        let paths = self.references.iter().filter(|reference| named(&reference.path)).map(|reference| reference.line);
        let calls = self.calls.iter().filter(|(_, call)| call == word).map(|(line, _)| *line);
        paths.chain(calls).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The path of a file's module: `engine/core/mod.rs` is `engine::core`, lib.rs the root.
fn module_path(file: &Path) -> Segments {
    let mut path: Segments = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod" || last == "lib") {
        path.pop();
    }
    path
}

/// Walks through one file and leaves out what is compiled for tests only.
struct Reader {
    source: Source,
    /// The module at hand, in `source.modules`.
    at: usize,
}

impl Reader {
    fn module(&mut self) -> &mut Module {
        &mut self.source.modules[self.at]
    }

    fn refer(&mut self, span: Span, path: Segments, is_export: bool) {
        let module = self.module().path.clone();
        self.source.references.push(Reference { line: span.start().line, path, module, is_export });
    }

    /// Takes in one `use`, branch by branch.
    fn import(&mut self, tree: &syn::UseTree, before: &[String], is_export: bool) {
        let beneath = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &beneath(&path.ident), is_export),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, is_export)),
            syn::UseTree::Glob(glob) => {
                self.module().globs.push(before.to_vec());
                self.refer(glob.span(), before.to_vec(), is_export);
            }
            syn::UseTree::Name(name) => self.import_as(&name.ident, &name.ident, before, is_export),
            syn::UseTree::Rename(rename) => self.import_as(&rename.ident, &rename.rename, before, is_export),
        }
    }

    fn import_as(&mut self, ident: &syn::Ident, name: &syn::Ident, before: &[String], is_export: bool) {
        let mut path = before.to_vec();
        let mut name = name.to_string();
        if ident == "self" {
            // `use a::{self}` names `a`, unless it says another name.
            name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
        } else {
            path.push(ident.to_string());
        }
        self.module().names.insert(name, Some(path.clone()));
        self.refer(ident.span(), path, is_export);
    }

    /// Finds the paths within the tokens of a macro or an attribute.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let mut path = vec![first.to_string()];
                    while let Some(next) = after_colons(&mut tokens) {
                        path.push(next);
                    }
                    self.refer(first.span(), path, false);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn is_test(&mut self, attributes: &[syn::Attribute], span: Span) -> bool {
        let is_test = attributes.iter().any(is_for_tests);
        if is_test {
            self.source.test_lines.extend(span.start().line..=span.end().line);
        }
        is_test
    }
}

/// The segment behind `::`, if that is next.
fn after_colons(tokens: &mut std::iter::Peekable<proc_macro2::token_stream::IntoIter>) -> Option<String> {
    let mut ahead = tokens.clone();
    for _ in 0..2 {
        let Some(TokenTree::Punct(colon)) = ahead.next() else { return None };
        (colon.as_char() == ':').then_some(())?;
    }
    let Some(TokenTree::Ident(segment)) = ahead.next() else { return None };
    *tokens = ahead;
    Some(segment.to_string())
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let named_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(named_test)
}

/// The attributes of an item, and the name that it defines.
#[expect(clippy::wildcard_enum_match_arm, reason = "the sources have no other items")]
fn attributes_and_name(item: &syn::Item) -> (&[syn::Attribute], Option<&syn::Ident>) {
    match item {
        syn::Item::Const(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        syn::Item::Impl(item) => (&item.attrs, None),
        syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        syn::Item::Mod(item) => (&item.attrs, None),
        syn::Item::Static(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Type(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

impl<'ast> Visit<'ast> for Reader {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other items are only walked through")]
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = attributes_and_name(item);
        if self.is_test(attributes, item.span()) {
            if let syn::Item::Mod(module) = item {
                self.source.test_modules.push(module.ident.to_string());
            }
            return;
        }
        if let Some(name) = name {
            self.module().names.insert(name.to_string(), None);
        }
        match item {
            syn::Item::Use(item) => {
                let is_export = !matches!(item.vis, syn::Visibility::Inherited);
                self.import(&item.tree, &[], is_export);
            }
            syn::Item::Mod(item) if item.content.is_some() => {
                let path = [self.module().path.as_slice(), &[item.ident.to_string()]].concat();
                let outer = self.at;
                self.at = self.source.modules.len();
                self.source.modules.push(Module { path, ..Module::default() });
                visit::visit_item_mod(self, item);
                self.at = outer;
            }
            syn::Item::Macro(item) if item.ident.is_none() => {
                let words = words(item.mac.tokens.clone());
                self.module().generated.extend(words);
                visit::visit_item_macro(self, item);
            }
            item => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !self.is_test(&item.attrs, item.span()) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !self.is_test(&field.attrs, field.span()) {
            visit::visit_field(self, field);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.refer(path.span(), segments, false);
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let syn::Expr::Path(receiver) = &*call.receiver
            && let Some(last) = receiver.path.segments.last()
        {
            self.source.calls.push((call.method.span().start().line, format!("{}.{}", last.ident, call.method)));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.tokens(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }
}

fn words(tokens: TokenStream) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => found.extend(words(group.stream())),
            TokenTree::Ident(ident) => drop(found.insert(ident.to_string())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}
