//! What one run of the loop makes durable: the journal, decisions, the ledger, commands.

use serde::{Deserialize, Serialize};

use crate::{
    command::Command,
    decision::Decision,
    ids::{AccountId, DecisionId, DeviceId, HeldId, MemberId, OperatorId, TransactionId},
    journal::Entry,
    ledger::Purpose,
    money::Money,
    rows::{FoundBy, Held, Person},
    sales::Receipt,
    time::Timestamp,
};

/// A transaction of the ledger: its postings add up to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Its id.
    pub id: TransactionId,
    /// When it was booked.
    pub at: Timestamp,
    /// The charge key: the same thing is never charged twice.
    pub key: String,
    /// What it is about.
    pub purpose: Purpose,
    /// The gate or terminal where it was made.
    pub device: Option<DeviceId>,
    /// Who made it.
    pub operator: Option<OperatorId>,
    /// The decision behind it.
    pub decision: Option<DecisionId>,
    /// The transaction that it takes back.
    pub reverses: Option<TransactionId>,
    /// Why, where somebody said so; nothing about people.
    pub note: String,
    /// The postings.
    pub postings: Vec<Posting>,
}

/// One posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The account.
    pub account: AccountId,
    /// What is added to its balance.
    pub amount: Money,
}

/// What one run of the loop makes durable in one transaction, and what leaves after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The journal's lines, in order.
    pub journal: Vec<Entry>,
    /// The decisions with their facts.
    pub decisions: Vec<Decision>,
    /// The ledger's transactions.
    pub transactions: Vec<Transaction>,
    /// The outbox: commands that leave after the commit.
    pub commands: Vec<Command>,
    /// Receipts of sales.
    pub receipts: Vec<Receipt>,
    /// What is known of people, whole.
    pub people: Vec<(MemberId, Person)>,
    /// What was known of them before, so that nobody is found by it any more.
    pub people_before: Vec<(MemberId, Person)>,
    /// What is known of people whose words come in later batches.
    pub newcomers: Vec<(MemberId, Person)>,
    /// Words of newcomers of this batch and of earlier ones.
    pub words: Vec<FoundBy>,
    /// What became of credentials: lines of a history that only grows.
    pub held: Vec<(HeldId, Held)>,
    /// The texts of rule sets that went live, by hash.
    pub rule_sets: Vec<(String, Vec<(String, String)>)>,
}

impl Batch {
    /// Whether nothing needs to be made durable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.journal.is_empty()
            && self.decisions.is_empty()
            && self.people.is_empty()
            && self.newcomers.is_empty()
            && self.words.is_empty()
            && self.transactions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_to_be_durable_makes_a_batch() {
        assert!(Batch::default().is_empty());
        let noted = crate::state::Noted::Imported { rows: 1, import: None };
        let entry = Entry { at: <_>::default(), device: None, source: None, noted };
        let found = (MemberId(uuid::Uuid::nil()), Person::default());
        for batch in [
            Batch { journal: vec![entry], ..Batch::default() },
            Batch { people: vec![found.clone()], ..Batch::default() },
            Batch { newcomers: vec![found], ..Batch::default() },
        ] {
            assert!(!batch.is_empty());
        }
    }
}
