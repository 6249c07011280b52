//! What can be done about devices: their accounts at the MQTT server inside, and what they say that
//! nobody understands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use devices::accounts::filter::Filter;

use super::SiteArg;

/// What can be done about devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Make an account for a gate or terminal, or for a reader of other topics.
    ///
    /// The secret is written once, to `secrets/ID.mqtt` in the site's folder, for whoever sets the
    /// device up; the site keeps its hash. A daemon that runs takes the change within two seconds.
    #[command(
        allow_missing_positional = true,
        after_help = "Examples:
  kari device add my-pool gate-1
  kari device add my-pool gate-1 --print             on the screen instead of into a file
  kari device add my-pool home-assistant --may-read 'homie/5/+/gate/#' \\
      --may-read 'homie/5/+/$state' --may-publish 'home/#'

Once there is an account, nobody comes in without one."
    )]
    Add(AddArgs),
    /// List the accounts, and the gates that have none.
    #[command(after_help = "Example:
  kari device list my-pool")]
    List(SiteArg),
    /// Remove an account; a device that is connected by it is cut off.
    #[command(
        allow_missing_positional = true,
        after_help = "Example:
  kari device remove my-pool gate-1"
    )]
    Remove(NamedArgs),
    /// Give an account a new secret; the old one counts until the device has the new one.
    #[command(
        allow_missing_positional = true,
        after_help = "Examples:
  kari device renew my-pool gate-1
  kari device renew my-pool gate-1 --grace-hours 0   somebody knows the old one"
    )]
    Renew(RenewArgs),
    /// List the messages of devices that nobody understood, newest first.
    #[command(after_help = "Examples:
  kari device messages my-pool                       of the last day
  kari device messages my-pool gate-1 --hours 168    of one device, in a week")]
    Messages(MessagesArgs),
}

/// What `kari device messages` takes.
#[derive(Debug, Args)]
pub(crate) struct MessagesArgs {
    /// The site's folder, which holds site.toml; else `KARI_SITE`, the current folder, /etc/kari.
    #[arg(value_name = "DIR", env = "KARI_SITE")]
    pub(crate) site: Option<PathBuf>,
    /// Only those of this device.
    pub(crate) device: Option<String>,
    /// How far to look back.
    #[arg(long, default_value_t = 24,
          value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub(crate) hours: u32,
    /// How many lines of the journal to look through, newest first.
    #[arg(long, default_value_t = 1000)]
    pub(crate) limit: u32,
}

/// An account of a site.
#[derive(Debug, Args)]
pub(crate) struct NamedArgs {
    /// The site's folder, which holds site.toml; else `KARI_SITE`, the current folder, /etc/kari.
    #[arg(value_name = "DIR", env = "KARI_SITE")]
    pub(crate) site: Option<PathBuf>,
    /// The device's id, which is its user name too.
    pub(crate) id: String,
}

/// What `kari device add` takes.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The account.
    #[command(flatten)]
    pub(crate) account: NamedArgs,
    /// What it may read of others, as an MQTT filter; may be given several times.
    #[arg(long, value_name = "FILTER")]
    pub(crate) may_read: Vec<Filter>,
    /// What it may publish where no device does; may be given several times.
    #[arg(long, value_name = "FILTER")]
    pub(crate) may_publish: Vec<Filter>,
    /// Print the secret instead of writing a file.
    #[arg(long)]
    pub(crate) print: bool,
}

/// What `kari device renew` takes.
#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// The account.
    #[command(flatten)]
    pub(crate) account: NamedArgs,
    /// How long the old secret counts beside the new one.
    #[arg(long, value_name = "HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u32).range(0..=8760))]
    pub(crate) grace_hours: u32,
    /// Print the secret instead of writing a file.
    #[arg(long)]
    pub(crate) print: bool,
}
