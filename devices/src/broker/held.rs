//! An event is acknowledged to its device once the daemon has stored it.
//!
//! The broker inside keeps its messages in memory: what it had acknowledged and the daemon had not
//! stored would be lost with the process. So it hands an event of a gate on, and waits with its
//! acknowledgement for the daemon's. That stops everything else on the connection of this gate, a
//! fire input behind the event too, so it waits for a moment only; and not at all while the store
//! stands still, until it stores something again.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use metrics::counter;
use mqtt5::{
    QoS,
    broker::{BrokerEventHandler, ClientPublishEvent, PublishAction, router::MessageRouter},
    packet::publish::PublishPacket,
};
use tokio::{sync::oneshot, time::timeout};

use crate::mqtt::topics;

/// The longest that a gate's connection stands still. An exit has to open 150 ms after its read.
const PATIENCE: Duration = Duration::from_millis(100);

/// What tells an event: its topic and what it says, boot and sequence among it.
type Said = (Arc<str>, Bytes);

/// The events whose acknowledgement waits for the daemon; one for each client at the most.
#[derive(Default)]
pub(crate) struct Held {
    router: OnceLock<Weak<MessageRouter>>,
    waiting: Mutex<HashMap<Said, Vec<oneshot::Sender<()>>>>,
    /// Whether the store seems to stand still.
    stands_still: AtomicBool,
}

impl Held {
    /// Events go on by this router.
    pub(crate) fn route_by(&self, router: &Arc<MessageRouter>) {
        self.router.get_or_init(|| Arc::downgrade(router));
    }

    /// The daemon has stored this event.
    pub(crate) fn stored(&self, topic: &str, payload: &Bytes) {
        self.stands_still.store(false, Ordering::Relaxed);
        let said = (Arc::from(topic), payload.clone());
        for waiting in self.lock().remove(&said).unwrap_or_default() {
            if waiting.send(()).is_err() {
                tracing::debug!(topic, "stored after its acknowledgement");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Said, Vec<oneshot::Sender<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets those who wait no more for this event.
    fn give_up(&self, said: &Said) {
        let mut waiting = self.lock();
        let Some(senders) = waiting.get_mut(said) else { return };
        senders.retain(|sender| !sender.is_closed());
        if senders.is_empty() {
            waiting.remove(said);
        }
    }

    /// Hands an event on, and waits for the daemon.
    async fn hold(&self, event: ClientPublishEvent, router: &MessageRouter) -> PublishAction {
        let said = (Arc::clone(&event.topic), event.payload.clone());
        let (sender, stored) = oneshot::channel();
        self.lock().entry(said.clone()).or_default().push(sender);
        let publish = PublishPacket::new(event.topic.to_string(), event.payload, event.qos);
        router.route_message(&publish, Some(&event.client_id)).await;
        if !matches!(timeout(PATIENCE, stored).await, Ok(Ok(()))) {
            self.give_up(&said);
            self.stands_still.store(true, Ordering::Relaxed);
            counter!("kari_device_messages_acknowledged_unstored_total").increment(1);
        }
        PublishAction::Handled
    }
}

fn waits(event: &ClientPublishEvent) -> bool {
    let counted = topics::parse(&event.topic).is_some_and(|(_, part)| !part.is_state());
    counted && !event.retain && event.qos != QoS::AtMostOnce
}

impl BrokerEventHandler for Held {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        let router = self.router.get().and_then(Weak::upgrade);
        match router.filter(|_| waits(&event) && !self.stands_still.load(Ordering::Relaxed)) {
            Some(router) => Box::pin(async move { self.hold(event, &router).await }),
            None => Box::pin(std::future::ready(PublishAction::Continue)),
        }
    }
}
