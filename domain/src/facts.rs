//! The facts that rules see: names are a public interface, declared once and versioned.
//!
//! Facts are gathered in full for a kind of event, whatever the rules consult, so that a record can
//! be asked again with other rules. They carry no names and no phones.

use serde::{Deserialize, Serialize};

use crate::{
    event::Direction,
    money::Money,
    params::{ACTIONS, Letter, MEMBERSHIP_STATES, Param, ParamMask},
    scope::Supplied,
    time::Timestamp,
    verdict::Finding,
};

/// The version of the facts' names and meanings; a change of meaning raises it.
pub const FACTS_VERSION: u32 = 1;

/// What kind of decision is asked for. A rule file tests these as constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A credential was read on the way in.
    Entry,
    /// A credential was read on the way out.
    Exit,
    /// A locker shall open.
    LockerOpen,
    /// A locker shall close and be occupied.
    LockerClose,
    /// Something shall be sold.
    Sale,
    /// A wallet shall be topped up.
    Topup,
    /// Money shall be paid back.
    Refund,
    /// An operator acts.
    Operator,
}

/// Every kind, in the order of their declaration.
pub const EVENT_KINDS: &[EventKind] = &[
    EventKind::Entry,
    EventKind::Exit,
    EventKind::LockerOpen,
    EventKind::LockerClose,
    EventKind::Sale,
    EventKind::Topup,
    EventKind::Refund,
    EventKind::Operator,
];

impl EventKind {
    /// The name of the constant in rule files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
            Self::LockerOpen => "locker_open",
            Self::LockerClose => "locker_close",
            Self::Sale => "sale",
            Self::Topup => "topup",
            Self::Refund => "refund",
            Self::Operator => "operator",
        }
    }
    /// How the catalogue of parameters abbreviates it.
    #[must_use]
    pub const fn letter(self) -> Letter {
        match self {
            Self::Entry => Letter::En,
            Self::Exit => Letter::Ex,
            Self::LockerOpen => Letter::Lo,
            Self::LockerClose => Letter::Lc,
            Self::Sale => Letter::Sa,
            Self::Topup => Letter::Tu,
            Self::Refund => Letter::Rf,
            Self::Operator => Letter::Op,
        }
    }
    /// Which way through a gate it asks to go, if it asks a gate.
    #[must_use]
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Self::Entry => Some(Direction::Entry),
            Self::Exit => Some(Direction::Exit),
            _ => None,
        }
    }
}

/// The value of one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// Yes or no.
    Bool(bool),
    /// A count, an age, seconds.
    Int(i64),
    /// An amount.
    Money(Money),
    /// A word.
    Word(&'a str),
    /// An instant, or none.
    Time(Option<Timestamp>),
}

/// What kind of value a fact has, for checks and for the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// An amount, a decimal of the currency's unit in rule files.
    Money,
    /// A word.
    Word,
    /// An instant, or none; only handed on, as a detail of a reason.
    Time,
}

/// One fact of the vocabulary.
#[derive(Debug)]
pub struct FactSpec {
    /// Its name in rule files and records.
    pub name: &'static str,
    /// Its kind.
    pub kind: FactKind,
    /// What it says.
    pub sentence: &'static str,
    /// The parameters that went into it.
    pub from: &'static [Param],
}

/// The words that a fact is one of, beside none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Any.
    Open,
    /// These.
    Listed(&'static [&'static str]),
    /// The zones of the site.
    Zones,
    /// The devices of the site.
    Devices,
}

impl FactSpec {
    /// The words that it is one of.
    #[must_use]
    pub fn words(&self) -> Words {
        match self.name {
            "device" => Words::Devices,
            "zone" | "zone_name" => Words::Zones,
            "credential_state" => Words::Listed(CREDENTIAL_STATES),
            "membership_state" => Words::Listed(MEMBERSHIP_STATES),
            "certificate" => Words::Listed(&["missing", "valid", "ended"]),
            "action" => Words::Listed(ACTIONS),
            _ => Words::Open,
        }
    }
}

