//! What a twin has said and nobody acknowledged yet: it says it again after a reconnect.

use std::collections::{HashMap, VecDeque};

/// Unacknowledged events that a twin keeps; a real device's flash is not larger.
const KEPT: usize = 4096;

/// One event as it goes out.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) topic: String,
    pub(super) payload: String,
    /// Requests go stale at the broker, facts do not.
    pub(super) expiry: Option<u32>,
}

/// Events until their acknowledgement, and the packet ids of one connection.
#[derive(Default)]
pub(super) struct Outbox {
    events: VecDeque<Event>,
    /// What is in the client's queue, in order; `None` is no event.
    queued: VecDeque<Option<u64>>,
    flying: HashMap<u16, Option<u64>>,
    /// A packet whose id is still in use by another.
    held: Option<(u16, Option<u64>)>,
}

impl Outbox {
    /// Keeps an event; the oldest goes where there is no place.
    pub(super) fn keep(&mut self, event: Event) {
        if self.events.len() >= KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// A new connection: its packet ids start over. What has to be said again.
    pub(super) fn reconnected(&mut self) -> Vec<Event> {
        self.queued.clear();
        self.flying.clear();
        self.held = None;
        self.events.iter().cloned().collect()
    }

    /// Something with an acknowledgement was put into the client's queue.
    pub(super) fn queued(&mut self, seq: Option<u64>) {
        self.queued.push_back(seq);
    }

    /// The client gave the next of its queue the packet id `id`.
    pub(super) fn sent(&mut self, id: u16) {
        let seq = match self.held.take_if(|(held, _)| *held == id) {
            Some((_, seq)) => seq,
            None => self.queued.pop_front().flatten(),
        };
        self.flying.insert(id, seq);
    }

    /// The next of the queue has to wait, because `id` is still in use.
    pub(super) fn held_back(&mut self, id: u16) {
        self.held = Some((id, self.queued.pop_front().flatten()));
    }

    /// The broker acknowledged `id`, and somebody listens to it: the daemon will get the event.
    pub(super) fn acknowledged(&mut self, id: u16) {
        if let Some(Some(seq)) = self.flying.remove(&id) {
            self.events.retain(|event| event.seq != seq);
        }
    }

    /// The broker acknowledged `id`, but nobody listens, as after a restart of a broker that keeps
    /// nothing: the event to say again.
    pub(super) fn unheard(&mut self, id: u16) -> Option<Event> {
        let seq = self.flying.remove(&id)??;
        self.events.iter().find(|event| event.seq == seq).cloned()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64) -> Event {
        Event { seq, topic: String::new(), payload: String::new(), expiry: None }
    }

    #[test]
    fn what_was_acknowledged_is_not_said_again() {
        let mut outbox = Outbox::default();
        for seq in 1..=3 {
            outbox.keep(event(seq));
            outbox.queued(Some(seq));
        }
        outbox.queued(None);
        outbox.sent(1);
        outbox.sent(2);
        outbox.held_back(1);
        outbox.acknowledged(1);
        outbox.sent(1);
        outbox.sent(3);
        outbox.acknowledged(1);
        outbox.acknowledged(3);
        assert_eq!(outbox.unheard(2).map(|event| event.seq), Some(2), "it stays");
        let again: Vec<u64> = outbox.reconnected().iter().map(|event| event.seq).collect();
        assert_eq!(again, [2]);
    }
}
