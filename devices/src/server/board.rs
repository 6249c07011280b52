//! All sessions, who has subscribed to what, and what is retained. Nothing here waits.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use metrics::counter;
use rmqtt_codec::{types::QoS, v5::RetainHandling};
use tokio::time::Instant;

use super::{
    handle::{Ending, Handle},
    limits::{
        CONNECTIONS, QUEUED_BYTES_IN_ALL, QUEUED_BYTES_OF_STRANGERS, SESSION, SESSIONS_AWAY,
        SUBSCRIPTIONS, SUBSCRIPTIONS_IN_ALL,
    },
    message::Message,
    outbox::{Due, Outbox, Pool},
    retained::{Owner, Retained},
    rights::{Rights, Who},
    routes::{Matched, Routes, SessionKey, Wish},
    session::{Session, Will},
    topics,
};

/// The board.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) sessions: HashMap<SessionKey, Session>,
    names: HashMap<Box<str>, SessionKey>,
    routes: Routes,
    retained: Retained,
    rights: Rights,
    last: SessionKey,
    /// Devices whose connection broke and that have not come back: what they said meanwhile they
    /// may have kept, whatever session they come back with.
    broken: HashSet<Box<str>>,
    /// Sessions of strangers without a connection, the oldest first.
    away: BTreeSet<(Instant, SessionKey)>,
    strangers: Arc<Pool>,
    known: Arc<Pool>,
}

/// A client that comes in.
pub(crate) struct Coming<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) who: Who,
    pub(crate) clean: bool,
    pub(crate) expiry: Duration,
    /// How much it takes at once.
    pub(crate) window: u16,
    pub(crate) handle: Arc<Handle>,
}

/// A client that came in.
pub(crate) struct Came {
    pub(crate) key: SessionKey,
    /// Whether its session is an old one.
    pub(crate) present: bool,
    /// Whether it may bring what it said while it was away.
    pub(crate) resumes: bool,
    /// Wills that are due now.
    pub(crate) wills: Vec<Will>,
}

/// What a subscription came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    Yes(QoS),
    Invalid,
    NotAllowed,
    TooMany,
}

impl Board {
    pub(crate) fn new(rights: Rights) -> Self {
        Self {
            sessions: HashMap::new(),
            names: HashMap::new(),
            routes: Routes::default(),
            retained: Retained::default(),
            rights,
            last: 0,
            broken: HashSet::new(),
            away: BTreeSet::new(),
            strangers: Pool::of(QUEUED_BYTES_OF_STRANGERS),
            known: Pool::of(QUEUED_BYTES_IN_ALL),
        }
    }

    /// Whether a client id is in use by another account, which may stay.
    pub(crate) fn is_anothers(&self, client_id: &str, who: &Who) -> bool {
        let session = self.names.get(client_id).and_then(|key| self.sessions.get(key));
        session.is_some_and(|it| !it.who.is_same_as(who) && self.rights.may_stay(&it.who))
    }

    /// A client has come.
    pub(crate) fn connect(&mut self, coming: Coming<'_>, now: Instant) -> Came {
        let mut wills = Vec::new();
        let mut resumes = self.broken.remove(coming.client_id) || !coming.clean;
        let old = self.names.get(coming.client_id).copied();
        if let Some(session) = old.and_then(|key| self.sessions.get_mut(&key)) {
            if let Some(handle) = session.handle.take() {
                handle.end(Ending::TakenOver);
                resumes |= session.known;
                // A will with a delay is not published: its client is back.
                wills.extend(session.will.take().filter(|it| it.delay.is_zero() || coming.clean));
            } else if coming.clean {
                wills.extend(session.will.take());
            }
        }
        // What was left by somebody who has no account any more is nobody's.
        let is_left = |it: &Session| it.is_over(now) || !it.who.is_same_as(&coming.who);
        if let Some(key) = old
            && (coming.clean || self.sessions.get(&key).is_some_and(is_left))
        {
            wills.extend(self.remove(key));
        }
        let present = self.names.contains_key(coming.client_id);
        let key = match self.names.get(coming.client_id) {
            Some(key) => *key,
            None => self.add(coming.client_id, coming.who.clone(), &mut wills),
        };
        if let Some(session) = self.sessions.get_mut(&key) {
            session.known |= coming.who.is_known();
            session.who = coming.who;
            session.handle = Some(coming.handle);
            session.expiry = coming.expiry;
            if let Some(since) = session.away.take() {
                self.away.remove(&(since, key));
            }
            session.will = None;
            session.will_due = None;
            session.outbox.reconnected(coming.window);
        }
        Came { key, present, resumes, wills }
    }

