//! Packets of both versions in one form.

use std::num::{NonZeroU16, NonZeroU32};

use bytes::BytesMut;
use rmqtt_codec::{
    error::DecodeError,
    types::{Publish, QoS},
    v3,
    v5::{self, DisconnectReasonCode as Code, PublishAckReason, RetainHandling},
    version::{ProtocolVersion, VersionCodec},
};
use tokio_util::codec::{Decoder, Encoder};

use super::{
    limits::{FILTERS, PACKET_BYTES, USER_PROPERTIES},
    routes::Wish,
};

/// Why a connection is ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    /// For a client of version 5.
    pub(crate) code: Code,
    /// For people.
    pub(crate) why: &'static str,
}

/// Trouble with this code.
pub(crate) const fn trouble(code: Code, why: &'static str) -> Trouble {
    Trouble { code, why }
}

/// What a client sends after its CONNECT.
#[derive(Debug)]
pub(crate) enum Incoming {
    Publish(Box<Publish>),
    Acknowledged(NonZeroU16),
    /// Of QoS 2; `true` where the client refuses it.
    Received(NonZeroU16, bool),
    Release(NonZeroU16),
    Completed(NonZeroU16),
    Subscribe(NonZeroU16, Vec<(Box<str>, Wish, RetainHandling)>),
    Unsubscribe(NonZeroU16, Vec<Box<str>>),
    Ping,
    /// With the will wanted, and another end of the session.
    Disconnect {
        will: bool,
        expiry: Option<u32>,
    },
}

/// What a client is sent after its CONNACK.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Publish(Box<Publish>),
    Acknowledge(NonZeroU16, PublishAckReason),
    Receive(NonZeroU16, PublishAckReason),
    Release(NonZeroU16),
    Complete(NonZeroU16),
    Subscribed(NonZeroU16, Vec<v5::SubscribeAckReason>),
    Unsubscribed(NonZeroU16, Vec<v5::UnsubscribeAckReason>),
    Pong,
    Disconnect(Code),
}

/// A client's first packet.
#[derive(Debug)]
pub(crate) enum First {
    V3(Box<v3::Connect>),
    V5(Box<v5::Connect>),
}

/// The library's codec for a client's version.
#[derive(Debug)]
pub(crate) enum Codec {
    V3(v3::Codec),
    V5(v5::Codec),
}

/// Reads the first packet; the error is what the client is sent, maybe nothing.
pub(crate) fn first(buffer: &mut BytesMut) -> Result<Option<(Codec, First)>, &'static [u8]> {
    if buffer.first().is_some_and(|byte| *byte != 0x10) {
        return Err(b"");
    }
    let version = match VersionCodec.decode(buffer) {
        Ok(Some(version)) => version,
        Ok(None) => return Ok(None),
        // A bridge asks for a level of its own first, and takes the next lower one on this answer.
        Err(DecodeError::InvalidProtocol) => return Err(b"\x20\x02\x00\x01"),
        Err(_) => return Err(b""),
    };
    if !is_whole(buffer)? {
        return Ok(None);
    }
    match version {
        ProtocolVersion::MQTT3 => {
            let mut codec = v3::Codec::new(PACKET_BYTES);
            match codec.decode(buffer) {
                Ok(Some((v3::Packet::Connect(connect), _))) => {
                    Ok(Some((Codec::V3(codec), First::V3(connect))))
                }
                Err(DecodeError::InvalidClientId) => Err(b"\x20\x02\x00\x02"),
                _ => Err(b""),
            }
        }
        ProtocolVersion::MQTT5 => {
            let mut codec = v5::Codec::new(PACKET_BYTES, 0);
            match codec.decode(buffer) {
                Ok(Some((v5::Packet::Connect(connect), _))) => {
                    Ok(Some((Codec::V5(codec), First::V5(connect))))
                }
                Err(DecodeError::InvalidClientId) => Err(b"\x20\x03\x00\x85\x00"),
                _ => Err(b""),
            }
        }
    }
}

/// Whether the whole packet is there. The codec must see it so, or it loses its first bytes with
/// the codec that read them.
fn is_whole(buffer: &[u8]) -> Result<bool, &'static [u8]> {
    let mut length = 0_usize;
    for (place, byte) in buffer.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            if length > PACKET_BYTES as usize {
                return Err(b"");
            }
            return Ok(buffer.len() >= place + 2 + length);
        }
    }
    if buffer.len() > 5 { Err(b"") } else { Ok(false) }
}

impl Codec {
    /// Whether the client speaks version 5.
    pub(crate) const fn is_five(&self) -> bool {
        matches!(self, Self::V5(_))
    }

