//! Rule sets from the outside: the shipped ones, wrong ones and hostile ones.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod common;
mod comparisons;
mod corpus;
mod drawn;
mod hostile;
mod loading;
mod reference;
mod shipped;
