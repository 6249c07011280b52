//! The commands of the command line, one file each.

pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod device;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod params;
pub(crate) mod registry;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod signed;
pub(crate) mod simulate;
pub(crate) mod till;
pub(crate) mod verify;
pub(crate) mod version;
