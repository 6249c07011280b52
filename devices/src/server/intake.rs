//! What a client says: its share of the loop's queue, its rates, and what becomes of each packet.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::{event::Transit, state::Input, time::Span};
use metrics::counter;
use rmqtt_codec::{
    types::{Publish, QoS},
    v5::{
        DisconnectReasonCode as Code, PublishAckReason, RetainHandling, SubscribeAckReason,
        UnsubscribeAckReason,
    },
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    board::{Granted, life},
    connection::{End, reason},
    exchange::{Exchange, Published, is_fire},
    limits::{
        BURST, BYTES_A_SECOND, FIRE_SHARE, RATE, SHARE, SUBSCRIPTION_COSTS, UNACKNOWLEDGED,
        WAITING_BYTES,
    },
    message::Message,
    order::{Done, Order, Promise},
    packet::{Incoming, Outgoing, Trouble, trouble},
    rights::Who,
    routes::{SessionKey, Wish},
    session::Received,
    topics::is_topic,
};
use crate::{
    arrival::{Ack, Arrival},
    rate::Bucket,
};

/// What an event costs while it waits, beside its payload.
const EVENT_COSTS: usize = 256;
/// A second, for what is counted in one.
const SECOND: Duration = Duration::from_secs(1);

/// An event on its way to the loop.
struct Waiting {
    arrival: Arrival,
    bytes: usize,
}

/// One client's way in.
pub(crate) struct Intake {
    client_id: Box<str>,
    who: Who,
    acks: mpsc::Sender<Done>,
    /// Messages in the loop's queue that are not durable.
    share: usize,
    fire_share: usize,
    waiting: VecDeque<Waiting>,
    fires: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Messages that wait for their acknowledgement.
    owed: Order,
    messages: Bucket,
    bytes: Bucket,
    /// Messages in this second.
    spent: u32,
    second: Instant,
    /// Whether somebody has to look again soon, because no event will say so.
    again: bool,
    /// When a client came that had left something unsaid.
    resumed: Option<Instant>,
    useful: bool,
}

type Answers = Vec<Outgoing>;

impl Intake {
    /// Of a client that came now; `resumes` where it may bring what it said before.
    pub(crate) fn new(client_id: &str, who: Who, resumes: bool) -> (Self, mpsc::Receiver<Done>) {
        let now = Instant::now();
        let (acks, done) = mpsc::channel(SHARE + FIRE_SHARE);
        let intake = Self {
            client_id: client_id.into(),
            useful: who.is_known(),
            who,
            acks,
            share: 0,
            fire_share: 0,
            waiting: VecDeque::new(),
            fires: VecDeque::new(),
            waiting_bytes: 0,
            owed: Order::default(),
            messages: Bucket::new(RATE, BURST, now),
            bytes: Bucket::new(BYTES_A_SECOND, BYTES_A_SECOND, now),
            spent: 0,
            second: now,
            again: false,
            resumed: resumes.then_some(now),
        };
        (intake, done)
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) const fn who(&self) -> &Who {
        &self.who
    }

    /// Whether the next packet may be read.
    pub(crate) fn may_read(&mut self, exchange: &Exchange) -> bool {
        let full = self.owed.len() >= usize::from(UNACKNOWLEDGED)
            || self.waiting.len() >= usize::from(UNACKNOWLEDGED)
            || self.waiting_bytes >= WAITING_BYTES
            || (exchange.waiting.is_full() && !self.waiting.is_empty());
        if full {
            self.held(exchange, "more messages than it may have unacknowledged");
            return false;
        }
        let now = Instant::now();
        if now.saturating_duration_since(self.second) >= SECOND {
            (self.second, self.spent) = (now, 0);
        }
        let slow_enough = self.messages.has_some(now)
            && self.bytes.has_some(now)
            && exchange.may_send(self.spent, now);
        if !slow_enough {
            self.again = true;
            self.held(exchange, "more messages or bytes a second than it may send");
        }
        slow_enough
    }

    fn held(&self, exchange: &Exchange, why: &'static str) {
        counter!("kari_mqtt_clients_held_total").increment(1);
        exchange.say(&self.client_id, why);
    }

    /// Whether something is to be tried again that nothing will wake us for.
    pub(crate) const fn looks_again(&mut self) -> bool {
        std::mem::replace(&mut self.again, false)
    }

