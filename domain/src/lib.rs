//! The pure heart of Kari: events, facts, verdicts, effects, money, windows, parameters, and
//! `step(state, input, now, policy)`, which turns an input into a batch.
//!
//! Nothing here does I/O, waits, asks a clock or knows the language of the rules. Everything that a
//! decision depends on comes in as an argument, so that a record can be asked again and a
//! simulation repeats itself.

pub mod basket;
pub mod batch;
mod bill;
pub mod clock;
pub mod combine;
pub mod command;
pub mod corrections;
pub mod decision;
pub mod deposits;
mod drawers;
pub mod duration;
mod earnings;
mod emergency;
pub mod event;
mod expiry;
pub mod facts;
pub mod gather;
mod health;
mod hold;
pub mod ids;
pub mod import;
mod in_force;
pub mod journal;
pub mod judge;
pub mod latin;
pub mod layered;
pub mod ledger;
pub mod limit;
pub mod lockers;
mod look;
pub mod money;
mod operators;
pub mod order;
mod overrides;
pub mod params;
mod passage;
pub mod reasons;
pub mod registry;
pub mod remedy;
pub mod renewal;
mod request;
mod reservation;
pub mod retention;
pub mod rows;
pub mod sales;
pub mod scope;
pub mod seen;
pub mod site;
pub mod state;
pub mod step;
mod strangers;
mod takebacks;
pub mod till;
pub mod time;
pub mod uid;
pub mod undo;
pub mod verdict;
mod waiting;
pub mod windows;
