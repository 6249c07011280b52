//! Who may come in at the server, and what they may say and hear there.

use std::net::SocketAddr;

/// Whoever is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A program on this machine that was not asked for a secret.
    Anybody,
}

impl Who {
    /// Whether this client has proved who it is. Those who have get in before those who have not.
    pub(crate) const fn is_known(&self) -> bool {
        match self {
            Self::Anybody => false,
        }
    }
}

/// Why a client may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// User name or password is wrong.
    #[allow(dead_code, reason = "without accounts nobody has a password")]
    Credentials,
    /// Nobody may come in so: from this address, under this name.
    NotAllowed,
}

/// The rights of all clients. Cheap to clone; what it holds is shared.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    /// Our own name at a broker, which nobody else may use.
    own_name: String,
}

impl Rights {
    /// Rights without accounts: any program on this machine may come in.
    pub(crate) const fn without_accounts(own_name: String) -> Self {
        Self { own_name }
    }

    /// Whether a client may come in, and as whom. Must be quick, must not block.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn admit(
        &self,
        client_id: &str,
        login: (Option<&str>, Option<&[u8]>),
        peer: SocketAddr,
    ) -> Result<Who, Refused> {
        let (username, _password) = login;
        let takes_our_name = username == Some(&self.own_name)
            || client_id.strip_prefix(&self.own_name).is_some_and(|it| matches!(it, "" | "-fire"));
        if takes_our_name || !peer.ip().is_loopback() {
            return Err(Refused::NotAllowed);
        }
        Ok(Who::Anybody)
    }

    /// Whether `who` may publish to `topic`, which holds no wildcard. A will is published too.
    pub(crate) fn may_publish(&self, _who: &Who, topic: &str) -> bool {
        !is_guarded(topic)
    }

    /// Whether `who` may subscribe to `filter`, which is valid and without its `$share` part.
    pub(crate) fn may_subscribe(&self, _who: &Who, _filter: &str) -> bool {
        true
    }

    /// Whether a message of `topic` may be delivered to `who`, whatever the filter was.
    pub(crate) fn may_receive(&self, _who: &Who, _topic: &str) -> bool {
        true
    }
}

/// Whether only the daemon may publish to `topic`.
fn is_guarded(topic: &str) -> bool {
    topic.ends_with("/set") || topic.starts_with("kari/") || topic.starts_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_guarded_and_events_are_not() {
        let rights = Rights::without_accounts("kari".to_owned());
        let cases = [
            ("homie/5/gate-1/gate/open/set", false),
            ("homie/5/gate-1/gate/mode/set", false),
            ("kari/kari/canary", false),
            ("$SYS/broker/clients", false),
            ("homie/5/gate-1/gate/passage", true),
            ("homie/5/gate-1/reader-in/uid", true),
        ];
        for (topic, allowed) in cases {
            assert_eq!(rights.may_publish(&Who::Anybody, topic), allowed, "{topic}");
        }
    }

    #[test]
    fn nobody_takes_our_name_or_comes_from_elsewhere() {
        let rights = Rights::without_accounts("kari".to_owned());
        let here = SocketAddr::from(([127, 0, 0, 1], 50_000));
        let there = SocketAddr::from(([192, 0, 2, 7], 50_000));
        let none = (None, None);
        assert_eq!(rights.admit("gate-1", none, here), Ok(Who::Anybody));
        assert_eq!(rights.admit("kari-2", none, here), Ok(Who::Anybody));
        for (client_id, login, peer) in [
            ("kari", none, here),
            ("kari-fire", none, here),
            ("gate-1", (Some("kari"), Some(b"x".as_slice())), here),
            ("gate-1", none, there),
        ] {
            let answer = rights.admit(client_id, login, peer);
            assert_eq!(answer, Err(Refused::NotAllowed), "{client_id} {peer}");
        }
    }
}
