//! Tools from PyPI, of pinned versions, where `.ci/run` has put them.

use std::path::{Path, PathBuf};

/// Returns what lies in the folder of the tools; a tool that is not there fails the test.
#[track_caller]
pub(crate) fn tool(path: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let tool = target.join("interop-tools").join(path);
    assert!(tool.exists(), "{} is missing: tests/interop_admin/install-tools makes it", tool.display());
    tool
}
