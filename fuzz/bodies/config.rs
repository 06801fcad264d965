//! Reads octets as a config: what is wrong has a place in it, and nothing takes long.

use std::path::PathBuf;

use understudy::base::finding::Severity;
use understudy::config::{Input, load};

pub(crate) fn run(octets: &[u8]) {
    let file: PathBuf = std::env::temp_dir().join(format!("understudy-fuzz-{}.toml", std::process::id()));
    std::fs::write(&file, octets).expect("the temporary folder takes a file");
    let input = Input { files: vec![file], fixed: true, ..Input::default() };
    if let Err(findings) = load(&input, &|_: &str| None) {
        assert!(findings.iter().any(|finding| finding.severity == Severity::Error), "refused without a reason");
        for finding in findings {
            let text = finding.to_string();
            assert!(!text.contains('\u{1b}') && text.len() < 100_000, "{text}");
        }
    }
}
