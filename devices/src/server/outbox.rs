//! What waits for one client, and what is on its way to it.

use std::{
    collections::{BTreeMap, VecDeque},
    num::{NonZeroU16, NonZeroU32},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rmqtt_codec::types::QoS;
use tokio::time::Instant;

use super::{
    limits::{IN_FLIGHT, QUEUED, QUEUED_BYTES},
    message::Message,
};

/// Bytes that many clients may have waiting together.
#[derive(Debug)]
pub(crate) struct Pool {
    used: AtomicUsize,
    most: usize,
}

impl Pool {
    /// A pool of `most` bytes.
    pub(crate) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), most })
    }

    /// Takes `bytes` out of it, where there are so many left.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let fits = self.used.load(Ordering::Relaxed) + bytes <= self.most;
        if fits {
            self.used.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Takes `bytes` out of it, whether there are so many left or not.
    pub(crate) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether nothing is left.
    pub(crate) fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.most
    }

    /// Gives `bytes` back.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A message that is due to a client.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// What.
    pub(crate) message: Arc<Message>,
    /// How.
    pub(crate) qos: QoS,
    /// Whether it comes as a retained one.
    pub(crate) retain: bool,
    /// The client's numbers of the subscriptions that asked for it.
    pub(crate) ids: Vec<NonZeroU32>,
}

/// The next packet for a client.
#[derive(Debug)]
pub(crate) enum Out {
    /// A message.
    Publish { id: Option<NonZeroU16>, due: Due, dup: bool },
    /// The second half of a QoS 2 delivery.
    Release(NonZeroU16),
}

#[derive(Debug)]
struct Flying {
    id: NonZeroU16,
    due: Due,
    /// Whether the client has said that it received a QoS 2 message.
    received: bool,
    /// Whether this connection has not carried it yet.
    again: bool,
}

/// Everything that is owed to one client.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Releases: the newest of each topic has a place of its own, past a full queue.
    urgent: BTreeMap<Box<str>, Due>,
    queue: VecDeque<Due>,
    flying: VecDeque<Flying>,
    last_id: u16,
    /// How much the client takes at once.
    window: u16,
    bytes: usize,
    pool: Arc<Pool>,
}

impl Outbox {
    /// An empty one whose bytes come out of `pool`.
    pub(crate) const fn new(pool: Arc<Pool>) -> Self {
        Self {
            urgent: BTreeMap::new(),
            queue: VecDeque::new(),
            flying: VecDeque::new(),
            last_id: 0,
            window: IN_FLIGHT,
            bytes: 0,
            pool,
        }
    }

    /// Another pool pays from now on.
    pub(crate) fn move_to(&mut self, pool: &Arc<Pool>) {
        if !Arc::ptr_eq(&self.pool, pool) && pool.take(self.bytes) {
            self.pool.give_back(self.bytes);
            self.pool = Arc::clone(pool);
        }
    }

    /// Puts a message behind the others; `false` where there is no place for it.
    pub(crate) fn push(&mut self, due: Due) -> bool {
        let bytes = due.message.bytes();
        let fits = self.queue.len() < QUEUED && self.bytes + bytes <= QUEUED_BYTES;
        if !fits || !self.pool.take(bytes) {
            return false;
        }
        self.bytes += bytes;
        self.queue.push_back(due);
        true
    }

    /// Puts a release before everything else, in place of an older one of its topic.
    pub(crate) fn push_urgent(&mut self, due: Due) {
        self.urgent.insert(due.message.topic.clone(), due);
    }

    /// A new connection that takes `window` messages at once: what the old one did not see
    /// acknowledged is sent again.
    pub(crate) fn reconnected(&mut self, window: u16) {
        self.window = window;
        self.flying.iter_mut().for_each(|flying| flying.again = true);
    }

