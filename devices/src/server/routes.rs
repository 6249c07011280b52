//! Who has subscribed to what: a tree with a branch for each level of the filters.

use std::{collections::HashMap, num::NonZeroU32};

use rmqtt_codec::types::QoS;

use super::topics::Filter;

/// The number of a session.
pub(crate) type SessionKey = u64;

/// How a subscription wants its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// At the most.
    pub(crate) qos: QoS,
    /// Whether the client's own messages stay away from it.
    pub(crate) no_local: bool,
    /// Whether the flag stays as it was published.
    pub(crate) retain_as_published: bool,
    /// The client's number for the subscription.
    pub(crate) id: Option<NonZeroU32>,
}

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
    count: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<str>, Self>,
    /// Filters that end here.
    here: Ends,
    /// Filters that end here with `#`.
    below: Ends,
}

#[derive(Debug, Default)]
struct Ends {
    plain: Vec<(SessionKey, Wish)>,
    shared: Vec<Group>,
}

/// Members that share the messages of a filter.
#[derive(Debug)]
struct Group {
    name: Box<str>,
    members: Vec<(SessionKey, Wish)>,
    next: usize,
}

/// A group's members in the order in which they are asked to take a message.
pub(crate) type Members = Vec<(SessionKey, Wish)>;

/// Where a message goes.
#[derive(Debug, Default)]
pub(crate) struct Matched {
    /// Each of these gets it.
    pub(crate) plain: Vec<(SessionKey, Wish)>,
    /// One of each of these gets it.
    pub(crate) shared: Vec<Members>,
}

impl Routes {
    /// How many subscriptions there are.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Adds or changes a subscription; whether it is new.
    pub(crate) fn insert(&mut self, filter: Filter<'_>, key: SessionKey, wish: Wish) -> bool {
        let mut node = &mut self.root;
        let (levels, below) = levels(filter.of);
        for level in levels {
            node = node.children.entry(level.into()).or_default();
        }
        let ends = if below { &mut node.below } else { &mut node.here };
        let members = match filter.group {
            None => &mut ends.plain,
            Some(name) => ends.group(name),
        };
        let known = members.iter_mut().find(|(member, _)| *member == key);
        let new = known.is_none();
        match known {
            Some((_, old)) => *old = wish,
            None => members.push((key, wish)),
        }
        self.count += usize::from(new);
        new
    }

    /// Takes a subscription out; whether there was one.
    pub(crate) fn remove(&mut self, filter: Filter<'_>, key: SessionKey) -> bool {
        let (levels, below) = levels(filter.of);
        let levels: Vec<&str> = levels.collect();
        let found = self.root.remove(&levels, below, filter.group, key);
        self.count -= usize::from(found);
        found
    }

    /// Where a message of `topic` goes.
    pub(crate) fn matched(&mut self, topic: &str) -> Matched {
        let mut matched = Matched::default();
        let levels: Vec<&str> = topic.split('/').collect();
        self.root.matched(&levels, topic.starts_with('$'), &mut matched);
        matched
    }
}

/// The levels of a filter without a `#` at its end, and whether there is one.
fn levels(filter: &str) -> (impl Iterator<Item = &str>, bool) {
    let below = filter == "#" || filter.ends_with("/#");
    (filter.split('/').filter(|level| *level != "#"), below)
}

impl Node {
    fn remove(
        &mut self,
        levels: &[&str],
        below: bool,
        group: Option<&str>,
        key: SessionKey,
    ) -> bool {
        let Some((level, rest)) = levels.split_first() else {
            let ends = if below { &mut self.below } else { &mut self.here };
            return ends.remove(group, key);
        };
        let Some(child) = self.children.get_mut(*level) else { return false };
        let found = child.remove(rest, below, group, key);
        if child.is_empty() {
            self.children.remove(*level);
            // What a flood of filters took is given back.
            if self.children.capacity() > 64 && self.children.len() * 4 < self.children.capacity() {
                self.children.shrink_to_fit();
            }
        }
        found
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.here.is_empty() && self.below.is_empty()
    }

