//! What was booked at a grant is taken back where its gate did not open: whoever stood there gets
//! visit, money and presence back, as they do where nothing counts before the passage (section 15
//! of `decisions.md` of the specification, "Commands have results").

use serde::{Deserialize, Serialize};

use crate::{
    batch::Transaction,
    corrections::Turned,
    event::Direction,
    ids::VisitId,
    ledger::{Booking, Purpose},
    money::Money,
    rows::{Credential, Pass, Presence, Reservation, ReservationKey, Visit},
    step::Step,
    time::Timestamp,
};

/// What a grant changed that was booked at once (`anti_passback.confirm_by = grant`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    before: Changed,
    after: Changed,
    /// What was booked.
    transactions: Vec<Transaction>,
}

/// The rows that such a grant may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Changed {
    presence: Presence,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pass: Option<Pass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<Credential>,
}

impl Step<'_> {
    /// Books a grant at once, and keeps what takes it back.
    pub(crate) fn book_at_grant(&mut self, key: &ReservationKey, row: &Reservation) -> Undo {
        let before = self.changed_by(row);
        let first = self.batch.transactions.len();
        self.book(key, row, row.granted);
        let transactions = self.batch.transactions[first..].to_vec();
        Undo { before, after: self.changed_by(row), transactions }
    }

    fn changed_by(&mut self, row: &Reservation) -> Changed {
        let mut presence = self.presence_of(row.credential);
        presence.pending = None;
        let tables = &mut self.state.tables;
        let pass = row.takes_from.and_then(|key| tables.passes.read(&key).cloned());
        Changed { presence, pass, credential: tables.credentials.read(&row.uid).cloned() }
    }

    /// The gate did not open: what was booked at its grant is taken back. Where the holder was seen
    /// elsewhere since, the visit was used, and stays.
    pub(crate) fn undo(&mut self, key: &ReservationKey, row: &mut Reservation, at: Timestamp) {
        let now = self.changed_by(row);
        let Some(undo) = row.undo.take().filter(|undo| undo.after.presence == now.presence) else {
            return;
        };
        let crossed = self.zones_crossed(&key.device);
        let step = if key.direction == Direction::Entry { -1 } else { 1 };
        self.count(&crossed, |zone| zone.inside += step);
        let Undo { before, after, transactions } = *undo;
        self.restore_pass(row, (before.pass.as_ref(), after.pass.as_ref()), now.pass.as_ref());
        let begun = after.presence.visit.is_some() && row.starts_visit.is_some();
        if begun && before.presence.visit.is_none() {
            self.forget_begin(row);
        }
        if now.credential == after.credential
            && let Some(held) = before.credential
            && now.credential.as_ref() != Some(&held)
        {
            self.state.tables.credentials.put(row.uid.clone(), held);
        }
        let spent: Money = transactions.iter().map(|booked| self.reverse(booked, key, at)).sum();
        if !spent.is_zero() {
            self.spending((row.member, row.granted), |day| {
                day.spent = Money::ZERO.max(day.spent - spent);
            });
        }
        let charged = transactions.iter().any(|booked| booked.purpose.is_charge());
        let pending = self.presence_of(row.credential).pending;
        let restored = restored(before.presence, after.presence, charged);
        self.state.tables.presence.put(row.credential, Presence { pending, ..restored });
        // If it opened all the same, the passage is booked as a visit of its own.
        row.booked = false;
        row.starts_visit = row.starts_visit.map(|_| VisitId(self.state.ids.make(self.now)));
    }

    /// Gives the visit back to its pass, and what it has earned with it.
    fn restore_pass(
        &mut self,
        row: &Reservation,
        (before, after): (Option<&Pass>, Option<&Pass>),
        now: Option<&Pass>,
    ) {
        let (Some(key), Some(before), Some(after)) = (row.takes_from, before, after) else {
            return;
        };
        if before == after {
            return;
        }
        if now != Some(after) {
            self.visits(row, |sold| sold.visits_left = sold.visits_left.map(|n| n + 1));
            return;
        }
        if before.earnings() != after.earnings() {
            self.unplan_earnings(after, jiff::civil::Date::MIN);
            self.plan_earnings(before);
        }
        self.state.tables.passes.put(key, before.clone());
    }

    /// Limits of visits do not count it.
    fn forget_begin(&mut self, row: &Reservation) {
        self.tally(row.member, |visits| visits.take_back(row.granted));
        if let Some(host) = row.host {
            self.tally_guests(host, |guests| guests.take_back(row.granted));
        }
    }

    /// Reverses a transaction; what it took that counts for the day. What was left unpaid, and was
    /// paid since, goes into the wallet.
    fn reverse(&mut self, booked: &Transaction, key: &ReservationKey, at: Timestamp) -> Money {
        let Turned { mut postings, wallet, back, owed } = self.turn_round(booked);
        postings.extend(wallet.map(|wallet| (wallet, back - owed)));
        let booking = Booking {
            reverses: Some(booked.id),
            decision: booked.decision,
            ..Booking::new(Purpose::Reversal, format!("undo:{}", booked.id), at)
        };
        self.post(booking.at_device(&key.device), &crate::sales::merged(postings));
        let counts = matches!(booked.purpose, Purpose::Entry | Purpose::Surcharge);
        if counts { back } else { Money::ZERO }
    }
}

/// The presence before, with what is not taken back: a hold that ended as its holder turned back.
/// Where a charge of a visit was reversed, its next one has another key.
fn restored(before: Presence, after: Presence, charged: bool) -> Presence {
    let mut restored = before;
    if let (Some(visit), Some(now)) = (restored.visit.as_mut(), after.visit) {
        let Visit { entries, paid, overstay, .. } = *visit;
        let surcharged = std::mem::take(&mut visit.surcharged);
        *visit = Visit { entries, surcharged, paid, overstay, ..now };
    }
    let left = restored.left.iter_mut().map(|left| &mut left.visit);
    for visit in restored.visit.iter_mut().chain(left) {
        visit.reversed = visit.reversed.saturating_add(u32::from(charged));
    }
    restored
}
