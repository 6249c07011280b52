//! Random bytes of the system, for keys and secrets.

use anyhow::Context;
use rustix::rand::{GetRandomFlags, getrandom};

/// So many random bytes.
///
/// # Errors
/// The system gives none.
pub(crate) fn bytes<const COUNT: usize>() -> anyhow::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    let given = getrandom(&mut bytes, GetRandomFlags::empty());
    let given = given.context("the system gives no random bytes")?;
    // Requests of up to 256 bytes are answered whole.
    anyhow::ensure!(given == COUNT, "the system gave {given} of {COUNT} random bytes");
    Ok(bytes)
}
