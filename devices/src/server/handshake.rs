//! From the first byte of a connection to its CONNACK.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use rmqtt_codec::{
    types::{Publish, QoS},
    v3, v5,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::Instant,
};
use tokio_util::codec::Encoder;

use super::{
    board::{Came, Coming, life},
    connection::{Client, Connection},
    exchange::Exchange,
    handle::Handle,
    intake::Intake,
    limits::{CLIENT_ID_CHARS, PACKET_BYTES, SESSION, UNACKNOWLEDGED, USER_PROPERTIES},
    message::Message,
    packet::{Codec, First, first},
    rights::{Refused, Who},
    routes::SessionKey,
    session::Will,
    topics::is_topic,
};

/// Why nobody was let in, as bytes for the client.
pub(crate) type Refusal = BytesMut;

/// What a CONNECT says, whatever its version.
struct Connect {
    client_id: Box<str>,
    clean: bool,
    expiry: Duration,
    keep_alive: u16,
    window: u16,
    packet_bytes: usize,
    username: Option<Box<str>>,
    password: Option<Bytes>,
    will: Option<(Publish, Duration)>,
    /// Whether the server gave it its name.
    nameless: bool,
    /// Whether it wants more of us than we have.
    unknown: bool,
}

/// Reads the CONNECT.
pub(crate) async fn connect(
    reader: &mut (impl AsyncRead + Unpin),
    incoming: &mut BytesMut,
) -> Result<(Codec, First), Refusal> {
    loop {
        match first(incoming) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(answer) => return Err(BytesMut::from(answer)),
        }
        match reader.read_buf(incoming).await {
            Ok(0) | Err(_) => return Err(BytesMut::new()),
            Ok(_) => {}
        }
    }
}

/// Lets a client in, or says why not.
pub(crate) fn admit(
    exchange: &Arc<Exchange>,
    (handle, peer): (&Arc<Handle>, SocketAddr),
    (mut codec, first): (Codec, First),
    incoming: BytesMut,
) -> Result<Connection, Refusal> {
    let connect = match first {
        First::V3(connect) => of_three(&connect, handle.number),
        First::V5(connect) => of_five(&connect, handle.number),
    };
    let who = match may_come(exchange, &connect, peer) {
        Ok(who) => who,
        Err(reason) => return Err(refusal(&mut codec, reason)),
    };
    let now = Instant::now();
    exchange.registry().introduced(handle.number, who.is_known());
    let coming = Coming {
        client_id: &connect.client_id,
        who: who.clone(),
        clean: connect.clean,
        expiry: connect.expiry,
        window: connect.window,
        handle: Arc::clone(handle),
    };
    let Came { key, present, resumes, wills } = {
        let mut board = exchange.board();
        let came = board.connect(coming, now);
        if let Some(session) = board.sessions.get_mut(&came.key) {
            session.will = will(exchange, &connect, (&who, came.key), now);
        }
        came
    };
    exchange.publish_wills(wills);
    let mut out = BytesMut::new();
    welcome(&mut codec, &connect, present, &mut out);
    let (intake, acks) = Intake::new(&connect.client_id, who, resumes);
    let keep_alive = Duration::from_secs(connect.keep_alive.into());
    let client = Client {
        exchange: Arc::clone(exchange),
        handle: Arc::clone(handle),
        key,
        codec,
        keep_alive: (!keep_alive.is_zero()).then_some(keep_alive * 3 / 2),
        packet_bytes: connect.packet_bytes,
        intake,
    };
    Ok(Connection::new(client, (incoming, out), acks))
}

/// As whom a client comes in, or why it does not.
fn may_come(
    exchange: &Exchange,
    connect: &Connect,
    peer: SocketAddr,
) -> Result<Who, v5::ConnectAckReason> {
    if connect.unknown {
        return Err(v5::ConnectAckReason::BadAuthenticationMethod);
    }
    if connect.client_id.chars().count() > CLIENT_ID_CHARS || connect.client_id.contains('\0') {
        return Err(v5::ConnectAckReason::ClientIdentifierNotValid);
    }
    let login = (connect.username.as_deref(), connect.password.as_deref());
    let who = exchange.rights.admit(&connect.client_id, login, peer).map_err(|refused| {
        exchange.say(&connect.client_id, "it was not let in");
        match refused {
            Refused::Credentials => v5::ConnectAckReason::BadUserNameOrPassword,
            Refused::NotAllowed => v5::ConnectAckReason::NotAuthorized,
        }
    })?;
    if connect.will.as_ref().is_some_and(|(will, _)| !is_topic(&will.topic)) {
        return Err(v5::ConnectAckReason::TopicNameInvalid);
    }
    if exchange.board().is_anothers(&connect.client_id, &who) {
        exchange.say(&connect.client_id, "another account is connected by this client id");
        return Err(v5::ConnectAckReason::NotAuthorized);
    }
    Ok(who)
}

/// The will, if it may be published. A bridge of Mosquitto has one below `$SYS`, and comes in
/// without it.
fn will(
    exchange: &Exchange,
    connect: &Connect,
    (who, key): (&Who, SessionKey),
    now: Instant,
) -> Option<Will> {
    let (will, delay) = connect.will.as_ref()?;
    if !exchange.rights.may_publish(who, &will.topic) {
        exchange.say(&connect.client_id, "it may not publish its will");
        return None;
    }
    Some(Will { message: Message::copied(will, key, now), delay: *delay })
}

