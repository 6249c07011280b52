//! What can be asked about sold passes.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::registry::{Looked, Member, Ordered};

/// What can be done about passes.
#[derive(Debug, Subcommand)]
pub(crate) enum PassCommand {
    /// List the passes of a member.
    List(Looked<Member>),
    /// Let one rest from today on: it ends later by as many days, as its tariff allows.
    #[command(after_help = "Example:
  kari pass freeze my-pool 17 --operator levan --terminal desk-1
  kari pass freeze my-pool 17 --from 2026-12-24 --operator levan --terminal desk-1

A member who has several names one by the id that `kari pass list` shows.")]
    Freeze(Ordered<Rests>),
    /// Let it go on before its days of rest are used.
    Unfreeze(Ordered<OnePass>),
    /// Give a visit back to it that was wrongly taken.
    #[command(after_help = "Example:
  kari pass give-back my-pool 17 --reason 'the gate did not turn' \\
      --operator levan --terminal desk-1

What the visit had earned is prepaid again. It needs the right `balance_adjust`, and a second person
where `operator.two_person_actions` names that.")]
    GiveBack(Ordered<OnePass>),
    /// Hand one to another member, where its tariff allows it.
    #[command(after_help = "Example:
  kari pass transfer my-pool 17 --to 18 --operator levan --terminal desk-1")]
    Transfer(Ordered<HandedOn>),
    /// End one now; what is not used goes into the wallet with its tax.
    #[command(after_help = "Examples:
  kari pass cancel my-pool 17 --reason 'moved away' --operator levan --terminal desk-1
  kari pass cancel my-pool 17 --refund 20.00 --reason … --operator …    no more than that

`kari till … refund` pays out what is in the wallet.")]
    Cancel(Ordered<Cancelled>),
}

/// A pass.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct OnePass {
    /// The member's number.
    pub(crate) member: u32,
    /// Which, where there are several: its id, or the beginning of it.
    #[arg(long, value_name = "ID")]
    pub(crate) pass: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

/// A pass that rests.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Rests {
    /// The pass.
    #[command(flatten)]
    pub(crate) pass: OnePass,
    /// The first day of its rest; today where it is not said.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<jiff::civil::Date>,
}

/// A pass that somebody else gets.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct HandedOn {
    /// The pass.
    #[command(flatten)]
    pub(crate) pass: OnePass,
    /// The number of the member who gets it.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) to: u32,
}

/// A pass that ends.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Cancelled {
    /// The pass.
    #[command(flatten)]
    pub(crate) pass: OnePass,
    /// What goes back into the wallet, tax included; all that is not used where it is not said.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) refund: Option<String>,
}
