//! Who may come in at the server, and what they may say and hear there.

use std::{fmt, net::SocketAddr, sync::Arc};

use domain::{ids::DeviceId, time::Clock};

use crate::accounts::{Proof, live::Live};

/// Whoever is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A program on this machine that was not asked for a secret.
    Anybody,
    /// The holder of an account, by its name and what it was proved by.
    Account(Arc<str>, Proof),
}

impl Who {
    /// Whether this client has proved who it is. Those who have get in before those who have not.
    pub(crate) const fn is_known(&self) -> bool {
        match self {
            Self::Anybody => false,
            Self::Account(..) => true,
        }
    }

    /// Whether what one of them left behind (a session, a connection) may be taken over by the
    /// other: it is the same account, whatever secret it came in by.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anybody, Self::Anybody) => true,
            (Self::Account(name, _), Self::Account(other, _)) => name == other,
            _ => false,
        }
    }
}

/// Why a client may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// User name or password is wrong.
    Credentials,
    /// Nobody may come in so: from this address, under this name.
    NotAllowed,
}

/// The rights of all clients. Cheap to clone; what it holds is shared.
#[derive(Clone)]
pub(crate) struct Rights {
    /// Our own name at a broker, which nobody else may use.
    own_name: String,
    /// The devices of the site: each one's id belongs to its account.
    devices: Arc<[DeviceId]>,
    accounts: Arc<Live>,
    clock: Arc<dyn Clock>,
}

impl Rights {
    /// The rights that the accounts of a site give. Without one any program on this machine may
    /// come in.
    pub(crate) fn new(
        (own_name, devices): (String, Vec<DeviceId>),
        accounts: Arc<Live>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { own_name, devices: devices.into(), accounts, clock }
    }

