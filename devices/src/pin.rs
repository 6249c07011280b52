//! PINs: only digests under the site's own key leave the link that a code came in by.
//!
//! The key is what protects them. Four digits are ten thousand tries: Argon2id at a tenth of a
//! second would hold somebody who has database *and* key for a quarter of an hour on one core, and
//! cost every read with a PIN that tenth at the gate. Without the key a digest says nothing at all,
//! whatever it costs. So the key lies beside the database, for its owner alone, and not in it.

use std::fmt;

use domain::rows::PinDigest;

/// A code has so many digits.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// How a code that was hidden begins in a file.
pub const HIDDEN: &str = "hashed:";

/// The key of a site's PINs, 32 random bytes that never leave its machine.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PinKey([u8; 32]);

impl PinKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest of a code that belongs to `holder`, a number of a card or a login: two people
    /// with the same code have two digests. `None` where it is no code.
    #[must_use]
    pub fn digest(&self, holder: &str, code: &str) -> Option<PinDigest> {
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !PIN_DIGITS.contains(&code.len()) {
            return None;
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(holder.as_bytes());
        hasher.update(&[0]);
        hasher.update(code.as_bytes());
        Some(PinDigest(hasher.finalize().to_hex().as_str().into()))
    }

    /// Whether this is no key but the lack of one, as where files are only looked at.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0 == [0; 32]
    }

    /// What stands in a file in the place of a code: its digests, one for each of the holders. A
    /// file is told apart that was written under another key.
    #[must_use]
    pub fn hide(&self, holders: &[&str], code: &str) -> Option<String> {
        let mut hidden = format!("{HIDDEN}{}", self.name());
        for holder in holders {
            hidden.push(':');
            hidden.push_str(&self.digest(holder, code)?.0);
        }
        Some(hidden)
    }

    /// The digest of what a file says, a code or what [`Self::hide`] made of it; `place` says for
    /// which of the holders.
    ///
    /// # Errors
    /// It is neither, or was hidden under another key.
    pub fn read(
        &self,
        (holder, place): (&str, usize),
        text: &str,
    ) -> Result<PinDigest, &'static str> {
        let Some(hidden) = text.strip_prefix(HIDDEN) else {
            return self.digest(holder, text).ok_or("a PIN has 4 to 12 digits");
        };
        let mut parts = hidden.split(':');
        let key = parts.next().unwrap_or_default();
        if !self.is_none() && key != self.name() {
            return Err("it was hashed under another `pin.key`; restore that one to the state \
                        folder, or write the PIN anew");
        }
        let digest = parts.nth(place).filter(|digest| blake3::Hash::from_hex(digest).is_ok());
        digest.map(|digest| PinDigest(digest.into())).ok_or("it is no hash; write the PIN anew")
    }

    /// By what a key is told apart without being shown.
    fn name(&self) -> String {
        let hash = blake3::derive_key("kari 2026-11 name of a pin.key", &self.0);
        hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digest of any text, by which nobody reads it who has not the key.
    #[must_use]
    pub fn content(&self, text: &str) -> Box<str> {
        blake3::keyed_hash(&self.0, text.as_bytes()).to_hex().as_str().into()
    }
}

impl fmt::Debug for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_holder_and_code_apart_and_shows_neither() {
        let key = PinKey::new([7; 32]);
        let digest = key.digest("04A2B3", "1234").unwrap();
        assert_eq!(key.digest("04A2B3", "1234"), Some(digest.clone()));
        for other in [
            key.digest("04A2B3", "1235"),
            key.digest("04A2B4", "1234"),
            key.digest("04A2B", "31234"),
            PinKey::new([8; 32]).digest("04A2B3", "1234"),
        ] {
            assert_ne!(other, Some(digest.clone()));
        }
        for wrong in ["", "123", "1234567890123", "12a4", "１２３４"] {
            assert_eq!(key.digest("04A2B3", wrong), None, "{wrong}");
        }
        assert!(!digest.0.contains("1234") && !format!("{key:?}").contains('7'));
    }

    #[test]
    fn what_a_file_says_is_read_as_a_code_and_as_what_hides_it() {
        let key = PinKey::new([7; 32]);
        let hidden = key.hide(&["nino", "0A01"], "1111").unwrap();
        assert!(!hidden.contains("1111") && hidden.starts_with(HIDDEN));
        for (holder, place) in [("nino", 0), ("0A01", 1)] {
            let digest = key.digest(holder, "1111");
            assert_eq!(key.read((holder, place), "1111").ok(), digest);
            assert_eq!(key.read((holder, place), &hidden).ok(), digest);
            assert_eq!(PinKey::default().read((holder, place), &hidden).ok(), digest, "a look");
        }
        let other = PinKey::new([8; 32]).read(("nino", 0), &hidden).unwrap_err();
        assert!(other.contains("another `pin.key`"), "{other}");
        for (text, expected) in [
            ("11", "4 to 12 digits"),
            (&hidden[..hidden.len() - 1], "it is no hash"),
            (HIDDEN, "another `pin.key`"),
        ] {
            let error = key.read(("0A01", 1), text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert_eq!(key.hide(&["nino"], "11"), None);
    }
}
