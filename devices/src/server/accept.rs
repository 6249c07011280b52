//! Who comes to the door: the listener, and a connection until its client is let in.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use bytes::BytesMut;
use metrics::counter;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::End,
    exchange::Exchange,
    handle::{Ending, Handle},
    handshake,
    limits::{ACCEPT_AGAIN, CONNECT_WITHIN, GOODBYE, TCP_KEEPALIVE},
};

/// Connections that the system keeps for us until we take them.
const BACKLOG: i32 = 4096;

/// A listening socket.
pub(crate) fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Takes connections until `stop`.
pub(crate) async fn accept(
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
    exchange: Arc<Exchange>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let handle = exchange.registry().enter(peer.ip());
                let Some(handle) = handle else {
                    exchange.say("", "connections of other clients take all places");
                    continue;
                };
                tasks.spawn(serve((stream, tls.clone()), peer, handle, Arc::clone(&exchange)));
                // Whoever gave way for it closes its socket first.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                counter!("kari_mqtt_accept_failed_total").increment(1);
                tracing::debug!(%error, "no connection could be taken");
                exchange.say("", "the system gives no file for another connection");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn serve(
    (stream, tls): (TcpStream, Option<TlsAcceptor>),
    peer: SocketAddr,
    handle: Arc<Handle>,
    exchange: Arc<Exchange>,
) {
    let number = handle.number;
    let deadline = Instant::now() + CONNECT_WITHIN;
    let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE);
    let prepared = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    if stream.set_nodelay(true).and(prepared).is_ok() {
        match tls {
            None => talk(stream.into_split(), (peer, deadline), handle, &exchange).await,
            Some(tls) => {
                let opening = tokio::select! {
                    biased;
                    () = ended(&handle) => None,
                    opened = timeout_at(deadline, tls.accept(stream)) => opened.ok(),
                };
                match opening {
                    Some(Ok(stream)) => {
                        let halves = tokio::io::split(stream);
                        talk(halves, (peer, deadline), handle, &exchange).await;
                    }
                    _ => refused("tls"),
                }
            }
        }
    }
    exchange.registry().leave(number);
}

/// A whole connection.
async fn talk(
    (mut reader, mut writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (peer, deadline): (SocketAddr, Instant),
    handle: Arc<Handle>,
    exchange: &Arc<Exchange>,
) {
    let mut incoming = BytesMut::new();
    let first = tokio::select! {
        biased;
        () = ended(&handle) => return,
        first = timeout_at(deadline, handshake::connect(&mut reader, &mut incoming)) => first,
    };
    let Ok(first) = first else {
        refused("silent");
        return;
    };
    let peer = SocketAddr::new(canonical(peer.ip()), peer.port());
    let admitted =
        first.and_then(|first| handshake::admit(exchange, (&handle, peer), first, incoming));
    let connection = match admitted {
        Ok(connection) => connection,
        Err(mut answer) => {
            refused("handshake");
            let leaving = async {
                writer.write_all_buf(&mut answer).await?;
                writer.shutdown().await
            };
            if !matches!(timeout(GOODBYE, leaving).await, Ok(Ok(()))) {
                tracing::debug!(%peer, "a client did not wait for its answer");
            }
            return;
        }
    };
    let (mut client, end) = connection.run(reader, writer).await;
    client.intake.end(exchange);
    if let End::Trouble(trouble) = end {
        refused("trouble");
        exchange.say(client.intake.client_id(), trouble.why);
    }
    if matches!(end, End::Ended(Ending::Stop)) {
        return;
    }
    let leaves = matches!(end, End::Left { will: false });
    let will =
        exchange.board().disconnected(client.key, client.handle.number, leaves, Instant::now());
    exchange.publish_wills(will.into_iter().collect());
}

fn refused(why: &'static str) {
    counter!("kari_mqtt_connections_refused_total", "why" => why).increment(1);
}

async fn ended(handle: &Handle) {
    while handle.ending() == Ending::None {
        handle.news().await;
    }
}

/// An address of the old protocol that came by the new one is what it is.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
