//! What `kari doctor` says of the door that devices come in by: the server inside and its accounts,
//! or a broker on the network and what cannot be promised there.

use super::Found;
use crate::{commands::device::without_account, config::Installation};

/// What a broker on the network cannot promise, whatever Kari does.
const NOT_PROMISED: &[&str] = &[
    "a device's message is acknowledged by the broker before it is on record: it is kept over a \
     crash only by a Mosquitto with `persistence true` and `autosave_interval 1` with \
     `autosave_on_changes true`, and for a client with a session that persists",
    "a PIN that is typed at a gate travels in a topic: everybody hears it whom the broker's rights \
     let read `homie/5/+/+/uid`; take over the file of rights below",
    "who is a device is the broker's to know: give each one an account by `mosquitto_passwd` and \
     set `allow_anonymous false`; even then whoever has an account may take the client id of \
     another one and cut its connection, though not speak for it",
    "how long a request waited in the broker's queues is not known: requests without a time of \
     their own are stale after a reconnect",
];

/// Looks at the door.
pub(super) fn look(installation: &Installation) -> Found {
    let links = &installation.links;
    let accounts = links.accounts.current();
    if links.is_remote() {
        let warnings = NOT_PROMISED.iter().map(|line| (*line).to_owned()).collect();
        return Found { told: Ok("a broker of your own".to_owned()), warnings };
    }
    let Some(address) = links.broker_address() else {
        return Found::from(Ok("no gate speaks MQTT".to_owned()));
    };
    let mut warnings = Vec::new();
    let names: Vec<_> = without_account(installation, &accounts).collect();
    if !names.is_empty() {
        warnings.push(format!(
            "{} cannot come in: no account; `kari device add ID` makes one",
            names.join(", ")
        ));
    }
    if let Err(error) = links.check_door() {
        return Found { told: Err(error.to_string()), warnings };
    }
    if let Some(warning) = open_door(installation) {
        warnings.push(warning);
    } else if !address.ip().is_loopback() {
        warnings.push(format!(
            "passwords and PINs pass the network in plain to {address}; set up TLS for it"
        ));
    }
    let count = accounts.iter().count();
    Found { told: Ok(format!("the server inside on {address}, {count} accounts")), warnings }
}

/// What is said at every start of a site whose devices have no accounts.
pub(crate) fn open_door(installation: &Installation) -> Option<String> {
    let address = installation.links.open_door()?;
    Some(format!(
        "devices come in at {address} without accounts: every program on this machine can take the \
         name of a gate, hear its bands and open it; `kari device add ID` makes an account for each"
    ))
}

/// The rights of a Mosquitto by which each device has its own topics alone.
pub(super) fn acl(installation: &Installation) -> Option<String> {
    let links = &installation.links;
    let daemon = links.login_name().unwrap_or("kari");
    links.is_remote().then(|| {
        format!(
            "# the daemon\nuser {daemon}\ntopic readwrite homie/5/#\ntopic readwrite kari/#\n\
             # each device: what its user name says, and no command\n\
             pattern read homie/5/%u/#\npattern write homie/5/%u/+\npattern write homie/5/%u/+/+"
        )
    })
}
