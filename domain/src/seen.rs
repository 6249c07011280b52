//! What a request saw: every row that its facts come from, as it was at that instant, whatever the
//! rules made of it. A record keeps it, so that it can be asked again with other rules.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    facts::EventKind,
    ids::{
        AccountId, CredentialId, DeviceId, GroupId, MemberId, OperatorId, PassId, TariffId, ZoneId,
    },
    lockers::SeenLocker,
    money::Money,
    params::DefaultFor,
    reasons::Reason,
    rows::{CredentialKind, CredentialState, Left, Pass, PassKey, Tariff, Visit, Visits},
    scope::Place,
    site::Site,
    till::SeenOrder,
    time::Timestamp,
};

/// One request with everything that it is decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The instant that it is decided for.
    pub at: Timestamp,
    /// What is asked.
    pub kind: EventKind,
    /// The gate.
    pub gate: SeenGate,
    /// Who asks, where the credential is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// The locker that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locker: Option<SeenLocker>,
    /// The order of an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<SeenOrder>,
    /// The reasons that an operator's token lifts, and whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<(OperatorId, Vec<Reason>)>,
    /// What has defaults of its own here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<DefaultFor>,
    /// Whether the store stood still, so that nobody asked the rules.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stalled: bool,
}

/// A gate and its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGate {
    /// The gate.
    pub device: Option<DeviceId>,
    /// The zones from the root to the one that is entered or left, whose values count.
    pub zones: Vec<ZoneId>,
    /// The zone that the passage leads to; nothing is the street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ZoneId>,
    /// Whether an entry here comes from the street.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_street: bool,
    /// The zones that an entry enters, with the people in each, those granted to others included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entered: Vec<(ZoneId, i64)>,
    /// Whether a free, signed, alarmed exit stands beside it, and it is no required means of
    /// egress.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub egress_alternative: bool,
    /// Whether a desk bound to it is signed in, or a pay point bound to it is online.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attended: bool,
    /// Whether a desk bound to it is signed in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub desk: bool,
    /// Whether the credential was held here for its identity until the time was used up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold_spent: bool,
    /// Whether the device is known to be offline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// Whether people crowd at its exit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
}

/// The holder of a credential: what it is, who holds it, where, on which passes, with what money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The credential.
    pub credential: CredentialId,
    /// Its state.
    pub state: CredentialState,
    /// Whether its dates make it valid at that instant.
    pub valid_now: bool,
    /// How many people may be inside on it.
    pub party_size: u16,
    /// The member.
    pub member: MemberId,
    /// The member's groups.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub groups: Box<[GroupId]>,
    /// The age in years on the site's date, if the birth date is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<i64>,
    /// House ban or manual block.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// Whether a flag says that this person is never to be held: reduced mobility, a medical
    /// condition.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// The last day of the medical certificate, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_until: Option<Date>,
    /// What the credential is.
    pub kind: CredentialKind,
    /// Whether its holder counts as an adult whatever the birth date says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adult: bool,
    /// Whether it is in the collector, or its loss is paid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub collected: bool,
    /// What the keypad gave.
    #[serde(default, skip_serializing_if = "SeenPin::is_absent")]
    pub pin: SeenPin,
    /// Whether an operator compared the face with the photo.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub photo: bool,
    /// When the second factor failed lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Timestamp>,
    /// The reasons that an exemption lifts here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<Reason>,
    /// What the holder spent on this local day, granted passages included.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub spent: Money,
    /// The family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<SeenFamily>,
    /// The member whose guest the holder is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<SeenHost>,
    /// Whether somebody who may pick the holder up was read at this gate's exit within 15 s.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub picked_up: bool,
    /// The lockers that the credential occupies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lockers: Vec<SeenLocker>,
    /// Where the people on the credential are.
    pub presence: SeenPresence,
    /// The passes that cover the zone, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<(PassId, Pass, Tariff)>,
    /// Whose those of them are that somebody of the family shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<(PassId, MemberId)>,
    /// The visits that the member began lately.
    #[serde(default, skip_serializing_if = "Visits::is_empty")]
    pub visits: Visits,
    /// The member's own wallet.
    pub wallet: SeenWallet,
}

