//! Typed ids: a gate is never mistaken for a zone, a member never for a pass.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

macro_rules! name_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<Box<str>>);

        impl $name {
            /// The name as it stands in the site's files.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name {
            fn from(name: &str) -> Self { Self(Arc::new(name.into())) }
        }
        impl From<String> for $name {
            fn from(name: String) -> Self { Self(Arc::new(name.into())) }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Debug::fmt(&self.0, f) }
        }
    )*};
}

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
    )*};
}

name_ids! {
    /// A device: a gate, a reader, a bank of lockers. Devices compare byte by byte.
    DeviceId,
    /// A zone of the site's tree.
    ZoneId,
    /// A tariff of the price list.
    TariffId,
    /// A group of members, such as a class or a staff group.
    GroupId,
    /// A locker, by the number on its door.
    LockerId,
    /// An operator, by the login.
    OperatorId,
    /// Something that is sold at tills, by its name in the price list.
    GoodId,
    /// A price list.
    PriceListId,
    /// An import, by the hash of what was imported and how.
    ImportId,
}

/// So many bytes of a uid need no memory of their own: the ten bytes of the longest chips are
/// twenty digits, the common four and seven are eight and fourteen.
const SHORT: usize = 14;

/// What a reader reports of a band or card, normalised to upper-case hexadecimal or digits.
#[derive(Clone)]
pub struct Uid(UidText);

/// A million of them are in memory, so the short ones, which nearly all are, lie in place.
#[derive(Clone)]
enum UidText {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Arc<Box<str>>),
}

impl Uid {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was made of a text.
            UidText::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            UidText::Long(text) => text,
        }
    }
    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            UidText::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            UidText::Long(text) => text.as_bytes(),
        }
    }
}
impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self(UidText::Short { len, bytes })
            }
            _ => Self(UidText::Long(Arc::new(text.into()))),
        }
    }
}
impl From<String> for Uid {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}
impl Borrow<str> for Uid {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}
// Bytes compare, and are hashed, as their texts are.
impl PartialEq for Uid {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for Uid {}
impl Ord for Uid {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}
impl PartialOrd for Uid {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl std::hash::Hash for Uid {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl Serialize for Uid {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}
impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Ok(Self::from(&*text))
    }
}
impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

row_ids! {
    /// A person. The journal knows people by this key alone.
    MemberId,
    /// A band, card or ticket.
    CredentialId,
    /// People with a shared wallet who belong together.
    FamilyId,
    /// An exemption of a person or a group.
    ExemptionId,
    /// A line of the history of credentials.
    HeldId,
    /// An account of the ledger.
    AccountId,
    /// A sold pass.
    PassId,
    /// One stay, from the first entry passage to the exit passage.
    VisitId,
    /// One decision.
    DecisionId,
    /// One command to a device.
    CommandId,
    /// One transaction of the ledger.
    TransactionId,
}

/// Makes UUID v7 ids from the time and a seed: both are arguments, so that a simulation repeats
/// itself.
#[derive(Debug, Clone)]
pub struct IdMaker {
    state: u64,
}

impl IdMaker {
    /// Starts from `seed`: random in a daemon, fixed in a simulation.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A new id that sorts by `at`, to the millisecond.
    pub fn make(&mut self, at: Timestamp) -> Uuid {
        let mut random = [0_u8; 10];
        random[..8].copy_from_slice(&self.next().to_le_bytes());
        random[8..].copy_from_slice(&self.next().to_le_bytes()[..2]);
        let millis = u64::try_from(at.micros() / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A seed for another maker, which makes other ids.
    pub const fn fork(&mut self) -> u64 {
        self.next()
    }

    /// SplitMix64, after Steele, Lea and Flood (2014).
    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_uids_are_what_they_were_made_of_and_order_as_texts() {
        let texts =
            ["", "0A", "04A1B2C3D4E5F6", "04A1B2C3D4E5F60", "04A1B2C3D4E5F60718", "ქარდი", "ქ"];
        let mut uids: Vec<Uid> = texts.into_iter().map(Uid::from).collect();
        for (uid, text) in uids.iter().zip(texts) {
            assert_eq!((uid.as_str(), uid.to_string().as_str()), (text, text));
            let json = serde_json::to_string(uid).unwrap();
            assert_eq!(serde_json::from_str::<Uid>(&json).unwrap(), *uid);
            assert_eq!(*uid, Uid::from(text.to_owned()));
        }
        uids.sort();
        let mut sorted = texts;
        sorted.sort_unstable();
        assert_eq!(uids.iter().map(Uid::as_str).collect::<Vec<_>>(), sorted);
        assert_eq!((size_of::<Uid>(), size_of::<TariffId>()), (16, 8));
    }
}
