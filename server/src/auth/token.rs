//! Tokens: JWTs signed with HS256, for sessions and for programs.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{AuthError, SigningKey, random_text};

const ISSUER: &str = "runyard";
/// Longer is none of ours; it is not even decoded.
const MAX_TOKEN_BYTES: usize = 4096;
const MAX_NAME_CHARS: usize = 100;
const MAX_TTL: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a token is for. One is not good for the other: a cookie is sent by the browser whoever
/// asks, so what comes in one is guarded differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The session cookie.
    Session,
    /// The `Authorization` header.
    Api,
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Api => "api",
        })
    }
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// With the session cookie: what changes state needs a check of the origin.
    Session,
    /// With a bearer token of ours.
    Bearer,
    /// With a bearer token of somebody else.
    External,
    /// Nobody was asked (`auth.mode = "off"`).
    Nobody,
}

impl Via {
    /// The name in the audit and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "token",
            Self::External => "external",
            Self::Nobody => "nobody",
        }
    }
}

/// Somebody who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who, as the audit knows them.
    pub name: String,
    /// The name of the role that says what they may do.
    pub role: String,
    /// Rules that narrow the role; empty when all of it is theirs.
    pub scope: Vec<String>,
    /// Of the token, unique.
    pub token_id: String,
    /// When the token ends by itself, in milliseconds since the epoch.
    pub expires_at_ms: i64,
    /// How they came in.
    pub via: Via,
}

/// What a token says. Times are whole seconds since the epoch.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    role: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scope: Vec<String>,
    iat: u64,
    exp: u64,
    jti: String,
}

/// A token that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// Unique; no secret.
    pub id: String,
    /// What is sent. Whoever has it is let in.
    pub token: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({})", self.id)
    }
}

/// What a token is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Whose it is.
    pub name: &'a str,
    /// The name of their role.
    pub role: &'a str,
    /// Rules that narrow the role; empty for none.
    pub scope: &'a [String],
    /// What it is for.
    pub audience: Audience,
    /// How long it is good for.
    pub ttl: Duration,
}

/// Makes tokens and checks them.
#[derive(Clone)]
pub struct TokenIssuer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenIssuer(..)")
    }
}

impl TokenIssuer {
    /// An issuer that signs with `key`.
    #[must_use]
    pub fn new(key: &SigningKey) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[Audience::Session, Audience::Api]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library asks the clock itself and adds a minute; `verify` compares with its argument.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(key.as_bytes()),
            decoding: DecodingKey::from_secret(key.as_bytes()),
            validation,
        }
    }

    /// A token that says what `grant` does, from `now` on.
    ///
    /// # Errors
    /// [`AuthError::Name`] and [`AuthError::Ttl`] for what a token cannot carry.
    pub fn issue(&self, grant: &Grant<'_>, now: SystemTime) -> Result<Issued, AuthError> {
        let Grant { name, role, scope, audience, ttl } = *grant;
        let length = name.chars().count();
        if !(1..=MAX_NAME_CHARS).contains(&length) || name.chars().any(char::is_control) {
            return Err(AuthError::Name(name.chars().take(MAX_NAME_CHARS).collect()));
        }
        check_ttl(ttl).ok_or_else(|| AuthError::Ttl(format!("{ttl:?}")))?;
        let iat = to_seconds(now);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience,
            sub: name.to_owned(),
            role: role.to_owned(),
            scope: scope.to_vec(),
            iat,
            exp: iat.saturating_add(ttl.as_secs()),
            jti: random_text::<16>()?,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|_| AuthError::Invalid)?;
        Ok(Issued { id: claims.jti, token })
    }

    /// Who brought `token`, if it is ours, for `expected`, and has not expired at `now`.
    ///
    /// # Errors
    /// [`AuthError::Invalid`], [`AuthError::Audience`] or [`AuthError::Expired`].
    pub fn verify(
        &self,
        token: &str,
        expected: Audience,
        now: SystemTime,
    ) -> Result<Identity, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Invalid);
        }
        let claims = decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidAudience => AuthError::Audience { expected },
                _ => AuthError::Invalid,
            })?
            .claims;
        if claims.aud != expected {
            return Err(AuthError::Audience { expected });
        }
        if claims.exp <= to_seconds(now) {
            return Err(AuthError::Expired);
        }
        let via = match claims.aud {
            Audience::Session => Via::Session,
            Audience::Api => Via::Bearer,
        };
        Ok(Identity {
            name: claims.sub,
            role: claims.role,
            scope: claims.scope,
            token_id: claims.jti,
            expires_at_ms: i64::try_from(claims.exp).unwrap_or(i64::MAX).saturating_mul(1000),
            via,
        })
    }
}

fn check_ttl(ttl: Duration) -> Option<Duration> {
    (Duration::from_secs(1)..=MAX_TTL).contains(&ttl).then_some(ttl)
}

/// A clock before the epoch is at the epoch: tokens made then have expired when it is put right.
fn to_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
