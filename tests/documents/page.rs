//! A page of the documentation, taken apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A page, as it lies in the repository.
pub(crate) struct Page {
    /// Its path from the root.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// A fenced block.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    /// Where it begins.
    pub(crate) line: usize,
}

impl Page {
    /// All pages.
    pub(crate) fn all() -> Vec<Self> {
        let paths = [
            "README.md",
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "docs/allow-listing.md",
            "docs/behaviour.md",
            "docs/benchmarks.md",
            "docs/conformance.md",
            "docs/interop.md",
            "docs/listeners.md",
            "docs/how-to-delegated.md",
            "docs/how-to-encrypted.md",
            "docs/how-to-hidden-primary.md",
            "docs/how-to-lab.md",
            "docs/how-to-migrate.md",
            "docs/how-to-pair.md",
            "docs/how-to-secondary.md",
            "docs/how-to-sip.md",
            "docs/how-to-stun-turn.md",
            "docs/how-to-xmpp.md",
            "docs/lab-report.md",
            "docs/lint.md",
            "docs/metrics.md",
            "docs/operations.md",
            "docs/hooks.md",
            "docs/real-clients.md",
            "docs/real-servers.md",
            "docs/SUMMARY.md",
            "docs/troubleshooting.md",
        ];
        paths.into_iter().map(Self::read).collect()
    }

    pub(crate) fn read(path: &'static str) -> Self {
        Self { path, text: read(path) }
    }

    /// The fenced blocks.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for (number, line) in self.text.lines().enumerate() {
            if let Some(language) = line.strip_prefix("```") {
                open = !open;
                if open {
                    blocks.push(Block { language: language.to_owned(), text: String::new(), line: number + 1 });
                }
            } else if open {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
        assert!(!open, "{}: a block is not closed", self.path);
        blocks
    }

    /// The text without its fenced blocks.
    pub(crate) fn prose(&self) -> String {
        let mut open = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            if line.starts_with("```") {
                open = !open;
            } else if !open {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        prose
    }

    /// What stands in code within the prose.
    pub(crate) fn code(&self) -> Vec<String> {
        let prose = self.prose().replace('\n', " ");
        prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The links of the prose, from `](` to `)`.
    pub(crate) fn links(&self) -> Vec<String> {
        let prose = self.prose();
        let links = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned());
        links.collect()
    }

    /// The anchors of its headings, as they are made on the web.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#'));
        let anchor = |line: &str| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>()
        };
        headings.map(anchor).collect()
    }

    /// The lines of blocks for the shell.
    pub(crate) fn commands(&self) -> Vec<String> {
        let blocks = self.blocks().into_iter().filter(|block| block.language == "sh");
        blocks.flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