fn of_three(connect: &v3::Connect, number: u64) -> Connect {
    let will = connect.last_will.as_ref().map(|will| {
        let publish = Publish {
            dup: false,
            retain: will.retain,
            qos: will.qos,
            topic: will.topic.clone(),
            packet_id: None,
            payload: will.message.clone(),
            properties: None,
        };
        (publish, Duration::ZERO)
    });
    Connect {
        client_id: named(&connect.client_id, number),
        clean: connect.clean_session,
        expiry: if connect.clean_session { Duration::ZERO } else { SESSION },
        keep_alive: connect.keep_alive,
        window: u16::MAX,
        packet_bytes: usize::MAX,
        username: connect.username.as_deref().map(Into::into),
        password: connect.password.clone(),
        will,
        nameless: connect.client_id.is_empty(),
        unknown: false,
    }
}

fn of_five(connect: &v5::Connect, number: u64) -> Connect {
    let will = connect.last_will.as_ref().map(|will| {
        let properties = v5::PublishProperties {
            correlation_data: will.correlation_data.clone(),
            message_expiry_interval: will.message_expiry_interval,
            content_type: will.content_type.clone(),
            user_properties: will.user_properties.iter().take(USER_PROPERTIES).cloned().collect(),
            is_utf8_payload: will.is_utf8_payload.unwrap_or(false),
            response_topic: will.response_topic.clone(),
            ..v5::PublishProperties::default()
        };
        let publish = Publish {
            dup: false,
            retain: will.retain,
            qos: will.qos,
            topic: will.topic.clone(),
            packet_id: None,
            payload: will.message.clone(),
            properties: Some(properties),
        };
        (publish, Duration::from_secs(will.will_delay_interval_sec.unwrap_or(0).into()))
    });
    Connect {
        client_id: named(&connect.client_id, number),
        clean: connect.clean_start,
        expiry: life(connect.session_expiry_interval_secs),
        keep_alive: connect.keep_alive,
        window: connect.receive_max.map_or(u16::MAX, Into::into),
        packet_bytes: connect
            .max_packet_size
            .and_then(|most| usize::try_from(most.get()).ok())
            .unwrap_or(usize::MAX),
        username: connect.username.as_deref().map(Into::into),
        password: connect.password.clone(),
        will,
        nameless: connect.client_id.is_empty(),
        unknown: connect.auth_method.is_some(),
    }
}

fn named(client_id: &str, number: u64) -> Box<str> {
    if client_id.is_empty() {
        return format!("nameless-{number}-{:08x}", fastrand::u32(..)).into();
    }
    client_id.into()
}

fn welcome(codec: &mut Codec, connect: &Connect, present: bool, out: &mut BytesMut) {
    match codec {
        Codec::V3(codec) => {
            let return_code = v3::ConnectAckReason::ConnectionAccepted;
            let ack = v3::ConnectAck { return_code, session_present: present };
            write(codec, v3::Packet::ConnectAck(ack), out);
        }
        Codec::V5(codec) => {
            let seconds = u32::try_from(connect.expiry.as_secs()).unwrap_or(u32::MAX);
            let name = connect.nameless.then(|| (&*connect.client_id).into());
            let ack = v5::ConnectAck {
                session_present: present,
                session_expiry_interval_secs: (!connect.expiry.is_zero()).then_some(seconds),
                receive_max: UNACKNOWLEDGED.try_into().unwrap_or(std::num::NonZeroU16::MAX),
                max_qos: QoS::ExactlyOnce,
                max_packet_size: Some(PACKET_BYTES),
                assigned_client_id: name,
                ..v5::ConnectAck::default()
            };
            write(codec, v5::Packet::ConnectAck(Box::new(ack)), out);
        }
    }
}

fn refusal(codec: &mut Codec, reason: v5::ConnectAckReason) -> Refusal {
    let mut out = BytesMut::new();
    match codec {
        Codec::V3(codec) => {
            let return_code = match reason {
                v5::ConnectAckReason::BadUserNameOrPassword => {
                    v3::ConnectAckReason::BadUserNameOrPassword
                }
                v5::ConnectAckReason::ClientIdentifierNotValid => {
                    v3::ConnectAckReason::IdentifierRejected
                }
                _ => v3::ConnectAckReason::NotAuthorized,
            };
            let ack = v3::ConnectAck { return_code, session_present: false };
            write(codec, v3::Packet::ConnectAck(ack), &mut out);
        }
        Codec::V5(codec) => {
            let ack = v5::ConnectAck { reason_code: reason, ..v5::ConnectAck::default() };
            write(codec, v5::Packet::ConnectAck(Box::new(ack)), &mut out);
        }
    }
    out
}

fn write<P, C: Encoder<P>>(codec: &mut C, packet: P, out: &mut BytesMut)
where
    C::Error: std::fmt::Display,
{
    if let Err(error) = codec.encode(packet, out) {
        tracing::error!(%error, "a CONNACK could not be written");
    }
}
