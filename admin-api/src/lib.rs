//! How people speak to Kari: words, health, metrics, and a read-only live feed of decisions.
//!
//! This crate reads the store and the handles in [`server::Shared`]. It never touches a device or
//! the rule engine, and nothing that it serves changes anything. Words are made when they are read,
//! in the asked language, from the files in `locales`, for the pages and for the command line
//! alike.

pub mod feed;
mod guard;
pub mod health;
mod problem;
pub mod records;
mod routes;
pub mod server;
mod view;
pub mod wording;
