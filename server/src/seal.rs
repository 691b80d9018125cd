//! Seals what is kept in places that others may read: the secrets of a start in the database.
//!
//! ChaCha20-Poly1305 under a key of the data folder. The nonce is made from the text itself (as SIV
//! does), so no counter has to survive a crash, and the same text is sealed to the same letters:
//! whoever compares them learns that two are equal, and nothing else.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

/// It was not sealed with this key for this purpose, or was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not sealed with this key")]
pub struct SealError;

/// Seals and opens. Cheap to share.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    seal: LessSafeKey,
    nonce: hmac::Key,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// A sealer under a secret of 32 random bytes or more.
    ///
    /// # Errors
    /// Never, as long as the cipher's keys have the length of a SHA-256.
    pub fn new(secret: &[u8]) -> Result<Self, SealError> {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derive = |label: &[u8]| hmac::sign(&secret, label);
        let seal = UnboundKey::new(&CHACHA20_POLY1305, derive(b"runyard seal").as_ref());
        Ok(Self(Arc::new(Keys {
            seal: LessSafeKey::new(seal.map_err(|_| SealError)?),
            nonce: hmac::Key::new(hmac::HMAC_SHA256, derive(b"runyard nonce").as_ref()),
        })))
    }

    /// `plain` as letters that only this key opens, and only for `purpose`.
    ///
    /// # Errors
    /// When it is longer than the cipher takes (256 GiB).
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String, SealError> {
        let mut tag = hmac::Context::with_key(&self.0.nonce);
        tag.update(purpose.as_bytes());
        tag.update(&[0]);
        tag.update(plain);
        let tag = tag.sign();
        let nonce = tag.as_ref().first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let mut text = plain.to_vec();
        let nonce_of = Nonce::assume_unique_for_key(*nonce);
        let sealed = self.0.seal.seal_in_place_append_tag(nonce_of, Aad::from(purpose), &mut text);
        sealed.map_err(|_| SealError)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
    }

    /// What was sealed for `purpose`.
    ///
    /// # Errors
    /// [`SealError`] for everything else.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError)?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let (nonce, mut text) = (Nonce::assume_unique_for_key(*nonce), text.to_vec());
        let plain = self.0.seal.open_in_place(nonce, Aad::from(purpose), &mut text);
        Ok(plain.map_err(|_| SealError)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_its_key_for_its_purpose() {
        let (one, other) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let sealed = one.seal("plan", b"hunter2 hunter2").unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(one.open("plan", &sealed).unwrap(), b"hunter2 hunter2");
        assert_eq!(one.seal("plan", b"hunter2 hunter2").unwrap(), sealed);
        assert_ne!(one.seal("plan", b"hunter2 hunter3").unwrap()[..16], sealed[..16]);
        assert_eq!(other.open("plan", &sealed), Err(SealError));
        assert_eq!(one.open("cookie", &sealed), Err(SealError));
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let sealed = sealer.seal("plan", b"text").unwrap();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last letter may hold bits that no byte is made of.
            if URL_SAFE_NO_PAD.decode(&changed).is_ok() {
                assert_eq!(sealer.open("plan", &changed), Err(SealError), "letter {at}");
            }
        }
        for broken in ["", "AAAA", "?"] {
            assert_eq!(sealer.open("plan", broken), Err(SealError));
        }
        assert_eq!(format!("{sealer:?}"), "Sealer(..)");
    }
}