    /// The next packet, if one may go out.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Out> {
        if let Some(again) = self.next_again(now) {
            return Some(again);
        }
        if let Some((_, mut due)) = self.urgent.pop_first() {
            // A client that acknowledges nothing is released as well.
            let counts = self.flying.len() < usize::from(self.window);
            due.qos = if counts { due.qos } else { QoS::AtMostOnce };
            let bytes = due.message.bytes();
            self.bytes += bytes;
            self.pool.add(bytes);
            return Some(self.send(due));
        }
        let most = usize::from(self.window.min(IN_FLIGHT));
        while let Some(due) = self.queue.front() {
            let over = due.message.is_over(now);
            if !over && due.qos != QoS::AtMostOnce && self.flying.len() >= most {
                return None;
            }
            let due = self.queue.pop_front()?;
            if !over {
                return Some(self.send(due));
            }
            self.forget(&due);
        }
        self.shrink();
        None
    }

    fn next_again(&mut self, now: Instant) -> Option<Out> {
        while let Some(place) = self.flying.iter().position(|flying| flying.again) {
            let flying = &mut self.flying[place];
            flying.again = false;
            if flying.received {
                return Some(Out::Release(flying.id));
            }
            if !flying.due.message.is_over(now) {
                return Some(Out::Publish {
                    id: Some(flying.id),
                    due: flying.due.clone(),
                    dup: true,
                });
            }
            self.land(place);
        }
        None
    }

    fn send(&mut self, due: Due) -> Out {
        if due.qos == QoS::AtMostOnce {
            self.forget(&due);
            return Out::Publish { id: None, due, dup: false };
        }
        let id = self.free_id();
        self.flying.push_back(Flying { id, due: due.clone(), received: false, again: false });
        Out::Publish { id: Some(id), due, dup: false }
    }

    /// An id that no message on its way has; there are many more ids than such messages.
    fn free_id(&mut self) -> NonZeroU16 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            let Some(id) = NonZeroU16::new(self.last_id) else { continue };
            if self.flying.iter().all(|flying| flying.id != id) {
                return id;
            }
        }
    }

    /// The client has acknowledged a QoS 1 message, or ended a QoS 2 delivery.
    pub(crate) fn done(&mut self, id: NonZeroU16, qos: QoS) {
        let found = |flying: &Flying| {
            flying.id == id && flying.due.qos == qos && (qos == QoS::AtLeastOnce || flying.received)
        };
        if let Some(place) = self.flying.iter().position(found) {
            self.land(place);
        }
    }

    /// The client has received a QoS 2 message; whether there was one.
    pub(crate) fn received(&mut self, id: NonZeroU16, refused: bool) -> bool {
        let of_two = |flying: &Flying| flying.id == id && flying.due.qos == QoS::ExactlyOnce;
        let Some(place) = self.flying.iter().position(of_two) else { return false };
        if refused {
            self.land(place);
            return false;
        }
        self.flying[place].received = true;
        true
    }

    /// A message that is larger than the client allows is as good as delivered.
    pub(crate) fn too_large(&mut self, id: Option<NonZeroU16>) {
        let of_id = |flying: &Flying| Some(flying.id) == id;
        if let Some(place) = self.flying.iter().position(of_id) {
            self.land(place);
        }
    }

    fn land(&mut self, place: usize) {
        if let Some(flying) = self.flying.remove(place) {
            self.forget(&flying.due);
        }
    }

    fn forget(&mut self, due: &Due) {
        let bytes = due.message.bytes();
        self.bytes -= bytes;
        self.pool.give_back(bytes);
    }

    /// Gives back what a flood took.
    fn shrink(&mut self) {
        if self.queue.capacity() > 64 && self.queue.is_empty() {
            self.queue.shrink_to_fit();
        }
    }

    /// Drops what came too late, and what no absent client is owed.
    pub(crate) fn sweep(&mut self, now: Instant) {
        let mut kept = VecDeque::new();
        for due in std::mem::take(&mut self.queue) {
            if due.message.is_over(now) {
                self.forget(&due);
            } else {
                kept.push_back(due);
            }
        }
        self.queue = kept;
    }

    /// Whether nothing is owed.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.queue.is_empty() && self.flying.is_empty()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.pool.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::server::message::own;

    fn due(n: usize, qos: QoS, expires: Option<Instant>) -> Due {
        let message = own(format!("t/{n}"), Bytes::from(vec![b'x'; 100]), qos, expires);
        Due { message, qos, retain: false, ids: Vec::new() }
    }

    fn topics(outbox: &mut Outbox, now: Instant) -> Vec<(String, bool)> {
        let out = std::iter::from_fn(|| outbox.next(now));
        out.map(|out| match out {
            Out::Publish { due, dup, .. } => (due.message.topic.to_string(), dup),
            Out::Release(id) => (format!("release {id}"), false),
        })
        .collect()
    }

    #[test]
    fn a_release_passes_a_full_queue_and_a_client_that_acknowledges_nothing() {
        let (now, pool) = (Instant::now(), Pool::of(usize::MAX));
        let mut outbox = Outbox::new(Arc::clone(&pool));
        outbox.reconnected(8);
        let taken = (0..10_000).filter(|n| outbox.push(due(*n, QoS::AtLeastOnce, None))).count();
        assert!(taken < 10_000 && taken > 100);
        assert_eq!(topics(&mut outbox, now).len(), 8, "the window of the client");
        let release = own("mode".to_owned(), Bytes::from_static(b"panic"), QoS::AtLeastOnce, None);
        for _ in 0..3 {
            let message = Arc::clone(&release);
            let (qos, retain, ids) = (QoS::AtLeastOnce, false, Vec::new());
            outbox.push_urgent(Due { message, qos, retain, ids });
        }
        let Some(Out::Publish { id: None, due: first, .. }) = outbox.next(now) else {
            panic!("it goes without an id")
        };
        assert_eq!(&*first.message.topic, "mode");
        assert!(outbox.next(now).is_none(), "once");
        drop(outbox);
        assert_eq!(pool.used.load(Ordering::Relaxed), 0, "everything is given back");
    }

    #[test]
    fn what_was_not_acknowledged_comes_again_and_what_is_over_does_not() {
        let now = Instant::now();
        let mut outbox = Outbox::new(Pool::of(1 << 20));
        outbox.reconnected(8);
        let soon = Some(now + Duration::from_secs(1));
        for (n, qos, expires) in
            [(1, QoS::AtLeastOnce, None), (2, QoS::ExactlyOnce, None), (3, QoS::AtLeastOnce, soon)]
        {
            assert!(outbox.push(due(n, qos, expires)));
        }
        assert_eq!(topics(&mut outbox, now).len(), 3);
        let two = NonZeroU16::new(2).unwrap();
        outbox.done(two, QoS::AtLeastOnce);
        outbox.done(two, QoS::ExactlyOnce);
        assert!(outbox.received(two, false) && outbox.received(two, false));
        outbox.reconnected(8);
        let later = now + Duration::from_secs(2);
        let again = [("t/1".to_owned(), true), ("release 2".to_owned(), false)];
        assert_eq!(topics(&mut outbox, later), again);
        outbox.done(NonZeroU16::MIN, QoS::AtLeastOnce);
        outbox.done(two, QoS::ExactlyOnce);
        assert!(outbox.is_empty() && outbox.bytes == 0);
    }
}
