//! What happens at gates: presence, occupancy, reservations, reads, marks, devices, the emergency.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    event::Direction,
    facts::EventKind,
    ids::{
        AccountId, CredentialId, DecisionId, DeviceId, LockerId, MemberId, PassId, Uid, VisitId,
        ZoneId,
    },
    money::Money,
    rows::{PassKey, TariffKey},
    time::{Span, Timestamp},
    undo::Undo,
};

/// An open stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Its id.
    pub id: VisitId,
    /// The credential that it was begun with, as readers see it.
    pub uid: Uid,
    /// The instant of the first entry passage.
    pub started: Timestamp,
    /// The run that it was begun in: no later one has seen all of it.
    #[serde(default)]
    pub epoch: u64,
    /// How far our clock was set since then, which moved `started` along.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub stepped: Span,
    /// The pass that it was taken from, if one was.
    pub pass: Option<PassId>,
    /// When the opening hours that it was begun in end; nothing where they do not (parameter 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_end: Option<Timestamp>,
    /// The read that it was granted by, which rows 7, 8 and 10 are judged at until it ends.
    pub granted: Timestamp,
    /// How many people came in on it.
    #[serde(default)]
    pub entries: u16,
    /// The zones whose surcharge it was charged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surcharged: Vec<ZoneId>,
    /// What its entry cost.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub paid: Money,
    /// What its overstay cost so far.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub overstay: Money,
    /// How often charges of it were reversed, as their gate did not open. The same is charged again
    /// under another key.
    #[serde(default, skip_serializing_if = "is_none_reversed")]
    pub reversed: u32,
    /// What keeps its exit closed, or kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// How long holds that are over kept it.
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub held: Span,
    /// The time to leave after settling, in which nothing is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the serializer asks by reference")]
const fn is_none_reversed(count: &u32) -> bool {
    *count == 0
}

/// An exit that stays closed for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The read that it began with: the stay is counted up to here.
    pub since: Timestamp,
    /// When its time is used up; at that instant it is over. Nothing where it has no bound: a child
    /// waits for a guardian.
    pub until: Option<Timestamp>,
    /// The gate.
    pub gate: DeviceId,
    /// The decision that began it.
    pub decision: DecisionId,
    /// Whether its time was used up; the next read is let out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// Whether it is a child that waits for a guardian: its time ends with a critical alarm alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pickup: bool,
}

/// A request that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What was asked.
    pub kind: EventKind,
    /// When.
    pub since: Timestamp,
    /// The last instant at which whoever it waits for may come.
    pub until: Timestamp,
    /// For whom.
    pub on: WaitsFor,
    /// Whether an operator compared the face with the photo.
    pub photo: bool,
}

/// For whom a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// A child for an adult of its party.
    Adult,
    /// A held child for somebody who may pick it up.
    Guardian,
    /// A face for an operator.
    Photo,
}

/// The key of what waits at a gate, by what was read there.
pub type WaitingKey = HoldKey;

/// The key of a hold that belongs to no visit: an unknown or a lost credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldKey {
    /// What was read.
    pub uid: Uid,
    /// The gate.
    pub gate: DeviceId,
}

/// The time to leave after a hold was settled (parameter 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The stay is counted up to here.
    pub counted: Timestamp,
    /// The last instant of a read that it covers.
    pub until: Timestamp,
}

impl Visit {
    /// A visit that begins.
    #[must_use]
    pub const fn new(id: VisitId, uid: Uid, started: Timestamp, pass: Option<PassId>) -> Self {
        Self {
            id,
            uid,
            started,
            epoch: 0,
            stepped: Span(0),
            pass,
            hours_end: None,
            granted: started,
            entries: 0,
            surcharged: Vec::new(),
            paid: Money::ZERO,
            overstay: Money::ZERO,
            reversed: 0,
            hold: None,
            held: Span(0),
            allowance: None,
        }
    }
    /// The instant up to which a stay is counted that is asked about at `at`: a hold and the time
    /// to leave after it do not count.
    #[must_use]
    pub fn counted(&self, at: Timestamp) -> Timestamp {
        if let Some(hold) = &self.hold {
            return hold.since.min(at);
        }
        let allowance = self.allowance.filter(|allowance| at <= allowance.until);
        allowance.map_or(at, |allowance| allowance.counted.min(at))
    }
    /// How much of `most` its holds have left at `at`; nothing where they are over.
    #[must_use]
    pub fn hold_left(&self, most: Span, at: Timestamp) -> Span {
        match &self.hold {
            Some(hold) if hold.expired => Span(0),
            Some(hold) => Span((most.0 - self.held.0 - at.since(hold.since).0.max(0)).max(0)),
            None => Span((most.0 - self.held.0).max(0)),
        }
    }
}

