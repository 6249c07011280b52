//! The last message of each topic that was published to be kept.

use std::{collections::HashMap, sync::Arc};

use tokio::time::Instant;

use super::{
    limits::{RETAINED, RETAINED_BYTES, RETAINED_BYTES_IN_ALL, RETAINED_BYTES_OF_STRANGERS},
    message::Message,
    topics::matches,
};

/// All retained messages, bounded for each client and in all.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    kept: HashMap<Box<str>, Kept>,
    owners: HashMap<Box<str>, Used>,
    of_strangers: usize,
    all: usize,
}

#[derive(Debug)]
struct Kept {
    message: Arc<Message>,
    owner: Owner,
}

/// Who had a message retained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The client's id.
    pub(crate) client_id: Box<str>,
    /// Whether it is known.
    pub(crate) known: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Used {
    messages: usize,
    bytes: usize,
}

impl Retained {
    /// Keeps `message`, or forgets its topic where it is empty; `false` where there is no place.
    pub(crate) fn put(&mut self, message: &Arc<Message>, owner: Owner) -> bool {
        self.forget(&message.topic);
        if message.payload.is_empty() {
            return true;
        }
        let bytes = message.bytes();
        let used = self.owners.get(&owner.client_id).copied().unwrap_or_default();
        let fits = used.messages < RETAINED
            && used.bytes + bytes <= RETAINED_BYTES
            && (owner.known || self.of_strangers + bytes <= RETAINED_BYTES_OF_STRANGERS)
            && self.all + bytes <= RETAINED_BYTES_IN_ALL;
        if !fits {
            return false;
        }
        let used = self.owners.entry(owner.client_id.clone()).or_default();
        used.messages += 1;
        used.bytes += bytes;
        self.all += bytes;
        self.of_strangers += if owner.known { 0 } else { bytes };
        self.kept.insert(message.topic.clone(), Kept { message: Arc::clone(message), owner });
        true
    }

    fn forget(&mut self, topic: &str) {
        let Some(Kept { message, owner }) = self.kept.remove(topic) else { return };
        let bytes = message.bytes();
        self.all -= bytes;
        self.of_strangers -= if owner.known { 0 } else { bytes };
        if let Some(used) = self.owners.get_mut(&owner.client_id) {
            used.messages -= 1;
            used.bytes -= bytes;
            if used.messages == 0 {
                self.owners.remove(&owner.client_id);
            }
        }
    }

    /// What is kept for topics that `filter` matches.
    pub(crate) fn matching(&self, filter: &str, now: Instant) -> Vec<Arc<Message>> {
        let exact = !filter.contains(['+', '#']);
        let found: Vec<&Kept> = match exact {
            true => self.kept.get(filter).into_iter().collect(),
            false => {
                self.kept.iter().filter(|(it, _)| matches(filter, it)).map(|it| it.1).collect()
            }
        };
        let messages = found.into_iter().map(|kept| &kept.message);
        messages.filter(|message| !message.is_over(now)).cloned().collect()
    }

    /// Forgets what came to its end, and gives back what a flood took.
    pub(crate) fn sweep(&mut self, now: Instant) {
        let over = self.kept.iter().filter(|(_, kept)| kept.message.is_over(now));
        let over: Vec<Box<str>> = over.map(|(topic, _)| topic.clone()).collect();
        over.iter().for_each(|topic| self.forget(topic));
        if self.kept.capacity() > 1024 && self.kept.len() * 4 < self.kept.capacity() {
            self.kept.shrink_to_fit();
            self.owners.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rmqtt_codec::types::QoS;

    use super::*;
    use crate::server::message::own;

    fn message(topic: &str, bytes: usize) -> Arc<Message> {
        own(topic.to_owned(), Bytes::from(vec![b'x'; bytes]), QoS::AtMostOnce, None)
    }

    fn owner(client_id: &str, known: bool) -> Owner {
        Owner { client_id: client_id.into(), known }
    }

    #[test]
    fn a_stranger_fills_its_own_part_and_a_device_still_finds_room() {
        let mut retained = Retained::default();
        let mut kept = 0;
        for client in 0..50 {
            for n in 0..200 {
                let topic = format!("huge/{client}/{n}");
                let owner = owner(&format!("mad-{client}"), false);
                kept += usize::from(retained.put(&message(&topic, 16_000), owner));
            }
        }
        assert_eq!(kept, RETAINED_BYTES_OF_STRANGERS / message("huge/11/111", 16_000).bytes());
        assert!(retained.put(&message("homie/5/gate-1/$state", 5), owner("gate-1", true)));
        assert_eq!(retained.matching("huge/#", Instant::now()).len(), kept);
        for client in 0..50 {
            for n in 0..200 {
                let topic = format!("huge/{client}/{n}");
                assert!(retained.put(&message(&topic, 0), owner("another", false)));
            }
        }
        retained.sweep(Instant::now());
        assert_eq!((retained.kept.len(), retained.of_strangers), (1, 0));
        assert!(retained.kept.capacity() < 1024 && retained.owners.len() == 1);
    }

    #[test]
    fn one_client_has_a_bound_of_messages_and_of_bytes() {
        let mut retained = Retained::default();
        let mut put =
            |n: usize, bytes| retained.put(&message(&n.to_string(), bytes), owner("a", true));
        let small = (0..RETAINED + 10).filter(|n| put(*n, 1)).count();
        assert_eq!(small, RETAINED);
        assert!(put(0, 20), "a topic that is there already is replaced");
        assert!(!put(0, RETAINED_BYTES));
    }
}