    /// The next packet, if all of it is there.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, Trouble> {
        match self {
            Self::V3(codec) => {
                let packet = codec.decode(buffer).map_err(|error| malformed(&error))?;
                packet.map(|(packet, _)| of_three(packet)).transpose()
            }
            Self::V5(codec) => {
                let packet = codec.decode(buffer).map_err(|error| malformed(&error))?;
                packet.map(|(packet, _)| of_five(packet)).transpose()
            }
        }
    }

    /// Writes a packet of the client's version. What that version does not have is left out.
    pub(crate) fn encode(&mut self, packet: Outgoing, into: &mut BytesMut) {
        let written = match self {
            Self::V3(codec) => three(packet).map(|packet| codec.encode(packet, into)),
            Self::V5(codec) => Some(codec.encode(five(packet), into)),
        };
        if let Some(Err(error)) = written {
            tracing::error!(%error, "a packet could not be written");
        }
    }
}

fn malformed(error: &DecodeError) -> Trouble {
    let code = match error {
        DecodeError::MaxSizeExceeded { .. } => Code::PacketTooLarge,
        DecodeError::InvalidTopicName => Code::TopicNameInvalid,
        DecodeError::UnsupportedPacketType => Code::ProtocolError,
        _ => Code::MalformedPacket,
    };
    trouble(code, "a packet cannot be read")
}

const BACKWARDS: Trouble =
    trouble(Code::ProtocolError, "a packet that only a server sends, or a second CONNECT");
const TOO_MANY: Trouble =
    trouble(Code::ImplementationSpecificError, "too many filters or properties in one packet");

fn of_three(packet: v3::Packet) -> Result<Incoming, Trouble> {
    let plain = |qos| Wish { qos, no_local: false, retain_as_published: false, id: None };
    Ok(match packet {
        v3::Packet::Publish(publish) => Incoming::Publish(publish),
        v3::Packet::PublishAck { packet_id } => Incoming::Acknowledged(packet_id),
        v3::Packet::PublishReceived { packet_id } => Incoming::Received(packet_id, false),
        v3::Packet::PublishRelease { packet_id } => Incoming::Release(packet_id),
        v3::Packet::PublishComplete { packet_id } => Incoming::Completed(packet_id),
        v3::Packet::Subscribe { packet_id, topic_filters } => {
            check(topic_filters.len(), 0)?;
            let all = topic_filters.iter();
            let all =
                all.map(|(it, qos)| ((&**it).into(), plain(*qos), RetainHandling::AtSubscribe));
            Incoming::Subscribe(packet_id, all.collect())
        }
        v3::Packet::Unsubscribe { packet_id, topic_filters } => {
            check(topic_filters.len(), 0)?;
            Incoming::Unsubscribe(
                packet_id,
                topic_filters.iter().map(|it| (&**it).into()).collect(),
            )
        }
        v3::Packet::PingRequest => Incoming::Ping,
        v3::Packet::Disconnect => Incoming::Disconnect { will: false, expiry: None },
        _ => return Err(BACKWARDS),
    })
}

fn of_five(packet: v5::Packet) -> Result<Incoming, Trouble> {
    Ok(match packet {
        v5::Packet::Publish(publish) => {
            let properties = publish.properties.as_ref();
            check(0, properties.map_or(0, |it| it.user_properties.len()))?;
            if properties.is_some_and(|it| !it.subscription_ids.is_empty()) {
                return Err(BACKWARDS);
            }
            Incoming::Publish(publish)
        }
        v5::Packet::PublishAck(ack) => Incoming::Acknowledged(ack.packet_id),
        v5::Packet::PublishReceived(ack) => {
            Incoming::Received(ack.packet_id, u8::from(ack.reason_code) >= 0x80)
        }
        v5::Packet::PublishRelease(ack) => Incoming::Release(ack.packet_id),
        v5::Packet::PublishComplete(ack) => Incoming::Completed(ack.packet_id),
        v5::Packet::Subscribe(subscribe) => {
            check(subscribe.topic_filters.len(), subscribe.user_properties.len())?;
            let all = subscribe.topic_filters.iter();
            let all = all.map(|(it, options)| {
                let wish = Wish {
                    qos: options.qos,
                    no_local: options.no_local,
                    retain_as_published: options.retain_as_published,
                    id: subscribe.id,
                };
                ((&**it).into(), wish, options.retain_handling)
            });
            Incoming::Subscribe(subscribe.packet_id, all.collect())
        }
        v5::Packet::Unsubscribe(unsubscribe) => {
            check(unsubscribe.topic_filters.len(), unsubscribe.user_properties.len())?;
            let all = unsubscribe.topic_filters.iter().map(|it| (&**it).into());
            Incoming::Unsubscribe(unsubscribe.packet_id, all.collect())
        }
        v5::Packet::PingRequest => Incoming::Ping,
        v5::Packet::Disconnect(disconnect) => Incoming::Disconnect {
            will: disconnect.reason_code != Code::NormalDisconnection,
            expiry: disconnect.session_expiry_interval_secs,
        },
        _ => return Err(BACKWARDS),
    })
}

