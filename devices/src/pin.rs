//! PINs: only digests under the site's own key leave the link that a code came in by.

use std::fmt;

use domain::rows::PinDigest;

/// A code has so many digits.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

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
}
