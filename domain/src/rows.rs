//! The rows that decisions depend on. All of them are durable and versioned; names and phones are
//! not among them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    event::{Direction, GateMode},
    ids::{
        AccountId, CredentialId, DecisionId, DeviceId, GroupId, MemberId, PassId, TariffId, Uid,
        VisitId, ZoneId,
    },
    money::Money,
    time::Timestamp,
};

/// A person, as far as decisions need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The number that the desk uses.
    pub number: u32,
    /// The birth date, if it is known.
    pub birth: Option<Date>,
    /// House ban or manual block.
    pub blocked: bool,
    /// The language for texts to this person: `ka`, `hy`, `ru` or `en`.
    pub language: Language,
    /// The groups.
    pub groups: Box<[GroupId]>,
    /// The wallet.
    pub account: AccountId,
    /// The last day of the medical certificate, if there is one.
    pub certificate_until: Option<Date>,
}

/// A language of the product.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Georgian.
    #[default]
    Ka,
    /// Armenian.
    Hy,
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Language {
    /// The language of this tag.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        Some(match tag {
            "ka" => Self::Ka,
            "hy" => Self::Hy,
            "ru" => Self::Ru,
            "en" => Self::En,
            _ => return None,
        })
    }
    /// Its tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ka => "ka",
            Self::Hy => "hy",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

/// What an import tells of a person beside the row that decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name in its own script.
    pub name: String,
    /// The name in Latin letters.
    pub name_latin: String,
    /// The phone in E.164, or empty.
    pub phone: String,
}

/// The state of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// In use.
    Active,
    /// Reported lost.
    Lost,
    /// Reported stolen.
    Stolen,
    /// Blocked by staff.
    Blocked,
    /// Given back.
    Returned,
}

impl CredentialState {
    /// The word for it in facts and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Blocked => "blocked",
            Self::Returned => "returned",
        }
    }
    /// The state of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Active, Self::Lost, Self::Stolen, Self::Blocked, Self::Returned]
            .into_iter()
            .find(|state| state.name() == word)
    }
}

/// A band, card or ticket, found by its [`Uid`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its id; the journal never shows the uid of a known credential.
    pub id: CredentialId,
    /// Who holds it.
    pub member: MemberId,
    /// Its state.
    pub state: CredentialState,
    /// The first instant at which it is valid, if it has one.
    pub valid_from: Option<Timestamp>,
    /// The instant from which it is no longer valid, if it has one.
    pub valid_until: Option<Timestamp>,
    /// How many people may be inside on it; 1 unless it is a party card.
    pub party_size: u16,
}

/// The state that staff gave a pass; what dates and visits make of it is worked out when it is
/// asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassState {
    /// In use.
    Active,
    /// An instalment is missing.
    PastDue,
    /// Paused by the member.
    Frozen,
    /// Paused by the site.
    Suspended,
    /// Ended early.
    Cancelled,
}

impl PassState {
    /// The word for it in facts and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Frozen => "frozen",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }
    /// The state of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Active, Self::PastDue, Self::Frozen, Self::Suspended, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == word)
    }
}

/// The key of a pass: a member's passes stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PassKey {
    /// The holder.
    pub member: MemberId,
    /// The pass.
    pub pass: PassId,
}

/// A sold pass. It keeps the tariff version that it was sold under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The tariff.
    pub tariff: TariffId,
    /// The version of the tariff that it was sold under.
    pub tariff_version: u32,
    /// What staff made of it.
    pub state: PassState,
    /// Its first local day.
    pub valid_from: Date,
    /// Its last local day, included; `None` has no end.
    pub valid_until: Option<Date>,
    /// Visits left; `None` does not count visits.
    pub visits_left: Option<u32>,
    /// Those of them that are granted and not yet taken by a passage.
    pub visits_reserved: u32,
}

impl Pass {
    /// Visits that nobody was granted yet; `None` does not count visits.
    #[must_use]
    pub fn visits_free(&self) -> Option<u32> {
        self.visits_left.map(|left| left.saturating_sub(self.visits_reserved))
    }
}

/// The key of a tariff version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TariffKey {
    /// The tariff.
    pub tariff: TariffId,
    /// Its version, from 1.
    pub version: u32,
}

/// One version of a tariff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    /// The zones that it opens; those on the way to them are open as well.
    pub zones: Box<[ZoneId]>,
    /// What each visit costs at the gate; nothing for a pass that is paid in advance.
    pub entry_price: Money,
}

/// An account of the ledger, with its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What it is for.
    pub kind: AccountKind,
    /// The sum of its postings.
    pub balance: Money,
    /// Provisional charges, not yet posted.
    pub reserved: Money,
    /// When the account last stopped being free of debt.
    pub debt_since: Option<Timestamp>,
}

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// What the site owes a member, or the member the site.
    Wallet,
    /// What entries earned.
    EntryRevenue,
    /// Where balances came from that an import brought along.
    Opening,
}

impl AccountKind {
    /// The word for it in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::EntryRevenue => "entry_revenue",
            Self::Opening => "opening",
        }
    }
    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Wallet, Self::EntryRevenue, Self::Opening]
            .into_iter()
            .find(|kind| kind.name() == word)
    }
}

/// The site's account for what entries earned.
pub const ENTRY_REVENUE: AccountId = AccountId(uuid::Uuid::from_u128(1));
/// The site's account behind imported balances.
pub const OPENING: AccountId = AccountId(uuid::Uuid::from_u128(2));

/// An open stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Its id.
    pub id: VisitId,
    /// The instant of the first entry passage.
    pub started: Timestamp,
    /// The pass that it was taken from, if one was.
    pub pass: Option<PassId>,
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
    pub timeout: crate::time::Span,
    /// The last instant of a passage that uses it; `None` while it waits for its turn.
    pub expires: Option<Timestamp>,
    /// What became of it.
    pub state: ReservationState,
    /// The visit that the passage starts, if it starts one.
    pub starts_visit: Option<VisitId>,
    /// The pass that a visit is taken from.
    pub takes_from: Option<PassId>,
    /// The provisional charge.
    pub charge: Option<Charge>,
    /// Whether its effects were booked at the grant already (`anti_passback.confirm_by = grant`).
    pub booked: bool,
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

/// A provisional charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The account that pays.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
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

/// What is known of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Whether it can be spoken to.
    pub online: bool,
    /// The mode that it reports, if it does.
    pub mode: Option<GateMode>,
    /// Whether its life-safety input is active.
    pub fire: bool,
}

/// A locker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locker {
    /// The bank that it stands in.
    pub bank: DeviceId,
    /// The zone.
    pub zone: ZoneId,
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