/// The words of the fact `credential_state`.
const CREDENTIAL_STATES: &[&str] =
    &["unknown", "active", "lost", "stolen", "blocked", "returned", "none"];

trait AsFact {
    const KIND: FactKind;
    fn as_fact(&self) -> Fact<'_>;
}
impl AsFact for bool {
    const KIND: FactKind = FactKind::Bool;
    fn as_fact(&self) -> Fact<'_> {
        Fact::Bool(*self)
    }
}
impl AsFact for i64 {
    const KIND: FactKind = FactKind::Int;
    fn as_fact(&self) -> Fact<'_> {
        Fact::Int(*self)
    }
}
impl AsFact for Money {
    const KIND: FactKind = FactKind::Money;
    fn as_fact(&self) -> Fact<'_> {
        Fact::Money(*self)
    }
}
impl AsFact for String {
    const KIND: FactKind = FactKind::Word;
    fn as_fact(&self) -> Fact<'_> {
        Fact::Word(self)
    }
}
impl AsFact for Option<Timestamp> {
    const KIND: FactKind = FactKind::Time;
    fn as_fact(&self) -> Fact<'_> {
        Fact::Time(*self)
    }
}

macro_rules! facts {
    ($($name:ident: $ty:ty, [$($param:ident),*], $sentence:literal;)*) => {
        /// The facts of one request.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Facts {
            $(#[doc = $sentence] pub $name: $ty,)*
        }

        /// Every fact, in the order in which rules see them.
        pub const FACTS: &[FactSpec] = &[
            $(FactSpec {
                name: stringify!($name), kind: <$ty as AsFact>::KIND, sentence: $sentence,
                from: &[$(Param::$param),*],
            },)*
        ];

        impl Facts {
            /// Calls `take` with each name and value, in the order of [`FACTS`].
            pub fn each<'a>(&'a self, mut take: impl FnMut(&'static str, Fact<'a>)) {
                $(take(stringify!($name), self.$name.as_fact());)*
            }
        }
    };
}