fn check(filters: usize, properties: usize) -> Result<(), Trouble> {
    if filters > FILTERS || properties > USER_PROPERTIES { Err(TOO_MANY) } else { Ok(()) }
}

fn three(packet: Outgoing) -> Option<v3::Packet> {
    Some(match packet {
        Outgoing::Publish(mut publish) => {
            publish.properties = None;
            v3::Packet::Publish(publish)
        }
        Outgoing::Acknowledge(packet_id, _) => v3::Packet::PublishAck { packet_id },
        Outgoing::Receive(packet_id, _) => v3::Packet::PublishReceived { packet_id },
        Outgoing::Release(packet_id) => v3::Packet::PublishRelease { packet_id },
        Outgoing::Complete(packet_id) => v3::Packet::PublishComplete { packet_id },
        Outgoing::Subscribed(packet_id, answers) => {
            let status = answers.into_iter().map(|answer| match answer {
                v5::SubscribeAckReason::GrantedQos0 => granted(QoS::AtMostOnce),
                v5::SubscribeAckReason::GrantedQos1 => granted(QoS::AtLeastOnce),
                v5::SubscribeAckReason::GrantedQos2 => granted(QoS::ExactlyOnce),
                _ => v3::SubscribeReturnCode::Failure,
            });
            v3::Packet::SubscribeAck { packet_id, status: status.collect() }
        }
        Outgoing::Unsubscribed(packet_id, _) => v3::Packet::UnsubscribeAck { packet_id },
        Outgoing::Pong => v3::Packet::PingResponse,
        Outgoing::Disconnect(_) => return None,
    })
}

const fn granted(qos: QoS) -> v3::SubscribeReturnCode {
    v3::SubscribeReturnCode::Success(qos)
}

fn five(packet: Outgoing) -> v5::Packet {
    let ack = |packet_id, reason_code| v5::PublishAck {
        packet_id,
        reason_code,
        properties: Vec::new(),
        reason_string: None,
    };
    let second = |packet_id| v5::PublishAck2 {
        packet_id,
        reason_code: v5::PublishAck2Reason::Success,
        properties: Vec::new(),
        reason_string: None,
    };
    match packet {
        Outgoing::Publish(publish) => v5::Packet::Publish(publish),
        Outgoing::Acknowledge(id, reason) => v5::Packet::PublishAck(ack(id, reason)),
        Outgoing::Receive(id, reason) => v5::Packet::PublishReceived(ack(id, reason)),
        Outgoing::Release(id) => v5::Packet::PublishRelease(second(id)),
        Outgoing::Complete(id) => v5::Packet::PublishComplete(second(id)),
        Outgoing::Subscribed(packet_id, status) => v5::Packet::SubscribeAck(v5::SubscribeAck {
            packet_id,
            properties: Vec::new(),
            reason_string: None,
            status,
        }),
        Outgoing::Unsubscribed(packet_id, status) => {
            v5::Packet::UnsubscribeAck(v5::UnsubscribeAck {
                packet_id,
                properties: Vec::new(),
                reason_string: None,
                status,
            })
        }
        Outgoing::Pong => v5::Packet::PingResponse,
        Outgoing::Disconnect(reason_code) => {
            v5::Packet::Disconnect(v5::Disconnect { reason_code, ..v5::Disconnect::default() })
        }
    }
}

/// The packet of a message, for a client of this version.
pub(crate) fn publish(
    codec: &Codec,
    (id, due, dup): (Option<NonZeroU16>, &super::outbox::Due, bool),
    now: tokio::time::Instant,
) -> Box<Publish> {
    let message = &due.message;
    let properties = codec.is_five().then(|| {
        let mut known = message.properties.as_deref().cloned().unwrap_or_default();
        known.message_expiry_interval = message.expires.and_then(|expires| {
            let left = expires.saturating_duration_since(now);
            let seconds = left.as_millis().div_ceil(1000);
            // What has begun to be delivered has a second left.
            NonZeroU32::new(u32::try_from(seconds).unwrap_or(u32::MAX).max(1))
        });
        known.subscription_ids.clone_from(&due.ids);
        known
    });
    Box::new(Publish {
        dup,
        retain: due.retain,
        qos: due.qos,
        topic: (&*message.topic).into(),
        packet_id: id,
        payload: message.payload.clone(),
        properties,
    })
}
