//! What commands print, on a pipe that may close: `kari replay … | head`.
//!
//! Where nobody reads any more, what is left to print is dropped, and the command goes on to its
//! own end and its own exit code; a daemon goes on serving, and its lines wait in a spool
//! (`spool.rs`), so that nobody else waits for whoever reads them. Where a command cannot write for
//! another reason (a full disk), that is said once, and the command fails.

use std::{
    fmt::Arguments,
    io::{ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::spool;

/// Whether something could not be printed that was asked for.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints a line of data on stdout.
macro_rules! say {
    () => { $crate::say::out(format_args!("")) };
    ($($text:tt)*) => { $crate::say::out(format_args!($($text)*)) };
}

/// Prints a line of progress, or a message, on stderr.
macro_rules! tell {
    ($($text:tt)*) => { $crate::say::message(format_args!($($text)*)) };
}

/// See [`say!`].
pub(crate) fn out(text: Arguments<'_>) {
    if spool::out(text) {
        return;
    }
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        message(format_args!("kari: cannot write standard output: {error}"));
    }
}

/// Whether something was asked for on stdout that could not be written.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// See [`tell!`].
pub(crate) fn message(text: Arguments<'_>) {
    // A message that cannot be written can be told nowhere else.
    let queued = spool::err(text);
    if !queued {
        drop(writeln!(std::io::stderr().lock(), "{text}"));
    }
}