facts! {
    device: String, [], "the gate that asks";
    zone: String, [], "the zone that the passage leads to; empty is the street";
    leaves_site: bool, [], "whether an exit here ends the visit";
    credential_state: String, [],
        "`unknown`, `active`, `lost`, `stolen`, `blocked`, `returned`, or `none` without a card";
    pin_right: bool, [], "whether the PIN of the card was given with it";
    duress: bool, [], "whether the code was given that calls for help silently";
    photo_confirmed: bool, [], "whether an operator compared the face with the photo";
    locked_out: bool, [CredentialFailedAttemptLimit],
        "whether failed attempts have locked the credential";
    locked_until: Option<Timestamp>, [CredentialFailedAttemptLimit], "when that lock ends";
    returnable: bool, [], "whether the credential is a band that can be given back";
    band_returned: bool, [], "whether it is in the collector, or its loss is paid";
    member_age: i64, [], "the holder's age in years on the site's date, -1 where it is not known";
    has_pass: bool, [], "whether a pass of the holder covers the zone";
    membership_state: String, [MembershipExpiryGrace],
        "the state of the pass that speaks, one of the states of `membership.allowed_states`";
    membership_allowed: bool, [MembershipAllowedStates, MembershipExpiryGrace],
        "whether `membership.allowed_states` lists that state";
    takes_visit: bool, [],
        "whether the passage would take a visit from the pass: no visit is open yet";
    counts_visits: bool, [], "whether the pass counts visits";
    visits_left: i64, [],
        "visits that nobody was granted yet; 0 where the pass does not count them";
    visit_limit_reached: bool, [TariffMaxVisits],
        "whether one more visit would be more than `tariff.max_visits` allows";
    visit_limit: i64, [TariffMaxVisits], "how many visits that limit allows";
    visit_again_at: Option<Timestamp>, [TariffMaxVisits],
        "the first instant at which it allows another; none where it never does";
    ticket_used: bool, [TariffReentryWindow],
        "whether a ticket for a single entry was used, and the time for coming back is over";
    certificate: String, [],
        "the medical certificate on the site's date: `missing`, `valid` or `ended`";
    certificate_days: i64, [], "whole days that it is still valid, or since it ended";
    site_open: bool, [TimeAccessWindows, TimeEarlyEntryMargin],
        "whether the site's own windows are open, or will be within the margin";
    windows_open: bool, [TimeAccessWindows, TimeEarlyEntryMargin],
        "whether the windows of zone, gate, tariff, groups and member are all open";
    opens_at: Option<Timestamp>, [TimeAccessWindows, TimeEarlyEntryMargin],
        "the next instant at which all windows are open; none where they are open now or never";
    inside: bool, [AntiPassbackResetAfter],
        "whether everybody on this credential is inside the zone already, as far as is remembered";
    reentry_locked: bool, [AntiPassbackResetAfter],
        "whether less than `anti_passback.reset_after` has gone by since the last entry passage";
    locker: String, [],
        "the locker that is asked for; at an exit one that is still occupied";
    locker_mine: bool, [LockerAssignmentMode],
        "whether the locker may be used by whoever asks";
    lockers_held: i64, [], "other lockers of the same bank that the band occupies";
    lockers_occupied: i64, [], "lockers that are still occupied, at an exit";
    locker_over: i64, [LockerMaxDuration],
        "seconds that the locker is occupied for too long";
    locker_charge: Money, [LockerMaxDuration, LockerOverstayAction, TariffOverstayRate],
        "what that costs now, less what it cost before";
    zone_name: String, [],
        "of the zones that the passage enters the one with the fewest free places";
    zone_people: i64, [], "people in that zone, passages granted to others included";
    adults_present: i64, [],
        "adults of the holder's party in the zone, or let in at this gate in the last 15 s";
    children_present: i64, [ZoneSupervisedUnderAge],
        "children of the party below `zone.supervised_under_age` there, this one included";
    pickup_authorised: bool, [],
        "whether somebody who may pick the holder up was read at this gate within 15 s";
    is_guest: bool, [], "whether the holder is the guest of a member";
    guest_limit_reached: bool, [GuestMaxPerHost],
        "whether one more guest would be more than the host may bring";
    guest_limit: i64, [GuestMaxPerHost], "how many guests that limit allows";
    surcharge: Money, [ZoneSurcharge],
        "what the zones cost that the visit was not charged for yet";
    spent_today: Money, [], "what the holder spent on this local day, granted passages included";
    entry_price: Money, [],
        "what the visit costs at the gate; 0.00 where no visit is taken or the pass is paid";
    action: String, [], "what an operator asks to do, one of `operator.allowed_actions`";
    action_allowed: bool, [OperatorAllowedActions],
        "whether the operator's roles allow it, and it does not favour the operator himself";
    terminal_listed: bool, [OperatorAllowedTerminals],
        "whether the operator may act at this terminal";
    terminal_allows: bool, [TerminalAllowedActions], "whether it may be done at this terminal";
    second_needed: bool, [OperatorTwoPersonActions, SaleRefundMaxAmount],
        "whether a second person has to confirm it";
    second_confirmed: bool, [OperatorAllowedActions, SaleRefundMaxAmount],
        "whether another person confirmed it elsewhere within 60 s, with the right and the limit";
    override_listed: bool, [OperatorOverrideCodes],
        "whether the operator may lift every reason that the override names";
    costs: Money, [], "what a sale takes from the wallet, or what a top-up or refund is about";
    loads: Money, [], "what a sale puts into the buyer's wallet";
    wallet_pays: bool, [], "whether what is given back comes out of the wallet";
    discount_percent: i64, [], "the largest discount of a line";
    discount_line: i64, [], "the line that has it, from 1";
    category: String, [SaleMinAgeCategories],
        "the category of the goods that asks for the highest age";
    category_line: i64, [SaleMinAgeCategories], "the line that they stand in, from 1";
    required_age: i64, [SaleMinAgeCategories], "the age that the goods ask for";
    buyer_age: i64, [], "the buyer's age, or the one that a document shows; -1 where unknown";
    pays_cash: bool, [], "whether cash comes into the drawer";
    drawer_after: Money, [], "the cash in the drawer afterwards";
    wallet_balance: Money, [],
        "the wallet's balance after settling, less what is provisionally charged";
    overstay: i64, [TariffIncludedDuration, TimeAccessWindows],
        "seconds of the stay beyond what is paid, or beyond the hours that it was begun in";
    paid_until: Option<Timestamp>, [TariffIncludedDuration, TimeAccessWindows],
        "the instant up to which the stay is paid; none where it has no end";
    overstay_units: i64,
        [TariffIncludedDuration, TariffOverstayGrace, TariffOverstayMode, TariffOverstayRate],
        "the started units of the overstay where it is charged by units";
    overstay_charge: Money,
        [TariffIncludedDuration, TariffOverstayGrace, TariffOverstayMode, TariffOverstayRate,
         TariffOverstayCap],
        "what the overstay costs now, less what the visit was charged for it before";
    debt: Money, [DebtAutoSettle, WalletMinBalance, TariffOverstayMode],
        "what is owed once an overstay is charged and the wallet has settled what it can";
    due_here: bool, [WalletSharedWith],
        "whether it is due from the holder: a family's debt is from its last adult out";
    debt_age: i64, [], "seconds since the account was last free of debt";
}

