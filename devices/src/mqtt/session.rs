//! One connection to a broker after another, each with a client object of its own.
//!
//! A new object for every connection is what keeps an acknowledgement from reaching a connection
//! that its message did not come by, and what ends the livelock of a lost session with a packet id
//! that waits for ever. `poll()` runs alone here; whatever is published comes from elsewhere,
//! through the client's bounded queue.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use domain::{
    ids::{CommandId, DeviceId},
    time::Clock,
};
use metrics::counter;
use rumqttc::{
    NetworkOptions, Outgoing,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Request,
        mqttbytes::{
            QoS,
            v5::{Filter, Packet, PubAckReason, Publish, PublishProperties, SubscribeReasonCode},
        },
    },
};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::encode::{Message, command_of, is_fresh};
use crate::{
    arrival::Ack,
    backoff::Backoff,
    config::Login,
    outcome::{Failures, Why},
};

/// The broker may have so many unacknowledged messages on their way to us.
pub(crate) const RECEIVE_MAXIMUM: u16 = 1024;
/// So many of ours may wait for the broker.
const IN_FLIGHT: u16 = 1024;
/// Places in the client's queue: acknowledgements of everything in flight, and commands.
const QUEUE: usize = RECEIVE_MAXIMUM as usize + 1024;
/// Commands that wait while there is no connection.
const WAITING: usize = 256;
/// Larger than any payload that is looked at, so that such a message is seen and refused.
const PACKET_BYTES: u32 = 16 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
/// Facts wait so long at the broker for a daemon that is away.
const SESSION_SECONDS: u32 = 24 * 3600;
const CANARY_EVERY: Duration = Duration::from_millis(2500);
const CANARY_DEAD: Duration = Duration::from_secs(10);

/// Where to connect, and as whom.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) client_id: String,
    pub(crate) login: Option<Login>,
    pub(crate) filters: Vec<Filter>,
    /// The one of them that is listened to for what is retained, and no longer: whoever listens
    /// keeps the broker from saying that nobody else does.
    pub(crate) retained: Option<&'static str>,
}

/// What a link does with its connection. It never waits.
pub(crate) trait Handler: Send {
    /// There is a connection; what it brings first may have waited for it.
    fn connected(&mut self);
    /// Everything is subscribed.
    fn up(&mut self);
    /// A message came.
    fn message(&mut self, publish: &Publish, ack: Ack);
    /// There has been no connection for so long.
    fn down(&mut self, since: Duration);
}

/// The way out of a link: commands go here from any thread and never wait.
pub(crate) struct Line {
    client: RwLock<Outward>,
    clock: Arc<dyn Clock>,
    /// Where it is said that a command could not be sent.
    failures: Option<Arc<Failures>>,
}

#[derive(Default)]
struct Outward {
    client: Option<Publisher>,
    waiting: VecDeque<Message>,
}

/// A command on its way: its device and its id.
type Carried = (DeviceId, CommandId);

/// The client of one connection, with the commands among what it publishes, in order: the packet
/// id of each comes to light only when it leaves.
#[derive(Clone)]
struct Publisher {
    client: AsyncClient,
    leaving: Arc<Mutex<VecDeque<Option<Carried>>>>,
}

impl Publisher {
    fn new(client: AsyncClient) -> Self {
        Self { client, leaving: Arc::new(Mutex::new(VecDeque::new())) }
    }

    fn publish(&self, message: &Message, retain: bool) -> bool {
        let properties = PublishProperties {
            message_expiry_interval: Some(message.expiry),
            ..PublishProperties::default()
        };
        let (topic, payload) = (message.topic.as_str(), message.payload.clone());
        // What two threads publish has to stand in both queues in one order.
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = self
            .client
            .try_publish_with_properties(topic, message.qos, retain, payload, properties)
            .is_ok();
        if sent {
            leaving.push_back(command_of(topic, &message.payload));
        }
        sent
    }

    /// The next one has left.
    fn left(&self) -> Option<Carried> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten()
    }
}

