//! The host for consultants' plugins. So far it reads and checks what a plugin says of itself: its
//! manifest, the hooks that it wants, the capabilities that it asks for, and the hashes of its
//! files.
//!
//! A plugin proposes, the host decides and commits. It is never asked about an exit, a fire, or a
//! locker that its holder opens, and nothing about people's health can be asked for at all.

pub mod capability;
mod files;
pub mod manifest;
mod place;