    fn add(&mut self, client_id: &str, who: Who, wills: &mut Vec<Will>) -> SessionKey {
        if self.away.len() >= SESSIONS_AWAY
            && let Some((_, oldest)) = self.away.first().copied()
        {
            counter!("kari_mqtt_sessions_dropped_total").increment(1);
            wills.extend(self.remove(oldest));
        }
        self.last += 1;
        let pool = if who.is_known() { &self.known } else { &self.strangers };
        let outbox = Outbox::new(Arc::clone(pool));
        self.sessions.insert(self.last, Session::new(client_id, who, outbox));
        self.names.insert(client_id.into(), self.last);
        self.last
    }

    /// Ends a session; its will, if that is not published yet.
    fn remove(&mut self, key: SessionKey) -> Option<Will> {
        let session = self.sessions.remove(&key)?;
        if let Some(since) = session.away {
            self.away.remove(&(since, key));
        }
        self.names.remove(&session.client_id);
        for filter in session.filters.keys().filter_map(|text| topics::filter(text)) {
            self.routes.remove(filter, key);
        }
        if self.sessions.capacity() > 256 && self.sessions.len() * 4 < self.sessions.capacity() {
            self.sessions.shrink_to_fit();
            self.names.shrink_to_fit();
        }
        session.will.filter(|_| session.handle.is_none())
    }

    /// A connection has ended: `leaves` where its client said goodbye. A will that is due now.
    pub(crate) fn disconnected(
        &mut self,
        key: SessionKey,
        number: u64,
        leaves: bool,
        now: Instant,
    ) -> Option<Will> {
        let session = self.sessions.get_mut(&key).filter(|session| session.is_of(number))?;
        session.handle = None;
        session.away = Some(now);
        if session.known && !leaves && self.broken.len() < CONNECTIONS {
            self.broken.insert(session.client_id.clone());
        }
        if leaves {
            session.will = None;
        }
        let ends = session.expiry.is_zero();
        let due_now = ends || session.will.as_ref().is_some_and(|will| will.delay.is_zero());
        if due_now {
            let will = session.will.take();
            if ends {
                self.remove(key);
            } else if !session.known {
                self.away.insert((now, key));
            }
            return will;
        }
        session.will_due = session.will.as_ref().map(|will| now + will.delay.min(session.expiry));
        if !session.known {
            self.away.insert((now, key));
        }
        None
    }

    /// It speaks for a device: from now on it has its place among the known ones.
    pub(crate) fn is_useful(&mut self, key: SessionKey) {
        let pool = Arc::clone(&self.known);
        if let Some(session) = self.sessions.get_mut(&key) {
            session.known = true;
            session.outbox.move_to(&pool);
        }
    }

    /// Subscribes, and sends what is retained.
    pub(crate) fn subscribe(
        &mut self,
        key: SessionKey,
        (text, wish, handling): (&str, Wish, RetainHandling),
        now: Instant,
    ) -> Granted {
        let Some(filter) = topics::filter(text) else { return Granted::Invalid };
        let Some(session) = self.sessions.get_mut(&key) else { return Granted::NotAllowed };
        if filter.group.is_some() && wish.no_local {
            return Granted::Invalid;
        }
        if !self.rights.may_subscribe(&session.who, filter.of) {
            return Granted::NotAllowed;
        }
        let new = !session.filters.contains_key(text);
        let full = session.filters.len() >= SUBSCRIPTIONS
            || (!session.known && self.routes.count() >= SUBSCRIPTIONS_IN_ALL);
        if new && full {
            return Granted::TooMany;
        }
        session.filters.insert(text.into(), wish);
        self.routes.insert(filter, key, wish);
        let wanted = match handling {
            RetainHandling::AtSubscribe => true,
            RetainHandling::AtSubscribeNew => new,
            RetainHandling::NoAtSubscribe => false,
        };
        if wanted && filter.group.is_none() {
            for message in self.retained.matching(filter.of, now) {
                if self.rights.may_receive(&session.who, &message.topic) {
                    let qos = message.qos.less_value(wish.qos);
                    let ids = wish.id.into_iter().collect();
                    put(session, Due { message, qos, retain: true, ids });
                }
            }
        }
        Granted::Yes(wish.qos)
    }

    /// Ends a subscription; whether there was one.
    pub(crate) fn unsubscribe(&mut self, key: SessionKey, text: &str) -> bool {
        let Some(filter) = topics::filter(text) else { return false };
        let found = self.sessions.get_mut(&key).and_then(|it| it.filters.remove(text)).is_some();
        found && self.routes.remove(filter, key)
    }