impl Line {
    pub(crate) fn new(clock: Arc<dyn Clock>, failures: Option<Arc<Failures>>) -> Arc<Self> {
        Arc::new(Self { client: RwLock::new(Outward::default()), clock, failures })
    }

    /// Whether there is a connection.
    pub(crate) fn is_up(&self) -> bool {
        self.client.read().unwrap_or_else(PoisonError::into_inner).client.is_some()
    }

    /// Publishes, or keeps the message for the next connection; `false` where it is full.
    pub(crate) fn send(&self, message: Message) -> bool {
        if let Some(client) = &self.client.read().unwrap_or_else(PoisonError::into_inner).client {
            return client.publish(&message, false);
        }
        let mut outward = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &outward.client {
            return client.publish(&message, false);
        }
        let kept = outward.waiting.len() < WAITING;
        if kept {
            outward.waiting.push_back(message);
        }
        kept
    }

    /// Publishes now or not at all.
    pub(crate) fn send_now(&self, message: &Message) -> bool {
        let outward = self.client.read().unwrap_or_else(PoisonError::into_inner);
        outward.client.as_ref().is_some_and(|client| client.publish(message, false))
    }

    /// Removes a retained message that has no right to be one.
    pub(crate) fn clear(&self, topic: &str) {
        let empty = Message {
            topic: topic.to_owned(),
            payload: bytes::Bytes::new(),
            qos: QoS::AtLeastOnce,
            expiry: 60,
        };
        let outward = self.client.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &outward.client
            && !client.publish(&empty, true)
        {
            tracing::warn!(topic, "a retained command could not be cleared; it will be next time");
        }
    }

    /// The connection stands: what waited goes out, unless it went stale.
    fn open(&self, client: Publisher) {
        let now = self.clock.now();
        let mut outward = self.client.write().unwrap_or_else(PoisonError::into_inner);
        for message in std::mem::take(&mut outward.waiting) {
            let fresh = is_fresh(message.topic.as_bytes(), &message.payload, now);
            let sent = fresh && client.publish(&message, false);
            if !sent {
                counter!("kari_device_commands_dropped_total", "why" => "stale").increment(1);
                let why = if fresh { Why::QueueFull } else { Why::Stale };
                self.failed(&message.topic, &message.payload, why);
            }
        }
        outward.client = Some(client);
    }

    /// Gives up what waited for a connection until its time was over.
    pub(crate) fn give_up_stale(&self) {
        let now = self.clock.now();
        let outward = self.client.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh =
            |message: &Message| is_fresh(message.topic.as_bytes(), &message.payload, now);
        if outward.waiting.iter().all(is_fresh) {
            return;
        }
        drop(outward);
        let mut outward = self.client.write().unwrap_or_else(PoisonError::into_inner);
        let (fresh, stale): (VecDeque<_>, VecDeque<_>) =
            outward.waiting.drain(..).partition(is_fresh);
        outward.waiting = fresh;
        drop(outward);
        for message in stale {
            counter!("kari_device_commands_dropped_total", "why" => "stale").increment(1);
            self.failed(&message.topic, &message.payload, Why::Stale);
        }
    }

    /// Says that a command took no effect.
    fn failed(&self, topic: &str, payload: &[u8], why: Why) {
        if let Some(failures) = &self.failures
            && let Some((device, id)) = command_of(topic, payload)
        {
            failures.failed_by_id(&device, id, why);
        }
    }

    /// Nobody listens to the topic of a command.
    fn unheard(&self, (device, id): &Carried) {
        if let Some(failures) = &self.failures {
            failures.failed_by_id(device, *id, Why::Unheard);
        }
    }

