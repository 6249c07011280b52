//! The MQTT broker inside the daemon: for a start without installation, on loopback only.

use std::{
    future::Future,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mqtt5::{
    broker::{
        AuthProvider, AuthResult, BrokerConfig, BrokerShutdownHandle, MqttBroker,
        StorageBackendType, StorageConfig,
    },
    error::Result as MqttResult,
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use tokio::task::JoinHandle;

use crate::config::Login;

pub(crate) mod held;

use held::Held;

/// Connections at once: gates, the daemon's own, and people who look.
const CLIENTS: usize = 2048;
/// Larger than any message of ours; a device's is at most 4 KiB.
const PACKET_BYTES: usize = 16 * 1024;
/// Messages that wait for one client while it is away.
const QUEUED_MESSAGES: usize = 4096;
const QUEUED_BYTES: usize = 4 * 1024 * 1024;
/// Messages in flight to one client: the daemon acknowledges only what is durable.
const IN_FLIGHT: u16 = 1024;
/// How long a session waits for its client.
const SESSION: Duration = Duration::from_secs(3600);

/// A running broker.
pub struct Broker {
    address: SocketAddr,
    doors: Arc<AtomicBool>,
    held: Arc<Held>,
    stop: BrokerShutdownHandle,
    task: JoinHandle<()>,
}

/// Why the broker did not start.
#[derive(Debug, thiserror::Error)]
#[error("the embedded broker cannot listen on {address}: {reason}; is another broker there?")]
pub struct BrokerError {
    address: SocketAddr,
    reason: String,
}

impl Broker {
    /// Starts on `listen`, which the configuration has seen to be a loopback address.
    pub(crate) async fn start(
        listen: SocketAddr,
        client_id: &str,
        login: &Login,
    ) -> Result<Self, BrokerError> {
        let failed = |reason: String| BrokerError { address: listen, reason };
        let doors = Arc::new(AtomicBool::new(false));
        let rights =
            Rights { prefix: client_id.to_owned(), login: login.clone(), open: Arc::clone(&doors) };
        let held = Arc::new(Held::default());
        let config = config(listen).with_event_handler(held.clone());
        let broker = MqttBroker::with_config(config).await;
        let broker = broker.map_err(|error| failed(error.to_string()))?;
        held.route_by(&broker.router());
        let mut broker = broker.with_auth_provider(Arc::new(rights));
        let address = broker.local_addr().ok_or_else(|| failed("no socket".to_owned()))?;
        let stop = broker.shutdown_handle();
        let task = tokio::spawn(async move {
            if let Err(error) = broker.run().await {
                tracing::error!(%error, "the embedded broker ended");
            }
        });
        Ok(Self { address, doors, held, stop, task })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Set to let gates in. Before that they would say things that nobody has asked to hear yet.
    pub(crate) fn doors(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.doors)
    }

    /// The acknowledgements that wait for the daemon.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    /// Ends it; clients are cut off.
    pub(crate) async fn stop(self) {
        self.stop.shutdown();
        if tokio::time::timeout(Duration::from_secs(2), self.task).await.is_err() {
            tracing::warn!("the embedded broker took too long to end");
        }
    }
}

/// An account that nobody outside this process knows.
pub(crate) fn own_login() -> Login {
    let word = || RandomState::new().hash_one("kari");
    let password = format!("{:016x}{:016x}{:016x}", word(), word(), word());
    Login { username: "kari".to_owned(), password }
}

fn config(listen: SocketAddr) -> BrokerConfig {
    let mut storage = StorageConfig::default().with_backend(StorageBackendType::Memory);
    storage.max_queued_messages_per_client = QUEUED_MESSAGES;
    storage.max_queued_bytes_per_client = QUEUED_BYTES;
    let mut config = BrokerConfig::default()
        .with_bind_address(listen)
        .with_max_clients(CLIENTS)
        .with_max_packet_size(PACKET_BYTES)
        .with_session_expiry(SESSION)
        .with_max_subscriptions_per_client(64)
        .with_max_retained_messages(16 * CLIENTS)
        .with_max_retained_message_size(PACKET_BYTES)
        .with_client_channel_capacity(QUEUED_MESSAGES)
        .with_max_outbound_inflight(IN_FLIGHT)
        .with_storage(storage)
        .with_sys_topics_enabled(false);
    config.server_receive_maximum = Some(IN_FLIGHT);
    config.topic_alias_maximum = 0;
    config
}

/// Who may do what: commands and `kari/...` are the daemon's alone.
struct Rights {
    /// Client ids that begin so are the daemon's.
    prefix: String,
    login: Login,
    /// Whether anybody but the daemon may come.
    open: Arc<AtomicBool>,
}

impl Rights {
    fn is_ours(&self, connect: &ConnectPacket) -> bool {
        connect.username.as_deref() == Some(self.login.username.as_str())
            && connect.password.as_deref() == Some(self.login.password.as_bytes())
    }

    fn takes_our_name(&self, connect: &ConnectPacket) -> bool {
        let rest = connect.client_id.strip_prefix(&self.prefix);
        connect.username.as_deref() == Some(self.login.username.as_str())
            || rest.is_some_and(|rest| rest.is_empty() || rest == "-fire")
    }
}

/// Whether only the daemon may publish to `topic`.
fn is_guarded(topic: &str) -> bool {
    topic.ends_with("/set") || topic.starts_with("kari/") || topic.starts_with('$')
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Rights {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        peer: SocketAddr,
    ) -> Answer<'a, MqttResult<AuthResult>> {
        let answer = if self.is_ours(connect) {
            AuthResult::success_with_user(self.login.username.clone())
        } else if self.takes_our_name(connect) || !peer.ip().is_loopback() {
            AuthResult::fail(ReasonCode::NotAuthorized)
        } else if !self.open.load(Ordering::Acquire) {
            AuthResult::fail(ReasonCode::ServerUnavailable)
        } else {
            AuthResult::success()
        };
        Box::pin(std::future::ready(Ok(answer)))
    }

    fn authorize_publish<'a>(
        &'a self,
        _client_id: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        let allowed = !is_guarded(topic) || user == Some(self.login.username.as_str());
        Box::pin(std::future::ready(allowed))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client_id: &str,
        _user: Option<&'a str>,
        _filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(std::future::ready(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_guarded_and_events_are_not() {
        let cases = [
            ("homie/5/gate-1/gate/open/set", true),
            ("homie/5/gate-1/gate/mode/set", true),
            ("kari/kari/canary", true),
            ("homie/5/gate-1/gate/passage", false),
            ("homie/5/gate-1/reader-in/uid", false),
        ];
        for (topic, expected) in cases {
            assert_eq!(is_guarded(topic), expected, "{topic}");
        }
    }
}
