//! The Modbus TCP link: one poll loop for each board.

mod link;
pub(crate) mod profile;
mod scan;
pub(crate) mod wire;

pub(crate) use link::{BoardLink, BoardSetup};