    /// A packet of so many bytes was read.
    pub(crate) fn spend(&mut self, bytes: usize, exchange: &Exchange) {
        self.spent = self.spent.saturating_add(1);
        self.messages.take(1);
        self.bytes.take(u32::try_from(bytes).unwrap_or(u32::MAX));
        exchange.spend(1);
    }

    /// Hands over what waits, fire first, as far as the client's share goes.
    pub(crate) fn hand_over(&mut self, exchange: &Exchange) {
        let inlets = &exchange.inlets;
        while self.fire_share < FIRE_SHARE
            && let Some(next) = self.fires.pop_front()
        {
            if let Err(arrival) = inlets.emergency.put(next.arrival) {
                self.again = true;
                self.fires.push_front(Waiting { arrival, ..next });
                break;
            }
            self.fire_share += 1;
            self.waits_no_more(next.bytes, exchange);
        }
        while self.share < SHARE
            && let Some(next) = self.waiting.pop_front()
        {
            if let Err(arrival) = inlets.gates.put(next.arrival) {
                self.again = true;
                self.waiting.push_front(Waiting { arrival, ..next });
                break;
            }
            self.share += 1;
            self.waits_no_more(next.bytes, exchange);
        }
        if self.waiting.is_empty() && self.waiting.capacity() > SHARE {
            self.waiting.shrink_to_fit();
        }
    }

    fn waits_no_more(&mut self, bytes: usize, exchange: &Exchange) {
        self.waiting_bytes -= bytes;
        exchange.waiting.give_back(bytes);
    }

    /// The loop is done with a message: what may be acknowledged by now goes into `answers`.
    pub(crate) fn done(
        &mut self,
        key: SessionKey,
        exchange: &Exchange,
        done: Done,
        answers: &mut Answers,
    ) {
        let share = if done.fire { &mut self.fire_share } else { &mut self.share };
        *share = share.saturating_sub(1);
        let settled = done.place.and_then(|place| self.owed.settle(place, done.durable));
        if let Some((id, QoS::ExactlyOnce)) = settled
            && done.durable
            && let Some(session) = exchange.board().sessions.get_mut(&key)
        {
            session.received.insert(id, Received::Stored);
        }
        answers.extend(std::iter::from_fn(|| self.owed.next()));
    }

