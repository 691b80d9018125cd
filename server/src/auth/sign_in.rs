//! One-time codes: the link that is printed on start signs one browser in, once.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{AuthError, random_text};

/// How long a code is good for.
pub const CODE_TTL: Duration = Duration::from_secs(15 * 60);

/// Codes that are good at the same time; a new one pushes out the oldest.
const MAX_CODES: usize = 16;

struct Code {
    /// The code itself is not kept: what is read out of memory opens nothing.
    hash: [u8; 32],
    expires_at: SystemTime,
}

/// The codes that have not been used yet. They are gone when the server ends.
#[derive(Default)]
pub struct SignInCodes {
    codes: Mutex<VecDeque<Code>>,
}

impl std::fmt::Debug for SignInCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInCodes(..)")
    }
}

impl SignInCodes {
    /// No codes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new code of 192 bits, as text for a URL.
    ///
    /// # Errors
    /// [`AuthError::Random`] when the operating system gives no random numbers.
    pub fn issue(&self, now: SystemTime) -> Result<String, AuthError> {
        let code = random_text::<24>()?;
        let mut codes = self.codes.lock();
        codes.retain(|code| now < code.expires_at);
        if codes.len() >= MAX_CODES {
            codes.pop_front();
        }
        codes.push_back(Code { hash: hash(&code), expires_at: now + CODE_TTL });
        Ok(code)
    }

    /// Uses `code` up.
    ///
    /// # Errors
    /// [`AuthError::Code`] when it was used, has expired or never was; it does not say which.
    pub fn redeem(&self, code: &str, now: SystemTime) -> Result<(), AuthError> {
        let wanted = hash(code);
        let mut codes = self.codes.lock();
        codes.retain(|code| now < code.expires_at);
        // Every code is compared, and each in constant time: how long it takes tells nothing.
        let mut found = Choice::from(0);
        codes.retain(|code| {
            let same = code.hash.ct_eq(&wanted);
            found |= same;
            !bool::from(same)
        });
        if bool::from(found) { Ok(()) } else { Err(AuthError::Code) }
    }
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn a_code_works_once() {
        let codes = SignInCodes::new();
        let code = codes.issue(NOW).unwrap();
        codes.redeem(&code, NOW).unwrap();
        assert_eq!(codes.redeem(&code, NOW), Err(AuthError::Code));
    }

    #[test]
    fn a_code_expires() {
        let codes = SignInCodes::new();
        let code = codes.issue(NOW).unwrap();
        assert_eq!(codes.redeem(&code, NOW + CODE_TTL), Err(AuthError::Code));
        let code = codes.issue(NOW).unwrap();
        codes.redeem(&code, NOW + CODE_TTL - Duration::from_secs(1)).unwrap();
    }

    #[test]
    fn a_wrong_code_uses_nothing_up() {
        let codes = SignInCodes::new();
        let code = codes.issue(NOW).unwrap();
        for wrong in ["", "guess", &code[1..], &format!("{code} ")] {
            assert_eq!(codes.redeem(wrong, NOW), Err(AuthError::Code), "{wrong}");
        }
        codes.redeem(&code, NOW).unwrap();
    }

    #[test]
    fn a_code_needs_no_quoting_and_is_long_enough() {
        let code = SignInCodes::new().issue(NOW).unwrap();
        assert_eq!(code.len(), 32);
        assert!(code.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{code}");
    }

    #[test]
    fn the_oldest_code_makes_room() {
        let codes = SignInCodes::new();
        let first = codes.issue(NOW).unwrap();
        let second = codes.issue(NOW).unwrap();
        for _ in 2..=MAX_CODES {
            codes.issue(NOW).unwrap();
        }
        assert_eq!(codes.redeem(&first, NOW), Err(AuthError::Code));
        codes.redeem(&second, NOW).unwrap();
    }
}
