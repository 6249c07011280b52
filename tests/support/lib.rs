//! What journeys and suites share: how a test finds its peers, and what it does without them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what tests share fails by panicking"
)]

#[cfg(feature = "whole")]
pub mod daemon;
#[cfg(feature = "whole")]
pub mod flood;
#[cfg(feature = "whole")]
pub mod late;
#[cfg(feature = "whole")]
pub mod peers;
#[cfg(feature = "whole")]
pub mod ports;
#[cfg(feature = "whole")]
pub mod program;
#[cfg(feature = "whole")]
pub mod records;
pub mod scenarios;
pub mod seeds;
#[cfg(feature = "whole")]
pub mod site;
pub mod world;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let tests = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    Path::new(&tests).parent().map(Path::to_owned).unwrap_or_default()
}

/// The Python of the test peers: `KARI_TEST_PYTHON`, which `tests/run.sh` sets, or `python3`.
#[must_use]
pub fn python() -> OsString {
    std::env::var_os("KARI_TEST_PYTHON").unwrap_or_else(|| "python3".into())
}

/// Says on the terminal, past the capture of the test runner, that a test was left out.
///
/// With `KARI_TESTS_ALL=1`, as `tests/run.sh` sets it, a missing peer fails the test instead.
pub fn left_out(test: &str, missing: &str) {
    let all = std::env::var_os("KARI_TESTS_ALL").is_some_and(|all| all == "1");
    assert!(!all, "{test}: {missing}; `bash tests/run.sh` installs what the tests need");
    let line = format!("LEFT OUT: {test}: {missing}; `bash tests/run.sh` runs it\n");
    // Nobody reads a closed terminal.
    drop(io::stderr().write_all(line.as_bytes()));
}
