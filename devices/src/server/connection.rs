//! One connection from its CONNACK to its end: one task that reads, hands over and writes.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use rmqtt_codec::v5::{DisconnectReasonCode as Code, PublishAckReason};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    exchange::Exchange,
    handle::{Ending, Handle},
    intake::Intake,
    limits::{GOODBYE, OUT_BYTES, PACKET_BYTES, UNREAD},
    order::Done,
    outbox::Out,
    packet::{Codec, Outgoing, Trouble, publish, trouble},
    routes::SessionKey,
};

/// Packets that are read before others have their turn.
const TURN: usize = 64;
/// How soon a client that is held back is looked at again.
const AGAIN: Duration = Duration::from_millis(10);
/// How often keep-alive and unread bytes are looked at.
const TICK: Duration = Duration::from_millis(500);
/// The room of an idle connection's buffers.
const IDLE_BYTES: usize = 4 * 1024;
/// A whole packet with its head.
const PACKET_MOST: usize = PACKET_BYTES as usize + 5;
/// A packet of a client that reads slowly is answered no more beyond so many bytes.
const OUT_MOST: usize = 4 * OUT_BYTES;

/// A client that was let in.
pub(crate) struct Client {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) handle: Arc<Handle>,
    pub(crate) key: SessionKey,
    pub(crate) codec: Codec,
    pub(crate) keep_alive: Option<Duration>,
    /// The largest packet that it takes.
    pub(crate) packet_bytes: usize,
    pub(crate) intake: Intake,
}

/// How a connection ended.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The client said goodbye; with its will all the same.
    Left { will: bool },
    /// The socket ended.
    Lost,
    /// The client did what it must not.
    Trouble(Trouble),
    /// Others ended it.
    Ended(Ending),
}

