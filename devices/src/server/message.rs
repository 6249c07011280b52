//! A message as the server keeps it: a copy of its own, so that it holds no read buffer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rmqtt_codec::{
    types::{Publish, QoS},
    v5::PublishProperties,
};
use tokio::time::Instant;

use super::{limits::MESSAGE_COSTS, routes::SessionKey};

/// A message on its way to subscribers.
#[derive(Debug)]
pub(crate) struct Message {
    /// Where it was published.
    pub(crate) topic: Box<str>,
    /// What it says.
    pub(crate) payload: Bytes,
    /// As published.
    pub(crate) qos: QoS,
    /// As published.
    pub(crate) retain: bool,
    /// As published, without what concerns its publisher's connection alone.
    pub(crate) properties: Option<Box<PublishProperties>>,
    /// After this it is of no use.
    pub(crate) expires: Option<Instant>,
    /// Whose it is; nothing for the daemon's own.
    pub(crate) from: Option<SessionKey>,
}

impl Message {
    /// A copy of what a client published.
    pub(crate) fn copied(publish: &Publish, from: SessionKey, now: Instant) -> Arc<Self> {
        let properties = publish.properties.as_ref();
        let expiry = properties.and_then(|known| known.message_expiry_interval);
        Arc::new(Self {
            topic: (&*publish.topic).into(),
            payload: Bytes::copy_from_slice(&publish.payload),
            qos: publish.qos,
            retain: publish.retain,
            properties: properties.filter(|it| is_worth_keeping(it)).map(|it| Box::new(copy(it))),
            expires: expiry.map(|it| now + Duration::from_secs(it.get().into())),
            from: Some(from),
        })
    }

    /// What it costs in memory.
    pub(crate) fn bytes(&self) -> usize {
        let of_properties = self.properties.as_ref().map_or(0, |known| {
            let pairs = known.user_properties.iter();
            pairs.map(|(key, value)| key.len() + value.len() + 128).sum::<usize>()
                + known.content_type.as_deref().map_or(0, str::len)
                + known.response_topic.as_deref().map_or(0, str::len)
                + known.correlation_data.as_ref().map_or(0, Bytes::len)
        });
        MESSAGE_COSTS + self.topic.len() + self.payload.len() + of_properties
    }

    /// Whether it came too late.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// A message of the daemon's own.
pub(crate) fn own(
    topic: String,
    payload: Bytes,
    qos: QoS,
    expires: Option<Instant>,
) -> Arc<Message> {
    let (topic, properties) = (topic.into_boxed_str(), None);
    Arc::new(Message { topic, payload, qos, retain: false, properties, expires, from: None })
}

fn is_worth_keeping(known: &PublishProperties) -> bool {
    known.correlation_data.is_some()
        || known.content_type.is_some()
        || known.response_topic.is_some()
        || known.is_utf8_payload
        || !known.user_properties.is_empty()
}

/// Texts are slices of the read buffer: each gets memory of its own.
fn copy(known: &PublishProperties) -> PublishProperties {
    let pairs = known.user_properties.iter();
    PublishProperties {
        topic_alias: None,
        correlation_data: known.correlation_data.as_deref().map(Bytes::copy_from_slice),
        message_expiry_interval: None,
        content_type: known.content_type.as_deref().map(Into::into),
        user_properties: pairs.map(|(key, value)| ((&**key).into(), (&**value).into())).collect(),
        is_utf8_payload: known.is_utf8_payload,
        response_topic: known.response_topic.as_deref().map(Into::into),
        subscription_ids: Vec::new(),
    }
}
