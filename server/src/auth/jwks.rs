//! Tokens of somebody else: JWTs that an identity provider or a CI system signs with its own key.
//!
//! Runyard knows the public keys, by file or address, and asks of a token: signed with RS256, ES256
//! or EdDSA by a key of that set, named by `kid` and made for that algorithm; from the configured
//! issuer, for the configured audience, not expired, already valid. A header that demands what we do
//! not know (`crit`) is refused. The algorithm is the key's, not the token's to choose, so neither
//! `none` nor an HMAC with a public key as its secret gets anywhere.

mod keys;
mod source;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::Deserialize;
use serde_json::Value;

use super::outbound::SharedOutbound;
use super::role_map::map_role;
use super::{Identity, Via};
use crate::config::{ExternalConfig, KeySource};

use source::Source;
pub use source::SourceError;

/// Longer is none; it is not even decoded.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Clocks of two machines differ.
const LEEWAY_S: u64 = 30;

/// Why a token of somebody else is not taken. The words are for the one who brings it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExternalError {
    /// It is no such token at all.
    #[error("the token is not valid")]
    Malformed,
    /// The algorithm is none that is taken.
    #[error("the token must be signed with RS256, ES256 or EdDSA")]
    Algorithm,
    /// It demands what is not known here.
    #[error("the token has critical headers, which are not known here")]
    Critical,
    /// No key of this name, or none for this algorithm.
    #[error("no key of the configured set fits the token's kid")]
    Key,
    /// Another issuer, another audience, a wrong signature, a missing claim.
    #[error("the token is not valid: {0}")]
    Claims(String),
    /// It was valid.
    #[error("the token has expired")]
    Expired,
    /// It is not valid yet.
    #[error("the token is not valid yet (nbf)")]
    Early,
    /// It says nothing that is a role here.
    #[error("the token's claim {0} names no role of runyard")]
    Role(String),
    /// The keys cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Checks tokens of one issuer.
#[derive(Debug)]
pub struct ExternalTokens {
    config: ExternalConfig,
    source: Source,
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

impl ExternalTokens {
    /// Tokens as `config` says. The keys are read when the first token comes.
    ///
    /// # Errors
    /// When no client for the address can be made.
    pub fn new(config: ExternalConfig, shared: &SharedOutbound) -> Result<Self, SourceError> {
        let source = match &config.keys {
            KeySource::File(path) => Source::file(path.clone()),
            KeySource::Url(url) => Source::url(url, shared)?,
        };
        Ok(Self { config, source })
    }

    /// Whether a token claims to be signed by a key pair: then it is for here, and else one of ours.
    #[must_use]
    pub fn is_meant(token: &str) -> bool {
        read_header(token).is_some_and(|header| header.alg != "HS256")
    }

    /// Who brought `token`.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Identity, ExternalError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(ExternalError::Malformed);
        }
        let header = read_header(token).ok_or(ExternalError::Malformed)?;
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::RS256,
            "ES256" => Algorithm::ES256,
            "EdDSA" => Algorithm::EdDSA,
            _ => return Err(ExternalError::Algorithm),
        };
        if header.crit.is_some() {
            return Err(ExternalError::Critical);
        }
        let kid = header.kid.ok_or(ExternalError::Key)?;
        let key = self.source.key(&kid, algorithm, now).await?.ok_or(ExternalError::Key)?;

        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library asks the clock itself; here the time is an argument.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = decode::<Value>(token, &key, &validation)
            .map_err(|error| ExternalError::Claims(error.to_string()))?
            .claims;
        self.identity(&claims, now)
    }

    fn identity(&self, claims: &Value, now: SystemTime) -> Result<Identity, ExternalError> {
        let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let missing = |claim: &str| ExternalError::Claims(format!("{claim} does not fit"));
        let seconds = |claim: &str| claims.get(claim).and_then(Value::as_f64).map(to_seconds);
        let exp = seconds("exp").ok_or_else(|| missing("exp"))?;
        if exp.saturating_add(LEEWAY_S) <= now_s {
            return Err(ExternalError::Expired);
        }
        if claims.get("nbf").is_some() {
            let nbf = seconds("nbf").ok_or_else(|| missing("nbf"))?;
            if nbf > now_s.saturating_add(LEEWAY_S) {
                return Err(ExternalError::Early);
            }
        }
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let is_name =
            (1..=200).contains(&subject.chars().count()) && !subject.chars().any(char::is_control);
        if !is_name {
            return Err(missing("sub"));
        }
        let id = claims.get("jti").and_then(Value::as_str).unwrap_or(subject);
        Ok(Identity {
            // Nobody of ours can be meant: their names have no issuer.
            name: format!("{subject} ({})", self.config.issuer),
            role: self.role(claims)?,
            scope: Vec::new(),
            token_id: format!("external:{id}"),
            expires_at_ms: i64::try_from(exp).unwrap_or(i64::MAX / 1000).saturating_mul(1000),
            via: Via::External,
        })
    }

    /// The first role of the map that one of the claim's values leads to.
    fn role(&self, claims: &Value) -> Result<String, ExternalError> {
        let ExternalConfig { role_claim, roles, .. } = &self.config;
        let role = map_role(claims.get(role_claim), roles);
        role.ok_or_else(|| ExternalError::Role(role_claim.clone()))
    }
}

fn read_header(token: &str) -> Option<RawHeader> {
    let header = token.split('.').next().filter(|header| header.len() <= MAX_TOKEN_BYTES)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

/// Claims may have fractions of a second; what lies before the epoch is at it.
fn to_seconds(claim: f64) -> u64 {
    Duration::try_from_secs_f64(claim)
        .map_or(if claim > 0.0 { u64::MAX } else { 0 }, |d| d.as_secs())
}

#[cfg(test)]
mod tests;