    /// Whether something that it said has to be said again, and nothing else is to be waited for.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.owed.is_incomplete()
    }

    /// Acknowledges a message that nobody has to make durable.
    fn acknowledge(&mut self, publish: &Publish, reason: PublishAckReason, answers: &mut Answers) {
        if let Some(id) = publish.packet_id {
            self.owed.ready(id, publish.qos, reason);
            answers.extend(std::iter::from_fn(|| self.owed.next()));
        }
    }

    /// What becomes of a packet. `late` is since when this client was not read as fast as it sent.
    pub(crate) fn take(
        &mut self,
        (key, number): (SessionKey, u64),
        exchange: &Arc<Exchange>,
        packet: Incoming,
        late: Option<Instant>,
        answers: &mut Answers,
    ) -> Result<Option<End>, Trouble> {
        match packet {
            Incoming::Publish(publish) => {
                self.publish((key, number), exchange, &publish, late, answers)?;
            }
            Incoming::Subscribe(id, filters) => {
                let all = filters.into_iter();
                let all = all.map(|(filter, wish, handling)| {
                    self.subscribe(key, exchange, (&filter, wish, handling))
                });
                answers.push(Outgoing::Subscribed(id, all.collect()));
            }
            Incoming::Unsubscribe(id, filters) => {
                let mut board = exchange.board();
                let all = filters.iter().map(|filter| match board.unsubscribe(key, filter) {
                    true => UnsubscribeAckReason::Success,
                    false => UnsubscribeAckReason::NoSubscriptionExisted,
                });
                answers.push(Outgoing::Unsubscribed(id, all.collect()));
            }
            Incoming::Ping => answers.push(Outgoing::Pong),
            Incoming::Disconnect { will, expiry } => {
                return leave(key, exchange, will, expiry).map(Some);
            }
            delivery => deliver(key, exchange, &delivery, answers),
        }
        Ok(None)
    }

    fn subscribe(
        &mut self,
        key: SessionKey,
        exchange: &Exchange,
        (filter, wish, handling): (&str, Wish, RetainHandling),
    ) -> SubscribeAckReason {
        self.messages.take(SUBSCRIPTION_COSTS);
        exchange.spend(SUBSCRIPTION_COSTS);
        let granted = exchange.board().subscribe(key, (filter, wish, handling), Instant::now());
        let refused = match granted {
            Granted::Yes(QoS::AtMostOnce) => SubscribeAckReason::GrantedQos0,
            Granted::Yes(QoS::AtLeastOnce) => SubscribeAckReason::GrantedQos1,
            Granted::Yes(QoS::ExactlyOnce) => SubscribeAckReason::GrantedQos2,
            Granted::Invalid => SubscribeAckReason::TopicFilterInvalid,
            Granted::NotAllowed => SubscribeAckReason::NotAuthorized,
            Granted::TooMany => SubscribeAckReason::QuotaExceeded,
        };
        if matches!(granted, Granted::NotAllowed | Granted::TooMany) {
            exchange.say(&self.client_id, "a subscription was refused");
        }
        if matches!(granted, Granted::Yes(_)) && exchange.gates().are_commands(filter) {
            self.becomes_useful(key, exchange);
        }
        refused
    }

    fn becomes_useful(&mut self, key: SessionKey, exchange: &Exchange) {
        if !std::mem::replace(&mut self.useful, true) {
            let number = {
                let mut board = exchange.board();
                board.is_useful(key);
                board.sessions.get(&key).and_then(|it| it.handle.as_ref()).map(|it| it.number)
            };
            number.into_iter().for_each(|number| exchange.registry().is_useful(number));
        }
    }

    fn publish(
        &mut self,
        (key, number): (SessionKey, u64),
        exchange: &Arc<Exchange>,
        publish: &Publish,
        late: Option<Instant>,
        answers: &mut Answers,
    ) -> Result<(), Trouble> {
        check(publish)?;
        let (id, qos) = (publish.packet_id, publish.qos);
        let again = match repeats((key, number), exchange, publish)? {
            Repeats::No => false,
            Repeats::Unheard => true,
            Repeats::Stored => {
                self.acknowledge(publish, PublishAckReason::Success, answers);
                return Ok(());
            }
            Repeats::Waits => return Ok(()),
        };
        if !exchange.rights.may_publish(&self.who, &publish.topic) {
            counter!("kari_mqtt_messages_dropped_total", "why" => "not_allowed").increment(1);
            exchange.say(&self.client_id, "it may not publish to one of its topics");
            self.acknowledge(publish, PublishAckReason::NotAuthorized, answers);
            return Ok(());
        }
        let message = Message::copied(publish, key, Instant::now());
        let Published { input, heard, reached, refused } =
            exchange.publish(&message, (key, again, self.transit(publish, late)));
        if refused {
            exchange.say(&self.client_id, "more is retained than it may have retained");
        }
        let Some(input) = input else {
            let reason = reason(reached, heard, refused);
            let mut board = exchange.board();
            if let (Some(id), QoS::ExactlyOnce) = (id, qos)
                && u8::from(reason) < 0x80
                && let Some(session) = board.sessions.get_mut(&key)
            {
                session.received.insert(id, Received::Stored);
            }
            drop(board);
            self.acknowledge(publish, reason, answers);
            return Ok(());
        };
        if let (Some(id), QoS::ExactlyOnce) = (id, qos)
            && let Some(session) = exchange.board().sessions.get_mut(&key)
        {
            session.received.insert(id, Received::Waits(number));
        }
        self.becomes_useful(key, exchange);
        self.queue(exchange, input, publish);
        Ok(())
    }

    /// Puts an event on its way to the loop.
    fn queue(&mut self, exchange: &Exchange, input: Input, publish: &Publish) {
        let (id, qos) = (publish.packet_id, publish.qos);
        let fire = is_fire(&input);
        let place = id.map(|id| self.owed.waits(id, qos));
        let done = Done { place, fire, durable: false };
        let promise = Promise { acks: self.acks.clone(), done };
        let ack = Ack::new(move || promise.keep());
        let bytes = EVENT_COSTS + publish.payload.len();
        self.waiting_bytes += bytes;
        exchange.waiting.add(bytes);
        let waits = Waiting { arrival: Arrival { input, ack }, bytes };
        let queue = if fire { &mut self.fires } else { &mut self.waiting };
        queue.push_back(waits);
        self.hand_over(exchange);
    }

    /// How a message came: what is said again, what a session that goes on brings, and what lay in
    /// a socket that was not read, may have waited.
    fn transit(&self, publish: &Publish, late: Option<Instant>) -> Transit {
        let waited = publish.dup || late.is_some_and(|since| since.elapsed() > SECOND);
        let up_for = match (waited, self.resumed) {
            (true, _) => Duration::ZERO,
            (false, Some(since)) => since.elapsed(),
            (false, None) => return Transit::Straight,
        };
        let up_for = Span(i64::try_from(up_for.as_micros()).unwrap_or(i64::MAX));
        let known = publish.properties.as_ref();
        let expires_in = known.and_then(|known| known.message_expiry_interval);
        Transit::Kept {
            up_for,
            expires_in: expires_in.map(|left| Span::seconds(left.get().into())),
        }
    }

    /// The connection has ended: what nobody took comes again with the next one.
    pub(crate) fn end(&mut self, exchange: &Exchange) {
        for left in self.waiting.drain(..).chain(self.fires.drain(..)) {
            exchange.waiting.give_back(left.bytes);
            exchange.gates().not_taken(&left.arrival.input);
        }
    }
}