    /// Whether a client may come in, and as whom. Must be quick, must not block.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn admit(
        &self,
        client_id: &str,
        (username, password): (Option<&str>, Option<&[u8]>),
        peer: SocketAddr,
    ) -> Result<Who, Refused> {
        let takes_our_name = username == Some(&self.own_name)
            || client_id.strip_prefix(&self.own_name).is_some_and(|it| matches!(it, "" | "-fire"));
        if takes_our_name {
            return Err(Refused::NotAllowed);
        }
        let accounts = self.accounts.current();
        if accounts.is_empty() {
            return match peer.ip().is_loopback() {
                true => Ok(Who::Anybody),
                false => Err(Refused::NotAllowed),
            };
        }
        let (Some(name), Some(password)) = (username, password) else {
            return Err(Refused::Credentials);
        };
        let proof = accounts.prove(name, password, self.clock.now()).ok_or(Refused::Credentials)?;
        let is_anothers = client_id != name
            && (accounts.get(client_id).is_some()
                || self.devices.iter().any(|device| device.as_str() == client_id));
        match is_anothers {
            true => Err(Refused::NotAllowed),
            false => Ok(Who::Account(name.into(), proof)),
        }
    }

    /// Whether `who` may stay: accounts are removed and get new secrets while it is connected.
    pub(crate) fn may_stay(&self, who: &Who) -> bool {
        let accounts = self.accounts.current();
        match who {
            Who::Anybody => accounts.is_empty(),
            Who::Account(name, proof) => accounts.holds(name, *proof, self.clock.now()),
        }
    }

    /// Whether `who` may publish to `topic`, which holds no wildcard. A will is published too.
    pub(crate) fn may_publish(&self, who: &Who, topic: &str) -> bool {
        match who {
            Who::Anybody => self.may_stay(who) && !is_guarded(topic),
            Who::Account(name, _) => {
                self.may_stay(who) && self.accounts.current().may_publish(name, topic)
            }
        }
    }

    /// Whether `who` may subscribe to `filter`, which is valid and without its `$share` part: all
    /// that it matches must be theirs to read.
    pub(crate) fn may_subscribe(&self, who: &Who, filter: &str) -> bool {
        match who {
            Who::Anybody => self.may_stay(who),
            Who::Account(name, _) => {
                self.may_stay(who) && self.accounts.current().may_read(name, filter)
            }
        }
    }

    /// Whether a message of `topic` may be delivered to `who`, whatever the filter was: rights may
    /// have changed since.
    pub(crate) fn may_receive(&self, who: &Who, topic: &str) -> bool {
        self.may_subscribe(who, topic)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rights").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

/// Whether only the daemon may publish to `topic`.
fn is_guarded(topic: &str) -> bool {
    topic.ends_with("/set") || topic.starts_with("kari/") || topic.starts_with('$')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::accounts::{Accounts, FILE, Secret, filter::Filter};

    /// A clock that stands still.
    pub(crate) struct Still;

    impl Clock for Still {
        fn now(&self) -> domain::time::Timestamp {
            domain::time::Timestamp::from_micros(1)
        }
    }

    const HERE: ([u8; 4], u16) = ([127, 0, 0, 1], 50_000);
    const THERE: ([u8; 4], u16) = ([192, 0, 2, 7], 50_000);

    fn rights(accounts: Live) -> Rights {
        let devices = vec!["gate-1".into(), "gate-2".into()];
        Rights::new(("kari".to_owned(), devices), Arc::new(accounts), Arc::new(Still))
    }

    fn secret(seed: u8) -> Secret {
        Secret::of(&[seed; 32], [seed; 16])
    }

    /// A folder with accounts of gate-1 and of a reader; each secret's seed is its number.
    fn with_accounts() -> (tempfile::TempDir, Accounts) {
        let folder = tempfile::tempdir().unwrap();
        let mut accounts = Accounts::default();
        accounts.add("gate-1", &secret(1), (Vec::new(), Vec::new())).unwrap();
        let may_read = vec![Filter::parse("homie/5/+/gate/#").unwrap()];
        accounts.add("reader", &secret(2), (may_read, Vec::new())).unwrap();
        save(&folder, &accounts);
        (folder, accounts)
    }

    fn save(folder: &tempfile::TempDir, accounts: &Accounts) {
        let draft = folder.path().join("draft");
        std::fs::write(&draft, accounts.text().unwrap()).unwrap();
        std::fs::rename(draft, folder.path().join(FILE)).unwrap();
    }

    #[test]
    fn commands_are_guarded_and_events_are_not() {
        let rights = rights(Live::default());
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
        let rights = rights(Live::default());
        let (here, there) = (SocketAddr::from(HERE), SocketAddr::from(THERE));
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

    #[test]
    fn with_accounts_only_a_secret_comes_in_and_only_under_its_own_name() {
        let (folder, _) = with_accounts();
        let rights = rights(Live::open(folder.path()).unwrap());
        let there = SocketAddr::from(THERE);
        let (first, second) = (secret(1), secret(2));
        let login =
            |name: &'static str, secret: &'static str| (Some(name), Some(secret.as_bytes()));
        let first: &'static str = first.text().to_owned().leak();
        let second: &'static str = second.text().to_owned().leak();
        for (client_id, login, expected) in [
            ("gate-1", login("gate-1", first), Ok("gate-1")),
            ("whatever", login("gate-1", first), Ok("gate-1")),
            ("", login("reader", second), Ok("reader")),
            ("gate-1", (None, None), Err(Refused::Credentials)),
            ("gate-1", (Some("gate-1"), None), Err(Refused::Credentials)),
            ("gate-1", login("gate-1", second), Err(Refused::Credentials)),
            ("gate-2", login("gate-2", first), Err(Refused::Credentials)),
            ("gate-1", login("reader", second), Err(Refused::NotAllowed)),
            ("gate-2", login("reader", second), Err(Refused::NotAllowed)),
            ("reader", login("gate-1", first), Err(Refused::NotAllowed)),
            ("kari", login("gate-1", first), Err(Refused::NotAllowed)),
        ] {
            let who = rights.admit(client_id, login, there);
            let name = who.map(|who| match who {
                Who::Account(name, _) => name.to_string(),
                Who::Anybody => panic!("{client_id} was not asked for a secret"),
            });
            assert_eq!(name, expected.map(str::to_owned), "{client_id} {login:?}");
        }
        assert!(!rights.may_stay(&Who::Anybody));
        assert!(!rights.may_publish(&Who::Anybody, "homie/5/gate-1/gate/passage"));
        assert!(!rights.may_receive(&Who::Anybody, "homie/5/gate-1/gate/passage"));
    }

    #[test]
    fn what_changes_in_the_file_counts_for_whoever_is_connected() {
        let (folder, mut accounts) = with_accounts();
        let live = Arc::new(Live::open(folder.path()).unwrap());
        let ours = ("kari".to_owned(), vec!["gate-1".into()]);
        let rights = Rights::new(ours, Arc::clone(&live), Arc::new(Still));
        let here = SocketAddr::from(HERE);
        let admit = |name: &str, secret: &Secret| {
            rights.admit(name, (Some(name), Some(secret.text().as_bytes())), here)
        };
        let gate = admit("gate-1", &secret(1)).unwrap();
        let reader = admit("reader", &secret(2)).unwrap();
        let passage = "homie/5/gate-1/gate/passage";
        assert!(rights.may_publish(&gate, passage) && rights.may_receive(&reader, passage));
        assert!(!rights.may_publish(&reader, passage) && !rights.may_subscribe(&reader, "#"));
        assert!(!gate.is_same_as(&reader) && gate.is_known() && gate.is_same_as(&gate));

        accounts.renew("gate-1", &secret(3), Still.now()).unwrap();
        accounts.remove("reader").unwrap();
        save(&folder, &accounts);
        live.refresh();
        for (who, topic) in [(&gate, passage), (&reader, passage)] {
            assert!(!rights.may_stay(who) && !rights.may_publish(who, topic));
            assert!(!rights.may_receive(who, topic));
        }
        assert_eq!(admit("gate-1", &secret(1)), Err(Refused::Credentials));
        let again = admit("gate-1", &secret(3)).unwrap();
        assert!(again.is_same_as(&gate) && rights.may_publish(&again, passage));
    }
}
