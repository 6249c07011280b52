//! Accounts of devices and readers: who may come in at the MQTT server inside, with what rights.
//!
//! An account has a name, which is also the user name. Under it a client says and hears everything
//! below `homie/5/NAME`, but never gives commands. An account may have rights besides: filters of
//! what it may read of others, and of what it may publish where no device does.
//!
//! The file keeps a salted BLAKE3 of each secret and not the secret. That is enough, and a slow
//! password hash would add nothing: a secret is 160 random bits of the system, which nobody tries
//! out, however fast a guess is; and a gate that comes back after a power failure must not wait for
//! a hash that takes a tenth of a second.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

pub mod filter;
pub mod live;

use filter::Filter;

/// The name of the file in a site's folder.
pub const FILE: &str = "accounts.toml";
/// Random bytes of a secret; each gives one of its characters.
pub const SECRET_BYTES: usize = 32;
/// Random bytes of a salt.
pub const SALT_BYTES: usize = 16;
/// Secrets that one account has at once: one in use, one on its way out.
const SECRETS: usize = 2;
/// Filters of one account.
const FILTERS: usize = 32;
/// The characters of secrets: without those that are taken for others when they are typed.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// What a hash of ours is for, so that no other use of BLAKE3 gives the same.
const CONTEXT: &str = "kari 2026-11 secret of a device account";
/// Names that nobody else may have: the daemon's own at an outside broker.
const RESERVED: [&str; 2] = ["kari", "kari-fire"];

/// Why the accounts of a site cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}; check its owner and rights", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not as `kari device` writes it.
    #[error("`{}`: {message}; put it right, or restore it from a backup", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// The accounts of a site, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<String, Account>);

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    secrets: Vec<Kept>,
    /// What it may read of others.
    pub may_read: Vec<Filter>,
    /// What it may publish where no device does.
    pub may_publish: Vec<Filter>,
}

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
struct Kept {
    salt: [u8; SALT_BYTES],
    hash: blake3::Hash,
    /// The end of a secret that was renewed.
    until: Option<Timestamp>,
}

/// By which secret somebody came in; it is compared with what is valid later.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof(blake3::Hash);

/// A new secret, before it is given away.
#[derive(Clone)]
pub struct Secret {
    text: String,
    salt: [u8; SALT_BYTES],
}

impl Secret {
    /// Makes a secret of random bytes, which the system gives.
    #[must_use]
    pub fn of(random: &[u8; SECRET_BYTES], salt: [u8; SALT_BYTES]) -> Self {
        // Five bits of each byte, 160 in all.
        let sign = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).map_or('0', |c| char::from(*c));
        Self { text: random.iter().map(sign).collect(), salt }
    }

    /// The secret itself, for the one person who sets the device up.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn keep(&self, name: &str) -> Kept {
        Kept { salt: self.salt, hash: hash(name, &self.salt, self.text.as_bytes()), until: None }
    }
}

/// The hash of a secret, under the name that it belongs to.
fn hash(name: &str, salt: &[u8; SALT_BYTES], secret: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(salt);
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(secret);
    hasher.finalize()
}

impl Account {
    /// When the secrets end, one entry for each; `None` for one without an end.
    pub fn ends(&self) -> impl Iterator<Item = Option<Timestamp>> {
        self.secrets.iter().map(|kept| kept.until)
    }

    fn valid(&self, now: Timestamp) -> impl Iterator<Item = &Kept> {
        self.secrets.iter().filter(move |kept| kept.until.is_none_or(|until| now < until))
    }
}