/// Whether a QoS 2 message was said before.
enum Repeats {
    No,
    /// By a connection that has ended before it was durable.
    Unheard,
    /// By this connection, and it is not durable yet.
    Waits,
    Stored,
}

fn repeats(
    (key, number): (SessionKey, u64),
    exchange: &Exchange,
    publish: &Publish,
) -> Result<Repeats, Trouble> {
    let (Some(id), QoS::ExactlyOnce) = (publish.packet_id, publish.qos) else {
        return Ok(Repeats::No);
    };
    let board = exchange.board();
    let Some(session) = board.sessions.get(&key) else { return Ok(Repeats::Waits) };
    match session.received.get(&id) {
        Some(Received::Stored) => Ok(Repeats::Stored),
        Some(Received::Waits(by)) if *by == number => Ok(Repeats::Waits),
        Some(Received::Waits(_)) => Ok(Repeats::Unheard),
        None if session.received.len() >= usize::from(UNACKNOWLEDGED) => {
            Err(trouble(Code::ReceiveMaximumExceeded, "too many QoS 2 messages are not ended"))
        }
        None => Ok(Repeats::No),
    }
}

/// What the library leaves to us.
fn check(publish: &Publish) -> Result<(), Trouble> {
    let properties = publish.properties.as_ref();
    if properties.is_some_and(|known| known.topic_alias.is_some()) {
        return Err(trouble(Code::TopicAliasInvalid, "no topic alias is taken"));
    }
    if !is_topic(&publish.topic) {
        return Err(trouble(Code::TopicNameInvalid, "a topic is none"));
    }
    let response = properties.and_then(|known| known.response_topic.as_deref());
    if response.is_some_and(|topic| !is_topic(topic)) {
        return Err(trouble(Code::ProtocolError, "a response topic is none"));
    }
    Ok(())
}

fn leave(
    key: SessionKey,
    exchange: &Exchange,
    will: bool,
    expiry: Option<u32>,
) -> Result<End, Trouble> {
    let mut board = exchange.board();
    if let (Some(session), Some(seconds)) = (board.sessions.get_mut(&key), expiry) {
        if session.expiry.is_zero() && seconds > 0 {
            return Err(trouble(Code::ProtocolError, "a session that ends cannot be prolonged"));
        }
        session.expiry = life(seconds);
    }
    Ok(End::Left { will })
}

/// What a client says of what was sent to it, and the end of what it has sent with QoS 2.
fn deliver(key: SessionKey, exchange: &Exchange, packet: &Incoming, answers: &mut Answers) {
    let mut board = exchange.board();
    let Some(session) = board.sessions.get_mut(&key) else { return };
    match *packet {
        Incoming::Acknowledged(id) => session.outbox.done(id, QoS::AtLeastOnce),
        Incoming::Completed(id) => session.outbox.done(id, QoS::ExactlyOnce),
        Incoming::Received(id, refused) => {
            session.outbox.received(id, refused);
            answers.extend((!refused).then_some(Outgoing::Release(id)));
        }
        Incoming::Release(id) => {
            session.received.remove(&id);
            answers.push(Outgoing::Complete(id));
        }
        _ => {}
    }
}