/// Where the people on one credential are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The zone that they are in; `None` is the street.
    pub zone: Option<ZoneId>,
    /// How many of them are inside the site.
    pub inside: u16,
    /// The open visit.
    pub visit: Option<Visit>,
    /// The last entry passage.
    pub entered: Option<Timestamp>,
    /// The live reservation: one for each credential.
    pub pending: Option<ReservationKey>,
    /// The lockers that they occupy.
    pub lockers: Vec<LockerId>,
    /// The visit that was left last, which goes on if its holder comes back soon.
    pub left: Option<Left>,
}

/// A visit that was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The exit passage.
    pub at: Timestamp,
    /// The visit.
    pub visit: Visit,
}

/// How many people are in a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupancy {
    /// Inside, by passages. Below zero only where people came in past the gates.
    pub inside: i64,
    /// Granted and not yet through.
    pub reserved: i64,
}

/// The key of a reservation: those of one gate and direction stand in the order of their grants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReservationKey {
    /// The gate.
    pub device: DeviceId,
    /// Which way.
    pub direction: Direction,
    /// The place in the order of grants at this gate and direction.
    pub place: u64,
}

/// What a grant promises until the passage is made or the time is out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The decision.
    pub decision: DecisionId,
    /// The credential's uid, which finds its row.
    pub uid: Uid,
    /// The credential.
    pub credential: CredentialId,
    /// The member.
    pub member: MemberId,
    /// When it was granted.
    pub granted: Timestamp,
    /// How long the passage may take once its turn has come.
    pub timeout: Span,
    /// The last instant of a passage that uses it; `None` while it waits for its turn.
    pub expires: Option<Timestamp>,
    /// What became of it.
    pub state: ReservationState,
    /// The visit that the passage starts, if it starts one.
    pub starts_visit: Option<VisitId>,
    /// The pass that a visit is taken from; one that the family shares is somebody else's.
    pub takes_from: Option<PassKey>,
    /// When the opening hours end that the visit would be begun in.
    pub hours_end: Option<Timestamp>,
    /// The provisional charges.
    pub charges: Vec<Charge>,
    /// Whether its effects were booked at the grant already (`anti_passback.confirm_by = grant`).
    pub booked: bool,
    /// Whether a limit of visits counts it until then.
    pub limited: bool,
    /// The member whose guest it is, where guests are limited.
    pub host: Option<MemberId>,
    /// Whether the visit that was left goes on.
    pub comes_back: bool,
    /// What takes back what was booked at the grant already.
    pub undo: Option<Box<Undo>>,
}

impl Reservation {
    /// When it ended or will: at its last instant, or earlier where the device withdrew it.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        match self.state {
            ReservationState::Live => self.expires,
            ReservationState::Lapsed { at } => self.expires.map(|ends| ends.min(at)),
        }
    }
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// The passage may still come. Once it is made, the row is gone: its effects stand in their own
    /// rows.
    Live,
    /// The time ran out, or the device withdrew it; everything provisional was rolled back.
    Lapsed {
        /// When.
        at: Timestamp,
    },
}

impl ReservationState {
    /// The word for it in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Lapsed { .. } => "lapsed",
        }
    }
}

/// A charge that a decision comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The wallet that pays.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// How much of it the wallet pays at once; the rest stays to be paid.
    pub taken: Money,
    /// What for.
    pub what: ChargeFor,
    /// The tariff whose terms it was made by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<TariffKey>,
}

/// What a charge is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeFor {
    /// The entry price of a visit.
    Entry,
    /// A stay longer than what is paid (parameters 12 to 16).
    Overstay,
    /// The first passage of a visit into a zone (parameter 37).
    Surcharge(ZoneId),
    /// A locker occupied for too long, since when (parameters 43 and 44).
    Locker(LockerId, Timestamp),
}