impl Accounts {
    /// The accounts of the site in `folder`; none where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or is not as it must be.
    pub fn read(folder: &Path) -> Result<Self, AccountsError> {
        let path = folder.join(FILE);
        let content = |message: &str| AccountsError::Content {
            path: path.clone(),
            message: message.to_owned(),
        };
        match plain_file::text(&path, plain_file::SMALL) {
            Ok(text) => Self::parse(&text).map_err(|message| content(&message)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(AccountsError::Read { path, source }),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong, with its place where it has one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut accounts = BTreeMap::new();
        for row in file.account {
            let name = row.name.clone();
            check_name(&name)?;
            let account = row.account().map_err(|why| format!("account `{name}`: {why}"))?;
            if accounts.insert(name.clone(), account).is_some() {
                return Err(format!("account `{name}` stands there twice"));
            }
        }
        Ok(Self(accounts))
    }

    /// The text of a file that reads as these accounts.
    ///
    /// # Errors
    /// The text cannot be made, which is a fault of ours.
    pub fn text(&self) -> Result<String, String> {
        let account = self.0.iter().map(|(name, account)| Row::of(name, account)).collect();
        let text = toml::to_string(&File { account }).map_err(|error| error.to_string())?;
        Ok(format!(
            "# Written by `kari device`. Hashes of secrets stand here, no secret.\n\n{text}"
        ))
    }

    /// Whether there are none, so that clients come in without one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The account of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Account> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Account)> {
        self.0.iter().map(|(name, account)| (name.as_str(), account))
    }

    /// Adds an account.
    ///
    /// # Errors
    /// The name is taken or none, or a right is not to be had.
    pub fn add(
        &mut self,
        name: &str,
        secret: &Secret,
        (may_read, may_publish): (Vec<Filter>, Vec<Filter>),
    ) -> Result<(), String> {
        check_name(name)?;
        if self.0.contains_key(name) {
            return Err(format!(
                "`{name}` has an account already; `kari device renew` gives it a new secret"
            ));
        }
        let account = Account { secrets: vec![secret.keep(name)], may_read, may_publish };
        account.check()?;
        self.0.insert(name.to_owned(), account);
        Ok(())
    }

    /// Gives an account a new secret; the one that it has ends at `until`.
    ///
    /// # Errors
    /// There is no such account.
    pub fn renew(&mut self, name: &str, secret: &Secret, until: Timestamp) -> Result<(), String> {
        let account = self.0.get_mut(name).ok_or_else(|| unknown(name))?;
        // Of three only the last one was ever given to a device that works.
        account.secrets.retain(|kept| kept.until.is_none());
        for kept in &mut account.secrets {
            kept.until = Some(until);
        }
        account.secrets.push(secret.keep(name));
        Ok(())
    }

    /// Removes an account.
    ///
    /// # Errors
    /// There is no such account.
    pub fn remove(&mut self, name: &str) -> Result<(), String> {
        self.0.remove(name).map(drop).ok_or_else(|| unknown(name))
    }

    /// Takes secrets out that have ended.
    pub fn forget_ended(&mut self, now: Timestamp) {
        for account in self.0.values_mut() {
            account.secrets.retain(|kept| kept.until.is_none_or(|until| now < until));
        }
    }

    /// By which secret `name` comes in, if it may.
    #[must_use]
    pub fn prove(&self, name: &str, secret: &[u8], now: Timestamp) -> Option<Proof> {
        let mut valid = self.0.get(name)?.valid(now);
        // Hashes of BLAKE3 are compared in constant time.
        let found = valid.find(|kept| hash(name, &kept.salt, secret) == kept.hash)?;
        Some(Proof(found.hash))
    }

    /// Whether what somebody came in by is still valid.
    #[must_use]
    pub fn holds(&self, name: &str, proof: Proof, now: Timestamp) -> bool {
        let Some(account) = self.0.get(name) else { return false };
        account.valid(now).any(|kept| kept.hash == proof.0)
    }

    /// Whether the account `name` may publish to `topic`.
    #[must_use]
    pub fn may_publish(&self, name: &str, topic: &str) -> bool {
        if let Some(rest) = below_own(name, topic) {
            return !rest.ends_with("/set");
        }
        let Some(account) = self.0.get(name) else { return false };
        account.may_publish.iter().any(|filter| filter.covers(topic))
    }

    /// Whether the account `name` may read what `filter` covers: a topic, or a filter of a
    /// subscription without its `$share`.
    #[must_use]
    pub fn may_read(&self, name: &str, filter: &str) -> bool {
        let Some(account) = self.0.get(name) else { return false };
        below_own(name, filter).is_some()
            || account.may_read.iter().any(|right| right.covers(filter))
    }
}

/// What follows the account's own part of the tree, where a topic or filter lies there.
fn below_own<'a>(name: &str, topic: &'a str) -> Option<&'a str> {
    topic.strip_prefix("homie/5/")?.strip_prefix(name)?.strip_prefix('/')
}

fn unknown(name: &str) -> String {
    format!("`{name}` has no account; `kari device list` shows those that there are")
}

fn check_name(name: &str) -> Result<(), String> {
    if !crate::config::is_topic_id(name) {
        return Err(format!(
            "`{name}` cannot be a name: it must have 1 to 64 lower-case letters, digits and hyphens"
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` is the daemon's own name; choose another one"));
    }
    Ok(())
}

impl Account {
    fn check(&self) -> Result<(), String> {
        if self.secrets.len() > SECRETS || self.may_read.len() + self.may_publish.len() > FILTERS {
            return Err(format!(
                "it must have at most {SECRETS} secrets and {FILTERS} rights; make two accounts \
                 of it"
            ));
        }
        let taken = self.may_publish.iter().find(|filter| !filter.is_free());
        taken.map_or(Ok(()), |filter| {
            Err(format!(
                "`{filter}` reaches topics that belong to devices or to the daemon; the first \
                 level of what an account may publish must be a word of its own, such as \
                 `weather/#`"
            ))
        })
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept(until {:?})", self.until)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The file as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    may_read: Vec<Filter>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    may_publish: Vec<Filter>,
    #[serde(default)]
    secret: Vec<SecretRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretRow {
    salt: String,
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<jiff::Timestamp>,
}

impl Row {
    fn of(name: &str, account: &Account) -> Self {
        let secret = account.secrets.iter().map(|kept| SecretRow {
            salt: kept.salt.iter().map(|byte| format!("{byte:02x}")).collect(),
            hash: kept.hash.to_hex().as_str().to_owned(),
            until: kept.until.map(Timestamp::to_calendar),
        });
        Self {
            name: name.to_owned(),
            may_read: account.may_read.clone(),
            may_publish: account.may_publish.clone(),
            secret: secret.collect(),
        }
    }

    fn account(self) -> Result<Account, String> {
        let secrets = self.secret.into_iter().map(SecretRow::kept).collect::<Result<_, _>>()?;
        let account = Account { secrets, may_read: self.may_read, may_publish: self.may_publish };
        account.check()?;
        Ok(account)
    }
}

impl SecretRow {
    fn kept(self) -> Result<Kept, String> {
        let hash = blake3::Hash::from_hex(&self.hash)
            .map_err(|_| "a `hash` must be 64 hexadecimal digits".to_owned())?;
        let salt = salt(&self.salt).ok_or("a `salt` must be 32 hexadecimal digits")?;
        Ok(Kept { salt, hash, until: self.until.map(Timestamp::from) })
    }
}

fn salt(text: &str) -> Option<[u8; SALT_BYTES]> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 2 * SALT_BYTES && !text.starts_with('+')).then(|| number.to_be_bytes())
}

#[cfg(test)]
mod tests;