    /// Keeps a message for those who come later; `false` where there is no place.
    pub(crate) fn retain(&mut self, message: &Arc<Message>, key: SessionKey) -> bool {
        let owner = self
            .sessions
            .get(&key)
            .map(|session| Owner { client_id: session.client_id.clone(), known: session.known });
        let nobody = Owner { client_id: "".into(), known: false };
        self.retained.put(message, owner.unwrap_or(nobody))
    }

    /// Sends a message to everybody who has asked for it; how many those are.
    pub(crate) fn route(&mut self, message: &Arc<Message>, urgent: bool) -> usize {
        let Matched { mut plain, shared } = self.routes.matched(&message.topic);
        for members in shared {
            let here = |(key, _): &&(SessionKey, Wish)| {
                self.sessions.get(key).is_some_and(|session| session.handle.is_some())
            };
            plain.extend(members.iter().find(here).or(members.first()));
        }
        plain.sort_by_key(|(key, _)| *key);
        let mut reached = 0;
        for of_one in plain.chunk_by(|a, b| a.0 == b.0) {
            let (key, _) = of_one[0];
            let wishes = of_one.iter().map(|(_, wish)| wish);
            let wishes = wishes.filter(|wish| !(wish.no_local && message.from == Some(key)));
            let wishes: Vec<&Wish> = wishes.collect();
            let Some(session) = self.sessions.get_mut(&key).filter(|_| !wishes.is_empty()) else {
                continue;
            };
            if !self.rights.may_receive(&session.who, &message.topic) {
                continue;
            }
            let qos = wishes.iter().map(|wish| wish.qos);
            let qos = qos.max().map_or(QoS::AtMostOnce, |qos| qos.less_value(message.qos));
            let retain = message.retain && wishes.iter().any(|wish| wish.retain_as_published);
            let ids = wishes.iter().filter_map(|wish| wish.id).collect();
            let due = Due { message: Arc::clone(message), qos, retain, ids };
            reached += 1;
            if urgent {
                session.outbox.push_urgent(due);
                session.handle.iter().for_each(|handle| handle.wake());
            } else if session.handle.is_some() || qos != QoS::AtMostOnce {
                put(session, due);
            }
        }
        reached
    }

    /// Ends what is over; wills that are due now.
    pub(crate) fn sweep(&mut self, now: Instant) -> Vec<Will> {
        let mut wills = Vec::new();
        let mut over = Vec::new();
        for (key, session) in &mut self.sessions {
            if session.away.is_some() {
                session.outbox.sweep(now);
            }
            if session.will_due.is_some_and(|due| due <= now) {
                session.will_due = None;
                wills.extend(session.will.take());
            }
            if session.is_over(now) {
                over.push(*key);
            }
        }
        wills.extend(over.into_iter().filter_map(|key| self.remove(key)));
        self.retained.sweep(now);
        wills
    }
}

/// A session's life in this server.
pub(crate) fn life(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into()).min(SESSION)
}

fn put(session: &mut Session, due: Due) {
    if !session.outbox.push(due) {
        counter!("kari_mqtt_messages_dropped_total", "why" => "queue_full").increment(1);
    }
    session.handle.iter().for_each(|handle| handle.wake());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::rights::tests::Still;

    fn come(board: &mut Board, client_id: &str, number: u64, now: Instant) -> (SessionKey, bool) {
        let handle = Arc::new(Handle::new(number, std::net::Ipv4Addr::LOCALHOST.into()));
        let coming = Coming {
            client_id,
            who: Who::Anybody,
            clean: false,
            expiry: SESSION,
            window: 8,
            handle,
        };
        let came = board.connect(coming, now);
        (came.key, came.present)
    }

    #[test]
    fn the_oldest_stranger_that_is_away_gives_way_and_a_gate_stays() {
        let ours = ("kari".to_owned(), Vec::new());
        let mut board = Board::new(Rights::new(ours, Arc::default(), Arc::new(Still)));
        let start = Instant::now();
        let (gate, _) = come(&mut board, "gate-1", 1, start);
        board.is_useful(gate);
        assert!(board.disconnected(gate, 1, true, start).is_none());
        for number in 2..SESSIONS_AWAY as u64 + 100 {
            let now = start + Duration::from_micros(number);
            let (key, present) = come(&mut board, &format!("away-{number}"), number, now);
            assert!(!present);
            board.disconnected(key, number, true, now);
        }
        assert_eq!(board.sessions.len(), SESSIONS_AWAY + 1);
        assert!(come(&mut board, "gate-1", 9_001, start).1, "the gate's session is there");
        assert!(!come(&mut board, "away-2", 9_002, start).1, "the oldest is gone");
        let end = start + SESSION + Duration::from_secs(1);
        board.sweep(end);
        assert_eq!(board.sessions.len(), 2, "only those that are connected");
        assert!(board.away.is_empty());
    }
}
