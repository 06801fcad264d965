//! The program: parses its arguments and runs the command.

use std::process::ExitCode;

/// glibc's keeps most of what a load of large zones takes for a while.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    understudy::cli::run()
}