/// The connection.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) incoming: BytesMut,
    pub(crate) out: BytesMut,
    acks: mpsc::Receiver<Done>,
    heard: Instant,
    /// Since when nothing of what is to be written was taken.
    unread: Option<Instant>,
    /// Whether the last reading left nothing behind in the socket.
    behind: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(
        client: Client,
        (incoming, out): (BytesMut, BytesMut),
        acks: mpsc::Receiver<Done>,
    ) -> Self {
        let heard = Instant::now();
        Self { client, incoming, out, acks, heard, unread: None, behind: None }
    }

    /// Runs to the end of the connection.
    pub(crate) async fn run(
        mut self,
        mut reader: impl AsyncRead + Unpin,
        mut writer: impl AsyncWrite + Unpin,
    ) -> (Client, End) {
        let end = self.serve(&mut reader, &mut writer).await;
        let code = match end {
            End::Trouble(trouble) => Some(trouble.code),
            End::Ended(Ending::TakenOver) => Some(Code::SessionTakenOver),
            End::Ended(Ending::GivesWay) => Some(Code::ServerBusy),
            End::Ended(_) => Some(Code::ServerShuttingDown),
            End::Left { .. } | End::Lost => None,
        };
        if let Some(code) = code {
            self.acknowledge();
            if matches!(end, End::Ended(Ending::Stop)) {
                self.fill();
            }
            self.client.codec.encode(Outgoing::Disconnect(code), &mut self.out);
            let leaving = async {
                writer.write_all_buf(&mut self.out).await?;
                writer.shutdown().await
            };
            if !matches!(timeout(GOODBYE, leaving).await, Ok(Ok(()))) {
                tracing::debug!(number = self.client.handle.number, "left without a goodbye");
            }
        }
        (self.client, end)
    }

    async fn serve(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> End {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let more = match self.read_packets() {
                Ok(more) => more,
                Err(end) => return end,
            };
            self.acknowledge();
            self.client.intake.hand_over(&self.client.exchange);
            self.fill();
            // What was read and waits for its turn is never more than a packet.
            let full = self.incoming.len() > PACKET_MOST;
            let may_read = self.may_read();
            let (more, reads) = (more || (full && may_read), !more && !full && may_read);
            if reads {
                self.incoming.reserve(IDLE_BYTES);
            } else {
                self.behind.get_or_insert_with(Instant::now);
            }
            let again = self.client.intake.looks_again();
            let room = self.incoming.capacity() - self.incoming.len();
            tokio::select! {
                biased;
                () = self.client.handle.news() => {
                    let ending = self.client.handle.ending();
                    if ending != Ending::None {
                        return End::Ended(ending);
                    }
                }
                read = reader.read_buf(&mut self.incoming), if reads => match read {
                    Ok(0) | Err(_) => return End::Lost,
                    Ok(bytes) => self.has_read(bytes < room),
                },
                written = writer.write_buf(&mut self.out), if !self.out.is_empty() => {
                    match written {
                        Ok(0) | Err(_) => return End::Lost,
                        Ok(_) => self.has_written(),
                    }
                }
                Some(done) = self.acks.recv() => self.done(done),
                () = pause(more), if again || more => {}
                now = tick.tick() => {
                    if let Some(end) = self.look(now, reads) {
                        return end;
                    }
                }
            }
        }
    }

    fn may_read(&mut self) -> bool {
        self.out.len() < OUT_MOST && self.client.intake.may_read(&self.client.exchange)
    }

    /// Reads what came; whether there is more of it than one turn.
    fn read_packets(&mut self) -> Result<bool, End> {
        for _ in 0..TURN {
            if self.incoming.is_empty() || !self.may_read() {
                return Ok(false);
            }
            let before = self.incoming.len();
            let packet = self.client.codec.decode(&mut self.incoming).map_err(End::Trouble)?;
            let Some(packet) = packet else { return Ok(false) };
            let bytes = before - self.incoming.len();
            let late = self.behind;
            let Client { exchange, handle, codec, key, intake, .. } = &mut self.client;
            intake.spend(bytes, exchange);
            let mut answers = Vec::new();
            let ended = intake.take((*key, handle.number), exchange, packet, late, &mut answers);
            for answer in answers {
                codec.encode(answer, &mut self.out);
            }
            if let Some(end) = ended.map_err(End::Trouble)? {
                return Err(end);
            }
        }
        Ok(true)
    }

    fn has_read(&mut self, emptied: bool) {
        self.heard = Instant::now();
        if emptied {
            self.behind = None;
        }
    }

    fn has_written(&mut self) {
        self.unread = (!self.out.is_empty()).then(Instant::now);
        if self.out.is_empty() && self.out.capacity() > 2 * OUT_BYTES {
            self.out = BytesMut::new();
        }
    }

    /// Everything that became durable meanwhile is acknowledged.
    fn acknowledge(&mut self) {
        while let Ok(done) = self.acks.try_recv() {
            self.done(done);
        }
    }

    fn done(&mut self, done: Done) {
        let Client { exchange, codec, key, intake, .. } = &mut self.client;
        let mut answers = Vec::new();
        intake.done(*key, exchange, done, &mut answers);
        answers.into_iter().for_each(|answer| codec.encode(answer, &mut self.out));
    }

    /// Takes what waits for the client.
    fn fill(&mut self) {
        let now = Instant::now();
        let Client { exchange, handle, codec, key, packet_bytes, .. } = &mut self.client;
        let mut board = exchange.board();
        let Some(session) = board.sessions.get_mut(key) else { return };
        if !session.is_of(handle.number) {
            return;
        }
        while self.out.len() < OUT_BYTES
            && let Some(next) = session.outbox.next(now)
        {
            match next {
                Out::Release(id) => codec.encode(Outgoing::Release(id), &mut self.out),
                Out::Publish { id, due, dup } => {
                    let before = self.out.len();
                    let packet = publish(codec, (id, &due, dup), now);
                    codec.encode(Outgoing::Publish(packet), &mut self.out);
                    if self.out.len() - before > *packet_bytes {
                        self.out.truncate(before);
                        session.outbox.too_large(id);
                    }
                }
            }
        }
        drop(board);
        if !self.out.is_empty() {
            self.unread.get_or_insert(now);
        }
    }

    /// Whether the client has been silent, or has read nothing, for too long.
    fn look(&mut self, now: Instant, reads: bool) -> Option<End> {
        if self.unread.is_some_and(|since| now.saturating_duration_since(since) > UNREAD) {
            self.client.exchange.say(self.client.intake.client_id(), "it reads nothing");
            return Some(End::Trouble(trouble(Code::ServerBusy, "it reads nothing")));
        }
        if !self.client.exchange.rights.may_stay(self.client.intake.who()) {
            return Some(End::Trouble(trouble(Code::NotAuthorized, "its account was changed")));
        }
        if self.client.intake.is_incomplete() {
            return Some(End::Trouble(trouble(Code::ServerBusy, "it has to say something again")));
        }
        if !reads {
            // What it says is still in its socket.
            self.heard = now;
        }
        let silent = now.saturating_duration_since(self.heard);
        let dead = self.client.keep_alive.is_some_and(|allowed| silent > allowed);
        if self.incoming.is_empty() && self.incoming.capacity() > 2 * IDLE_BYTES {
            self.incoming = BytesMut::new();
        }
        dead.then_some(End::Trouble(trouble(Code::KeepAliveTimeout, "it has gone silent")))
    }
}

/// Lets others have their turn, or a client that is held back wait.
async fn pause(more: bool) {
    match more {
        true => tokio::task::yield_now().await,
        false => sleep(AGAIN).await,
    }
}

/// What a publisher hears of its message.
pub(crate) const fn reason(reached: usize, heard: bool, refused: bool) -> PublishAckReason {
    if refused {
        PublishAckReason::QuotaExceeded
    } else if reached == 0 && !heard {
        PublishAckReason::NoMatchingSubscribers
    } else {
        PublishAckReason::Success
    }
}