/// The key of the last read: one for each reader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReaderKey {
    /// The gate.
    pub device: DeviceId,
    /// The side of it.
    pub direction: Direction,
}

/// The last read at a reader that was evaluated and not ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRead {
    /// What was read.
    pub uid: Uid,
    /// When.
    pub at: Timestamp,
    /// The next place in the order of grants there.
    pub next_place: u64,
    /// Who was read there before within a minute, on the way out, no more than tell a crowd.
    pub recent: Vec<(Uid, Timestamp)>,
    /// The decision that refused or held it.
    pub refused: Option<DecisionId>,
}

/// The key of a device's mark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MarkKey {
    /// The device.
    pub device: DeviceId,
    /// Its boot count.
    pub boot: u64,
}

/// Which messages of a device and boot were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The highest sequence taken.
    pub high: u64,
    /// The 64 sequences from `high` down, one bit each, bit 0 being `high` itself.
    pub window: u64,
}

/// What a mark says of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is new; this is the mark with it.
    New(Mark),
    /// It was taken before.
    Before,
    /// It is so far below the highest that nobody knows.
    Unknown,
    /// It is so far above the highest that the device must be counting wrongly.
    Leap,
}

/// A device that skips more messages than this within one boot counts wrongly (our choice).
const LEAP: u64 = 1 << 32;

impl Mark {
    /// Takes `seq`.
    #[must_use]
    pub fn take(self, seq: u64) -> Taken {
        if self.window == 0 {
            return Taken::New(Self { high: seq, window: 1 });
        }
        if seq > self.high {
            let step = seq - self.high;
            let window = if step >= 64 { 0 } else { self.window << step };
            let next = Self { high: seq, window: window | 1 };
            return if step > LEAP { Taken::Leap } else { Taken::New(next) };
        }
        let below = u32::try_from(self.high - seq).unwrap_or(u32::MAX);
        match 1_u64.checked_shl(below) {
            None => Taken::Unknown,
            Some(bit) if self.window & bit != 0 => Taken::Before,
            Some(bit) => Taken::New(Self { window: self.window | bit, ..self }),
        }
    }
}

/// A locker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locker {
    /// The bank that it stands in.
    pub bank: DeviceId,
    /// The zone.
    pub zone: ZoneId,
    /// Who occupies it, by the credential.
    pub holder: Option<Uid>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whom it is given to: a tenant, an owner, or whoever a terminal assigned it to.
    pub owner: Option<MemberId>,
    /// The last local day of that, included.
    pub owner_until: Option<Date>,
    /// What its overstay cost so far.
    pub charged: Money,
    /// Whether the desk released it from its time.
    pub released: bool,
    /// Whether its holder left without it.
    pub abandoned: bool,
}

impl Locker {
    /// A free locker.
    #[must_use]
    pub const fn new(bank: DeviceId, zone: ZoneId) -> Self {
        Self {
            bank,
            zone,
            holder: None,
            since: None,
            owner: None,
            owner_until: None,
            charged: Money::ZERO,
            released: false,
            abandoned: false,
        }
    }
}

/// The one row of an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// When it began: visits end and money stops here.
    pub started: Timestamp,
    /// The device whose input raised it.
    pub source: DeviceId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_takes_each_sequence_once_and_nothing_older_than_its_window() {
        let after = |mark: Mark, seq| match mark.take(seq) {
            Taken::New(mark) => mark,
            other => panic!("{seq}: {other:?}"),
        };
        let mark = [5, 6, 9, 7].into_iter().fold(Mark::default(), after);
        for taken in [5, 6, 7, 9] {
            assert_eq!(mark.take(taken), Taken::Before, "{taken}");
        }
        after(mark, 8);
        after(mark, 1);
        let mark = after(mark, 100);
        assert_eq!(mark.take(36), Taken::Unknown, "64 below the highest");
        after(mark, 37);
        after(mark, 100 + LEAP);
        assert_eq!(mark.take(101 + LEAP), Taken::Leap);
        assert_eq!(mark.take(u64::MAX), Taken::Leap);
    }
}
