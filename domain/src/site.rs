//! The installation as the decision sees it: zones, gates, currency, local time.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    event::Direction,
    ids::{DeviceId, GroupId, ZoneId},
    money::Currency,
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
    /// The zones, each with its parent; the root has none.
    pub zones: BTreeMap<ZoneId, Option<ZoneId>>,
    /// The gates.
    pub gates: BTreeMap<DeviceId, Gate>,
    /// Groups of members that have defaults of their own.
    pub groups: BTreeMap<GroupId, DefaultFor>,
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
}

impl Site {
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
}

impl Gate {
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
