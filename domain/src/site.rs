//! The installation as the decision sees it: zones, gates, currency, local time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::{
    deposits::IfLost,
    event::Direction,
    ids::{DeviceId, GroupId, ZoneId},
    money::{Currency, Money, Vat},
    params::DefaultFor,
};

/// One site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name for people.
    pub name: String,
    /// The zone of its local time.
    pub time_zone: TimeZone,
    /// The currency of its money.
    pub currency: Currency,
    /// The value added tax that its prices include, where an item or a tariff has none of its own.
    pub vat: Vat,
    /// Whether what tills sell has its tax on top of the price, not within it.
    pub vat_on_top: bool,
    /// The deposit for a band.
    pub band_deposit: Money,
    /// What becomes of it when the band is lost.
    pub deposit_if_lost: IfLost,
    /// Cash is taken and given in whole multiples of this.
    pub cash_step: Money,
    /// Which of the site's daemons this is, from 1.
    pub daemon: u32,
    /// The zones, each with its parent; the root has none.
    pub zones: BTreeMap<ZoneId, Option<ZoneId>>,
    /// The gates.
    pub gates: BTreeMap<DeviceId, Gate>,
    /// Groups of members that have defaults of their own.
    pub groups: BTreeMap<GroupId, DefaultFor>,
    /// Groups that go in while an emergency keeps everybody else out: the fire brigade.
    pub responders: BTreeSet<GroupId>,
    /// Tills, desks and pay points.
    pub terminals: BTreeMap<DeviceId, TerminalKind>,
}

/// What a terminal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalKind {
    /// Somebody sits there, watches the gates that are bound to it, and sells.
    Desk,
    /// Guests pay there by themselves.
    PayPoint,
    /// Goods are sold there.
    Till,
}

/// One gate: where each direction leads, and what its surroundings allow.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The zone that an entry comes from; `None` is the street.
    pub outer: Option<ZoneId>,
    /// The zone that an entry leads to.
    pub inner: ZoneId,
    /// Whether a free, signed, alarmed exit stands beside it, and it is no required means of
    /// egress.
    pub egress_alternative: bool,
    /// Whether it tells that somebody went through.
    pub reports_passage: bool,
    /// Whether the device drops repeats of one command id.
    pub drops_repeats: bool,
    /// The desk from which it is watched, if one is bound to it.
    pub desk: Option<DeviceId>,
    /// The pay point beside it, if one is bound to it.
    pub pay_point: Option<DeviceId>,
}

impl Site {
    /// A site without zones and gates.
    #[must_use]
    pub const fn new(name: String, time_zone: TimeZone, currency: Currency) -> Self {
        Self {
            name,
            time_zone,
            currency,
            vat: Vat(0),
            vat_on_top: false,
            band_deposit: Money::ZERO,
            deposit_if_lost: IfLost::Kept,
            cash_step: Money(1),
            daemon: 1,
            zones: BTreeMap::new(),
            gates: BTreeMap::new(),
            groups: BTreeMap::new(),
            responders: BTreeSet::new(),
            terminals: BTreeMap::new(),
        }
    }

    /// The zone and its parents, from the root inwards; a broken tree ends at the break.
    #[must_use]
    pub fn chain(&self, zone: Option<&ZoneId>) -> Vec<ZoneId> {
        let mut chain = Vec::new();
        let mut next = zone;
        while let Some(id) = next {
            if chain.contains(id) {
                break;
            }
            chain.push(id.clone());
            next = self.zones.get(id).and_then(Option::as_ref);
        }
        chain.reverse();
        chain
    }
}

impl Site {
    /// What has defaults of its own where a member of `groups` asks at `gate`.
    #[must_use]
    pub fn classes(&self, gate: &Gate, groups: &[GroupId]) -> Vec<DefaultFor> {
        let blind = (!gate.reports_passage).then_some(DefaultFor::BlindGate);
        blind
            .into_iter()
            .chain(groups.iter().filter_map(|id| self.groups.get(id).copied()))
            .collect()
    }

    /// The gates that are bound to a desk or pay point.
    pub fn bound_to<'a>(&'a self, terminal: &'a DeviceId) -> impl Iterator<Item = &'a DeviceId> {
        let bound = move |gate: &Gate| {
            [&gate.desk, &gate.pay_point].into_iter().flatten().any(|id| id == terminal)
        };
        self.gates.iter().filter(move |(_, gate)| bound(gate)).map(|(id, _)| id)
    }
}

impl Gate {
    /// A gate that reports its passages, from `outer` to `inner`; `None` is the street.
    #[must_use]
    pub const fn new(outer: Option<ZoneId>, inner: ZoneId) -> Self {
        Self {
            outer,
            inner,
            egress_alternative: false,
            reports_passage: true,
            drops_repeats: false,
            desk: None,
            pay_point: None,
        }
    }
    /// Where `direction` leads.
    #[must_use]
    pub const fn target(&self, direction: Direction) -> Option<&ZoneId> {
        match direction {
            Direction::Entry => Some(&self.inner),
            Direction::Exit => self.outer.as_ref(),
        }
    }
    /// Whether an exit through this gate leaves the site, which ends the visit.
    #[must_use]
    pub const fn leads_outside(&self) -> bool {
        self.outer.is_none()
    }
}