    /// The connection is gone: what it had not delivered waits for the next.
    fn close(&self, events: &mut EventLoop) {
        let mut outward = self.client.write().unwrap_or_else(PoisonError::into_inner);
        outward.client = None;
        // Nothing can be queued any more; what is queued becomes pending.
        events.clean();
        for request in std::mem::take(&mut events.pending) {
            let Request::Publish(publish) = request else { continue };
            let Ok(topic) = String::from_utf8(publish.topic.to_vec()) else { continue };
            let fresh = is_fresh(topic.as_bytes(), &publish.payload, self.clock.now());
            if !fresh || outward.waiting.len() >= WAITING {
                self.failed(&topic, &publish.payload, Why::Lost);
            } else {
                let expiry = publish.properties.and_then(|known| known.message_expiry_interval);
                outward.waiting.push_back(Message {
                    topic,
                    payload: publish.payload,
                    qos: publish.qos,
                    expiry: expiry.unwrap_or(1),
                });
            }
        }
    }
}

/// Keeps connecting until `stop`.
pub(crate) async fn run(
    spec: Spec,
    line: Arc<Line>,
    handler: &mut impl Handler,
    mut backoff: Backoff,
    stop: CancellationToken,
) {
    let mut down_since = Instant::now();
    while !stop.is_cancelled() {
        let (client, mut events) = AsyncClient::new(spec.options(), QUEUE);
        let opening = timeout(CONNECT, connected(&mut events));
        match stop.run_until_cancelled(opening).await {
            None => return,
            Some(Ok(Ok(()))) => {
                backoff.reset();
                handler.connected();
                let why = serve(&spec, client, &mut events, &line, handler, &stop).await;
                down_since = Instant::now();
                if stop.is_cancelled() {
                    return;
                }
                tracing::warn!(client = %spec.client_id, why, "the broker's connection ended");
            }
            Some(Ok(Err(error))) => {
                tracing::warn!(client = %spec.client_id, %error, "the broker cannot be reached");
            }
            Some(Err(_)) => {
                tracing::warn!(client = %spec.client_id, "the broker does not answer");
            }
        }
        counter!("kari_broker_connections_failed_total").increment(1);
        handler.down(down_since.elapsed());
        if stop.run_until_cancelled(sleep(backoff.next())).await.is_none() {
            return;
        }
        handler.down(down_since.elapsed());
    }
}

async fn connected(events: &mut EventLoop) -> Result<(), ConnectionError> {
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = events.poll().await? {
            return Ok(());
        }
    }
}

/// One connection, to its end; why it ended.
async fn serve(
    spec: &Spec,
    client: AsyncClient,
    events: &mut EventLoop,
    line: &Line,
    handler: &mut impl Handler,
    stop: &CancellationToken,
) -> String {
    let mut filters = spec.filters.clone();
    filters.push(Filter::new(spec.canary(), QoS::AtLeastOnce));
    if client.try_subscribe_many(filters).is_err() {
        return "the topics could not be asked for".to_owned();
    }
    tracing::info!(client = %spec.client_id, "the broker is connected");
    let client = Publisher::new(client);
    let ended = CancellationToken::new();
    let canary = tokio::spawn(sing(client.clone(), spec.canary(), ended.clone()));
    let why = listen(spec, &client, events, line, handler, stop).await;
    ended.cancel();
    if canary.await.is_err() {
        tracing::error!("the canary's task had failed");
    }
    line.close(events);
    why
}

