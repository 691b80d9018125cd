//! Who is asking.
//!
//! One key signs everything ([`SigningKey`]). A person exchanges the one-time code of the sign-in
//! link ([`SignInCodes`]) for a session token in a cookie ([`session_cookie`]); a program brings a
//! bearer token that was made on the command line. Both are checked by [`TokenIssuer::verify`], and
//! what comes out is an [`Identity`]. What its role allows is said by the [`Policy`]; that it is asked
//! before every act is for `service` to see to.
//!
//! No function reads the clock: the time is an argument.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

mod jwks;
mod key;
mod lockout;
mod oidc;
mod outbound;
mod password;
mod policy;
mod rate_limit;
mod role_map;
mod session;
mod sign_in;
mod token;

/// Who asks from there is whoever sits at this machine.
pub(crate) use crate::config::is_this_machine;
pub use jwks::{ExternalError, ExternalTokens, SourceError};
pub use key::{KeyError, SigningKey};
pub use lockout::Lockout;
pub use oidc::{FLOW_TTL, Flow, OidcError, OidcProvider, Vouched};
pub use outbound::{OutboundError, SharedOutbound};
pub use password::{check_password, hash_password, verify_password};
pub use policy::{Access, PatternError, Policy, Role, Target};
pub use rate_limit::{RateLimit, StartLimits};
pub use session::{
    SESSION_COOKIE, SESSION_TTL, expired_session_cookie, expired_sign_on_cookie,
    read_session_cookie, read_sign_on_cookie, session_cookie, sign_on_cookie,
};
pub use sign_in::{CODE_TTL, SignInCodes};
pub use token::{Audience, Grant, Identity, Issued, TokenIssuer, Via};

/// Why somebody is not let in, or a token is not made. The words are for the one who asks, and say
/// nothing that helps to guess.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum AuthError {
    /// Malformed, signed by another key, or not made by Runyard.
    #[error("the token is not valid: make a new one with `runyard token create`, or sign in again")]
    Invalid,
    /// It was valid.
    #[error("the token has expired: make a new one with `runyard token create`, or sign in again")]
    Expired,
    /// A session token where an API token belongs, or the reverse.
    #[error("the token is for another use: it is needed here with the audience {expected}")]
    Audience {
        /// What the token would have to be for.
        expected: Audience,
    },
    /// The sign-in code was used, has expired, or never was.
    #[error("the sign-in link was used already or has expired: ask for a new one")]
    Code,
    /// A name that a token cannot carry.
    #[error("{0:?} cannot be a name: 1 to 100 characters, none of them a control character")]
    Name(String),
    /// A time to live that cannot be.
    #[error(
        "{0:?} is no time to live: a number with a unit, such as 30m, 1h or 7d, up to 366 days"
    )]
    Ttl(String),
    /// A password that is soon guessed.
    #[error("the password is too weak: {0}")]
    Weak(&'static str),
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// `N` random bytes as text that needs no quoting anywhere.
fn random_text<const N: usize>() -> Result<String, AuthError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AuthError::Random(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