/// What the policy is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The kind of event.
    pub kind: EventKind,
    /// The facts.
    pub facts: &'a Facts,
    /// The values in force, one for each parameter of the catalogue that the policy reads for this
    /// kind.
    pub values: &'a [Supplied],
}

/// Why a policy could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// There is no rule set in force.
    #[error("no rule set is in force; correct the rule files and save them")]
    NoRuleSet,
    /// The database stood still, so that nothing could be decided durably.
    #[error("the database stood still; look at its disk and at the log")]
    StoreStalled,
    /// A rule failed or passed a limit.
    #[error("{file}:{line}: {message}")]
    Rule {
        /// Name of the rule file.
        file: String,
        /// Line in it.
        line: u16,
        /// What happened, and what to do.
        message: String,
    },
}

/// Decides on facts and parameters. Implemented by `rules` with Rhai; below it stands the floor of
/// this crate.
pub trait Policy: Send + Sync {
    /// The hash of the rule set, as hexadecimal digits.
    fn hash(&self) -> &str;
    /// The parameter values that its files set.
    fn values(&self) -> &crate::scope::ParamTable;
    /// The parameters that its checks read for this kind of event, known when it was loaded.
    fn consulted(&self, kind: EventKind) -> ParamMask;
    /// The reasons that its checks find.
    ///
    /// # Errors
    /// A fault: the request falls to its safe answer, `POLICY_UNAVAILABLE`.
    fn judge(&self, question: &Question<'_>) -> Result<Vec<Finding>, PolicyFault>;
}

/// The policy of a site that never had a good rule set.
#[derive(Debug, Default)]
pub struct NoPolicy {
    values: crate::scope::ParamTable,
}

impl Policy for NoPolicy {
    fn hash(&self) -> &'static str {
        ""
    }
    fn values(&self) -> &crate::scope::ParamTable {
        &self.values
    }
    fn consulted(&self, _: EventKind) -> ParamMask {
        ParamMask::default()
    }
    fn judge(&self, _: &Question<'_>) -> Result<Vec<Finding>, PolicyFault> {
        Err(PolicyFault::NoRuleSet)
    }
}