/// Where the people on a credential are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPresence {
    /// How many are inside the site.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub inside: u16,
    /// Whether they are in the zone behind the gate, or deeper.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
    /// The last entry passage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Timestamp>,
    /// The visit that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
    /// Whether the visit was begun before this run, so that the clocks of the two tell of its
    /// length only together (rule 13.7 of `decisions.md` of the specification).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clock_uncertain: bool,
    /// The visit that was left last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// When the passage in progress was granted, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<Timestamp>,
}

/// What the keypad of a reader gave beside the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenPin {
    /// Nothing.
    #[default]
    Absent,
    /// The code of the card.
    Right,
    /// Another code.
    Wrong,
    /// The code that calls for help silently.
    Duress,
}

impl Holder {
    /// The key of one of the passes that he may use.
    #[must_use]
    pub fn key_of(&self, pass: PassId) -> PassKey {
        let shared = self.shared.iter().find(|(id, _)| *id == pass);
        PassKey { member: shared.map_or(self.member, |(_, member)| *member), pass }
    }
}

impl SeenPin {
    const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A family, as it concerns one of its people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFamily {
    /// Its wallet.
    pub wallet: SeenWallet,
    /// The others.
    pub others: Vec<Relative>,
}

/// Another one of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relative {
    /// The age in years on the site's date, if the birth date is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<i64>,
    /// Whether this one counts as an adult.
    pub adult: bool,
    /// Whether this one is inside the site.
    pub inside: bool,
    /// Whether this one is in the zone behind the gate, or was let in here within 15 s.
    pub behind: bool,
}

/// A member whose guest asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenHost {
    /// The member.
    pub member: MemberId,
    /// The member's groups.
    pub groups: Box<[GroupId]>,
    /// The tariff of the member's pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<TariffId>,
    /// The guests that the member brought lately.
    pub guests: Visits,
}

/// A wallet and what is still to be paid beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenWallet {
    /// The account.
    pub account: Option<AccountId>,
    /// The sum of its postings.
    pub balance: Money,
    /// Provisional charges, not yet posted.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub reserved: Money,
    /// Charges that nobody paid yet.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub unpaid: Money,
    /// When it last stopped being free of debt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt_since: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference")]
const fn is_zero(count: &u16) -> bool {
    *count == 0
}

impl Seen {
    /// The scopes that match this request; `tariff` is that of the pass that speaks.
    pub(crate) fn place<'a>(&'a self, tariff: Option<&'a TariffId>) -> Place<'a> {
        Place {
            zones: &self.gate.zones,
            device: self.gate.device.as_ref(),
            tariff,
            groups: self.holder.as_ref().map_or(&[], |holder| &holder.groups),
            member: self.holder.as_ref().map(|holder| holder.member),
            terminal: self.order.as_ref().map(|order| &order.terminal),
            roles: self
                .order
                .as_ref()
                .and_then(|order| order.operator.as_ref())
                .map_or(&[], |operator| &operator.roles),
            classes: &self.classes,
        }
    }

    /// The instant that states and hours are judged at: in a visit those of its entry count for
    /// lockers, so that the end of a guest's time never locks up his things.
    pub(crate) fn judged_at(&self) -> Timestamp {
        let visit = self.visit().filter(|_| self.kind == EventKind::LockerOpen);
        visit.map_or(self.at, |visit| visit.granted)
    }

    /// The open visit.
    pub(crate) fn visit(&self) -> Option<&Visit> {
        self.holder.as_ref().and_then(|holder| holder.presence.visit.as_ref())
    }

    /// Whether the holder is one of those who go in while an emergency keeps everybody else out.
    pub(crate) fn is_of_a_responder(&self, site: &Site) -> bool {
        self.holder.as_ref().is_some_and(|holder| {
            holder.is_valid() && holder.groups.iter().any(|group| site.responders.contains(group))
        })
    }

    /// Whether the passage would end the visit: it leads to the street.
    pub(crate) fn leaves_site(&self) -> bool {
        self.kind == EventKind::Exit && self.gate.target.is_none()
    }
}

impl Holder {
    /// Whether the credential may open: in use, and within its dates.
    pub(crate) fn is_valid(&self) -> bool {
        self.state == CredentialState::Active && self.valid_now
    }
    /// Whether this person is known to be under 18 on the site's date.
    pub(crate) fn is_minor(&self) -> bool {
        !self.adult && self.age.is_some_and(|age| age < 18)
    }
}
