//! The policy: rule files in Rhai, checked as a whole and then asked once for every event.
//!
//! A rule file holds *settings* (`set(...)`, read once when the set is loaded) and *checks*
//! (everything else, run for each event). Loading is all of a reload but the swap: [`load::load`]
//! either gives a whole rule set or says, with file, line, column and help, why there is none. This
//! crate knows no database, no network and no time of day.

pub mod bundle;
mod cases;
mod check;
mod comparisons;
mod compile;
pub mod definitions;
mod engine;
mod host;
mod layout;
mod letters;
pub mod load;
pub mod problem;
pub mod set;
mod settings;
pub mod shipped;
mod surroundings;
mod switches;
mod variables;
pub mod vocabulary;
