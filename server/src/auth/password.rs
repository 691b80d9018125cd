//! Passwords: argon2id, with the parameters that OWASP names first (19 MiB, 2 passes).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::AuthError;

const MIN_CHARS: usize = 12;
/// Longer ones are accepted nowhere; hashing without a bound would be a way to keep us busy.
const MAX_BYTES: usize = 1024;
/// Fewer different characters are one key held down, or two in turn.
const MIN_DIFFERENT: usize = 5;

/// Compared with when there is no such user, so that it takes as long as for one that there is.
/// Nobody knows a password of it: it was never one's hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cnVueWFyZHJ1bnlhcmQ$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether a password is good enough for `name`.
///
/// # Errors
/// [`AuthError::Weak`] with what would be right.
pub fn check_password(password: &str, name: &str) -> Result<(), AuthError> {
    let weak = |words: &'static str| Err(AuthError::Weak(words));
    if password.chars().count() < MIN_CHARS {
        return weak("it needs 12 characters or more: four words are easy to remember");
    }
    if password.len() > MAX_BYTES {
        return weak("it is longer than 1024 bytes");
    }
    let folded = password.to_lowercase();
    let mut different: Vec<char> = folded.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT {
        return weak("it repeats the same few characters: take more different ones");
    }
    let is_run = folded.as_bytes().windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
    let is_common = ["password", "passwort", "qwerty", "runyard", "letmein", "iloveyou"]
        .iter()
        .any(|common| folded.replace(common, "").chars().filter(|c| c.is_alphabetic()).count() < 4);
    if is_run || (is_common && folded.chars().any(char::is_alphabetic)) {
        return weak("it is among the first that somebody would try: take several words");
    }
    let name = name.to_lowercase();
    if name.chars().count() >= 3 && folded.replace(&name, "").chars().count() < MIN_CHARS / 2 {
        return weak("it is little more than the name: take several words");
    }
    Ok(())
}

/// The hash to keep. Takes some 20 ms and 19 MiB: not for the runtime's own threads.
///
/// # Errors
/// [`AuthError::Random`] when the operating system gives no random numbers.
pub fn hash_password(password: &str) -> Result<String, AuthError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| AuthError::Random(error.to_string()))
}

/// Whether `password` is the one of `hash`. Without a hash it takes as long, and is wrong.
#[must_use]
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    if password.len() > MAX_BYTES {
        return false;
    }
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let is_right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    is_right && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_hides_it() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse battery ", Some(&hash)));
        assert_ne!(hash, hash_password("correct horse battery").unwrap(), "the salt is random");
    }

    #[test]
    fn nobody_has_a_password_and_is_compared_all_the_same() {
        // It parses, so the whole work is done; else an unknown name would be answered at once.
        PasswordHash::new(NOBODY).unwrap();
        assert!(!verify_password("", None));
        assert!(!verify_password("anything at all", None));
        assert!(!verify_password("anything at all", Some("damaged")));
    }

    #[test]
    fn weak_passwords_are_refused_in_words() {
        for weak in [
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "abcdefghijklm",
            "passwordpassword",
            "Password12345!",
            "qwertyqwerty123",
            "alexandra1234",
            &"x1y2z3".repeat(200),
        ] {
            let refused = check_password(weak, "Alexandra");
            assert!(matches!(refused, Err(AuthError::Weak(_))), "{weak}");
        }
        for good in ["correct horse battery", "3pt-ü7fK_qpw1x", "1837 5920 6647 01"] {
            check_password(good, "alexandra").unwrap();
        }
    }
}