async fn listen(
    spec: &Spec,
    publisher: &Publisher,
    events: &mut EventLoop,
    line: &Line,
    handler: &mut impl Handler,
    stop: &CancellationToken,
) -> String {
    let client = &publisher.client;
    // The commands that wait for the broker's word, by packet id: no more than are in flight.
    let mut carried: HashMap<u16, Carried> = HashMap::new();
    let mut retained = spec.retained;
    let canary = spec.canary();
    let dead = sleep_until(Instant::now() + CANARY_DEAD);
    tokio::pin!(dead);
    loop {
        // Giving up a poll in its middle may lose a packet: only the ends of a connection do.
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => {
                say_goodbye(client, events).await;
                return "the daemon stops".to_owned();
            }
            event = events.poll() => event,
            () = &mut dead => return "the canary has not come back for 10 s".to_owned(),
        };
        match event {
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                if publish.topic == canary.as_bytes() {
                    dead.as_mut().reset(Instant::now() + CANARY_DEAD);
                    // What was retained came before it.
                    if let Some(topic) = retained.take()
                        && client.try_unsubscribe(topic).is_err()
                    {
                        retained = Some(topic);
                    }
                    acknowledgement(client, &publish).done();
                } else {
                    let ack = acknowledgement(client, &publish);
                    handler.message(&publish, ack);
                }
            }
            Ok(Event::Incoming(Packet::SubAck(granted))) => {
                if granted.return_codes.iter().any(|code| !is_granted(*code)) {
                    return format!("a topic is refused: {:?}", granted.return_codes);
                }
                line.open(publisher.clone());
                handler.up();
            }
            Ok(Event::Outgoing(Outgoing::Publish(id))) => {
                if let Some(command) = publisher.left().filter(|_| id > 0) {
                    carried.insert(id, command);
                }
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => {
                let command = carried.remove(&ack.pkid);
                if ack.reason == PubAckReason::NoMatchingSubscribers
                    && let Some(command) = command
                {
                    line.unheard(&command);
                }
            }
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    }
}

const fn is_granted(code: SubscribeReasonCode) -> bool {
    matches!(code, SubscribeReasonCode::Success(_))
}

/// Leaves in order, so that the broker keeps the session and sends no will.
async fn say_goodbye(client: &AsyncClient, events: &mut EventLoop) {
    if client.try_disconnect().is_err() {
        return;
    }
    let leaving = async { while events.poll().await.is_ok() {} };
    if timeout(Duration::from_millis(300), leaving).await.is_err() {
        tracing::debug!("left without the broker's leave");
    }
}

/// Publishes to our own topic as long as the connection is said to live.
async fn sing(client: Publisher, topic: String, ended: CancellationToken) {
    let mut beat = tokio::time::interval(CANARY_EVERY);
    while ended.run_until_cancelled(beat.tick()).await.is_some() {
        let message = Message {
            topic: topic.clone(),
            payload: bytes::Bytes::from_static(b"alive"),
            qos: QoS::AtLeastOnce,
            expiry: 10,
        };
        if !client.publish(&message, false) {
            tracing::debug!("no place for the canary");
        }
    }
}

/// What acknowledges `publish` on the connection that it came by, and on no other.
fn acknowledgement(client: &AsyncClient, publish: &Publish) -> Ack {
    if publish.qos == QoS::AtMostOnce {
        return Ack::none();
    }
    let (client, id) = (client.clone(), publish.pkid);
    let qos = publish.qos;
    let runtime = tokio::runtime::Handle::current();
    Ack::new(move || {
        let what = Publish { pkid: id, qos, ..Publish::default() };
        if client.try_ack(&what).is_err() {
            // The queue is full of commands, or the connection is gone; both end by themselves.
            runtime.spawn(async move {
                if client.ack(&what).await.is_err() {
                    tracing::debug!("an acknowledgement came too late for its connection");
                }
            });
        }
    })
}

impl Spec {
    fn canary(&self) -> String {
        format!("kari/{}/canary", self.client_id)
    }

    fn options(&self) -> MqttOptions {
        let mut options = MqttOptions::new(&self.client_id, &self.host, self.port);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options
            .set_network_options(network)
            .set_keep_alive(KEEP_ALIVE)
            .set_connection_timeout(CONNECT.as_secs())
            .set_clean_start(false)
            .set_session_expiry_interval(Some(SESSION_SECONDS))
            .set_receive_maximum(Some(RECEIVE_MAXIMUM))
            .set_max_packet_size(Some(PACKET_BYTES))
            .set_outgoing_inflight_upper_limit(IN_FLIGHT)
            .set_manual_acks(true);
        if let Some(login) = &self.login {
            options.set_credentials(&login.username, &login.password);
        }
        options
    }
}
