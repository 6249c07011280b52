//! The bounds of the server: for each client before anything that clients share.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};

/// From the first byte of a connection to its CONNECT, the TLS handshake included. A gate needs
/// milliseconds, over a poor radio link a second.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Connections that have not said yet who they are. The oldest gives way to the next.
pub(crate) const HALF_OPEN: usize = 256;
/// Connections at once, where the limit of open files allows it.
pub(crate) const CONNECTIONS: usize = 2048;
/// Connections from one address of the network: a gateway with a reader at each door of a resort.
pub(crate) const PER_ADDRESS: usize = 512;
/// Files that are none of the server's: database, 256 callers of the API, tills, boards, rules.
pub(crate) const RESERVED_FILES: u64 = 400;
/// How long nobody is let in after the system had no file for a connection.
pub(crate) const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The largest packet; a device's message is at most 4 KiB.
pub(crate) const PACKET_BYTES: u32 = 16 * 1024;
/// User properties of a packet: each costs memory several times its bytes.
pub(crate) const USER_PROPERTIES: usize = 32;
/// Filters of one SUBSCRIBE or UNSUBSCRIBE.
pub(crate) const FILTERS: usize = 32;
/// Levels of a topic or filter: ours have five.
pub(crate) const LEVELS: usize = 32;
/// Characters of a client id.
pub(crate) const CLIENT_ID_CHARS: usize = 256;

/// Messages of one client in the loop's queue that are not durable yet. Devices take turns there,
/// so it is no matter of fairness; while the database is away it is how many people a gate's exit
/// opens for before it stays shut.
pub(crate) const SHARE: usize = 768;
/// Life-safety messages of one client on their way, beside its share.
pub(crate) const FIRE_SHARE: usize = 16;
/// Messages of one client that are not acknowledged. It is larger than its share, so that a fire
/// input behind a hundred reads is seen while the store stands still.
pub(crate) const UNACKNOWLEDGED: u16 = 1024;
/// What waits of one client behind its share.
pub(crate) const WAITING_BYTES: usize = 256 * 1024;
/// What waits so of all clients.
pub(crate) const WAITING_BYTES_IN_ALL: usize = 16 * 1024 * 1024;

/// Messages a second of one client, and how many at once. A gate sends ten.
pub(crate) const RATE: u32 = 10_000;
pub(crate) const BURST: u32 = 2_000;
/// Bytes a second of one client.
pub(crate) const BYTES_A_SECOND: u32 = 2 * 1024 * 1024;
/// Messages a second of all clients; beyond it those wait that send more than [`QUIET`].
pub(crate) const RATE_IN_ALL: u32 = 30_000;
/// Whoever sends no more than that in a second never waits for others.
pub(crate) const QUIET: u32 = 100;
/// What a subscription costs, in messages: it looks through all that is retained.
pub(crate) const SUBSCRIPTION_COSTS: u32 = 20;

/// Subscriptions of one client, and of all who are not known.
pub(crate) const SUBSCRIPTIONS: usize = 64;
pub(crate) const SUBSCRIPTIONS_IN_ALL: usize = 16 * 1024;
/// Messages that wait for one client, and their bytes.
pub(crate) const QUEUED: usize = 4096;
pub(crate) const QUEUED_BYTES: usize = 1024 * 1024;
/// Bytes that wait for all clients that are known.
pub(crate) const QUEUED_BYTES_IN_ALL: usize = 12 * 1024 * 1024;
/// Bytes that wait for all others: little, as it may wait for as long as a session does.
pub(crate) const QUEUED_BYTES_OF_STRANGERS: usize = 2 * 1024 * 1024;
/// Messages on their way to one client, unacknowledged.
pub(crate) const IN_FLIGHT: u16 = 64;
/// Bytes that are made ready for one client's socket at once.
pub(crate) const OUT_BYTES: usize = 32 * 1024;
/// How long a client may read nothing of what is sent to it.
pub(crate) const UNREAD: Duration = Duration::from_secs(10);
/// How long a session waits for its client.
pub(crate) const SESSION: Duration = Duration::from_secs(3600);
/// Sessions without a connection of clients that are not known. The oldest gives way.
pub(crate) const SESSIONS_AWAY: usize = 512;

/// Retained messages of one client, and their bytes.
pub(crate) const RETAINED: usize = 1024;
pub(crate) const RETAINED_BYTES: usize = 1024 * 1024;
/// Bytes retained for all who are not known, and for all.
pub(crate) const RETAINED_BYTES_OF_STRANGERS: usize = 512 * 1024;
pub(crate) const RETAINED_BYTES_IN_ALL: usize = 16 * 1024 * 1024;
/// What a kept message costs beside its topic, payload and properties.
pub(crate) const MESSAGE_COSTS: usize = 256;

/// Commands of the loop on their way to the server.
pub(crate) const COMMANDS: usize = 2048;
/// How long a client may wait between two packets, at the most, before its socket is asked.
pub(crate) const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// How long the last acknowledgements may take at the end of a run.
pub(crate) const GOODBYE: Duration = Duration::from_millis(500);

/// Connections at once, by the process's limit of open files.
pub(crate) fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    of_files(limit)
}

/// Half of a limit that is smaller than the reserve: a gate must get in even then.
fn of_files(limit: u64) -> usize {
    let free = limit.saturating_sub(RESERVED_FILES).max(limit / 2);
    usize::try_from(free).unwrap_or(CONNECTIONS).min(CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest_of_the_daemon() {
        for (limit, expected) in [(1_048_576, 2048), (1024, 624), (512, 256), (64, 32)] {
            assert_eq!(of_files(limit), expected, "{limit}");
        }
    }

    #[test]
    fn what_strangers_can_make_the_server_keep_is_bounded() {
        let kept = QUEUED_BYTES_OF_STRANGERS + RETAINED_BYTES_OF_STRANGERS;
        assert!(kept <= 3 * 1024 * 1024, "{kept} stay when they are gone");
        let strangers = WAITING_BYTES_IN_ALL + kept;
        let in_buffers = CONNECTIONS * (PACKET_BYTES as usize + OUT_BYTES) / 2;
        assert!(strangers + in_buffers < 100 * 1024 * 1024, "{strangers} {in_buffers}");
    }
}
