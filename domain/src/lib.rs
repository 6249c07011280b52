//! The pure heart of Kari: events, facts, verdicts, effects, money, windows, parameters, and
//! `step(state, input, now, policy)`, which turns an input into a batch.
//!
//! Nothing here does I/O, waits, asks a clock or knows the language of the rules. Everything that a decision
//! depends on comes in as an argument, so that a record can be asked again and a simulation repeats itself.

pub mod combine;
pub mod command;
pub mod decision;
pub mod event;
mod expiry;
pub mod facts;
pub mod ids;
pub mod layered;
pub mod money;
pub mod params;
pub mod reasons;
pub mod rows;
pub mod scope;
pub mod site;
pub mod state;
pub mod time;
pub mod verdict;
pub mod windows;
