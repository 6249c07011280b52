//! What commands print, on a pipe that may close: `kari replay … | head`.
//!
//! Where nobody reads any more, what is left to print is dropped, and the command goes on to its
//! own end and its own exit code; a daemon goes on serving.

use std::{
    fmt::Arguments,
    io::{ErrorKind, Write},
};

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
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        message(format_args!("kari: cannot print: {error}"));
    }
}

/// See [`tell!`].
pub(crate) fn message(text: Arguments<'_>) {
    // A message that cannot be written can be told nowhere else.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}