    /// `guarded` where wildcards do not match the first level.
    fn matched(&mut self, levels: &[&str], guarded: bool, matched: &mut Matched) {
        if !guarded {
            self.below.matched(matched);
        }
        let Some((level, rest)) = levels.split_first() else {
            self.here.matched(matched);
            return;
        };
        if let Some(child) = self.children.get_mut(*level) {
            child.matched(rest, false, matched);
        }
        if !guarded && let Some(child) = self.children.get_mut("+") {
            child.matched(rest, false, matched);
        }
    }
}

impl Ends {
    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.shared.is_empty()
    }

    fn group(&mut self, name: &str) -> &mut Vec<(SessionKey, Wish)> {
        let place = self.shared.iter().position(|group| &*group.name == name);
        let place = place.unwrap_or(self.shared.len());
        if place == self.shared.len() {
            self.shared.push(Group { name: name.into(), members: Vec::new(), next: 0 });
        }
        &mut self.shared[place].members
    }

    fn remove(&mut self, group: Option<&str>, key: SessionKey) -> bool {
        let Some(name) = group else { return take_out(&mut self.plain, key) };
        let Some(group) = self.shared.iter_mut().find(|group| &*group.name == name) else {
            return false;
        };
        let found = take_out(&mut group.members, key);
        self.shared.retain(|group| !group.members.is_empty());
        found
    }

    fn matched(&mut self, matched: &mut Matched) {
        matched.plain.extend_from_slice(&self.plain);
        for group in &mut self.shared {
            let first = group.next % group.members.len();
            let (before, from) = group.members.split_at(first);
            matched.shared.push(from.iter().chain(before).copied().collect());
            group.next = first + 1;
        }
    }
}

fn take_out(members: &mut Vec<(SessionKey, Wish)>, key: SessionKey) -> bool {
    let before = members.len();
    members.retain(|(member, _)| *member != key);
    members.len() < before
}

#[cfg(test)]
mod tests {
    use super::{super::topics, *};

    const WISH: Wish =
        Wish { qos: QoS::AtMostOnce, no_local: false, retain_as_published: false, id: None };

    #[test]
    fn the_tree_finds_what_the_filters_match() {
        let filters = ["a/b", "a/+", "a/#", "#", "+/b", "$SYS/#", "a", "+", "/", "+/+", "b/#"];
        let named = ["a/b", "a", "a/", "$SYS/x", "/", "a/b/c", "b", "$x", "c/d"];
        let mut routes = Routes::default();
        for (key, text) in (0..).zip(filters) {
            assert!(routes.insert(topics::filter(text).unwrap(), key, WISH));
        }
        for topic in named {
            let found = routes.matched(topic).plain;
            let mut found: Vec<&str> =
                found.iter().map(|(key, _)| filters[usize::try_from(*key).unwrap()]).collect();
            found.sort_unstable();
            let mut expected: Vec<&str> =
                filters.into_iter().filter(|filter| topics::matches(filter, topic)).collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{topic}");
        }
        for (key, text) in (0..).zip(filters) {
            assert!(routes.remove(topics::filter(text).unwrap(), key), "{text}");
        }
        assert!(routes.count() == 0 && routes.root.is_empty(), "nothing is left of it");
    }

    #[test]
    fn members_of_a_group_take_turns() {
        let mut routes = Routes::default();
        let shared = topics::filter("$share/g/a/+").unwrap();
        routes.insert(shared, 1, WISH);
        routes.insert(shared, 2, WISH);
        let first: Vec<_> =
            (0..4).map(|_| routes.matched("a/b").shared[0].first().unwrap().0).collect();
        assert_eq!(first, [1, 2, 1, 2]);
        assert!(routes.remove(shared, 1) && !routes.remove(shared, 1));
        assert_eq!(routes.matched("a/b").shared.len(), 1);
    }
}
