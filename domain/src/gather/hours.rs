//! The windows in which a place is open for a request.

use jiff::tz::TimeZone;

use crate::{
    params::{Param, Value},
    scope::{Layers, Scope},
    time::{Span, Timestamp},
    windows::Windows,
};

/// The windows that count at a place, each with its margin (parameters 10 and 11).
pub(super) struct Hours<'a> {
    /// Whether they are the site's own, the windows, and how much earlier they start.
    pub(super) sets: Vec<(bool, &'a Windows, Span)>,
}

impl<'a> Hours<'a> {
    /// The site opens earlier only by what is set for the site itself.
    pub(super) fn of(layers: &Layers<'a>) -> Self {
        let margin = Param::TimeEarlyEntryMargin;
        let own = layers.matching(margin).find(|(scope, _)| **scope == Scope::Site);
        let own = own.map_or(Span::default(), |(_, value)| value.span());
        let others = layers.resolve(margin).value.span();
        let found = layers.matching(Param::TimeAccessWindows);
        let sets = found.filter_map(|(scope, value)| match value {
            Value::Windows(sets) => Some((*scope == Scope::Site, sets)),
            _ => None,
        });
        let sets = sets.flat_map(|(site, sets)| {
            sets.iter().map(move |set| (site, set, if site { own } else { others }))
        });
        Self { sets: sets.collect() }
    }

    /// Whether the site's own are open, or all others.
    pub(super) fn open(&self, at: Timestamp, zone: &TimeZone, site: bool) -> bool {
        let mut asked = self.sets.iter().filter(|(own, ..)| *own == site);
        asked.all(|(_, set, margin)| set.is_open_early(at, *margin, zone))
    }

    /// When the first of them closes.
    pub(super) fn end(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let ends = self.sets.iter().filter_map(|(_, set, margin)| {
            // Within the margin the opening is the one that begins next.
            let inside = set
                .next_open(at, Span::default(), zone)
                .filter(|from| from.since(at) <= *margin)?;
            set.open_until(inside, zone)
        });
        ends.min()
    }
}
