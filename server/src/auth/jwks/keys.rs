//! A set of public keys.

use std::collections::HashMap;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};

/// Keys by their `kid`, each with the one algorithm that it is for.
#[derive(Default)]
pub(super) struct KeySet {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

impl KeySet {
    /// The keys of a JWKS that can sign tokens. Others (for encryption, secret ones, of kinds that
    /// are not taken) are passed over: a provider may have them for somebody else.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let key = |jwk: &Jwk| {
            let algorithm = algorithm_of(jwk)?;
            Some((jwk.common.key_id.clone()?, (algorithm, DecodingKey::from_jwk(jwk).ok()?)))
        };
        Ok(Self { keys: set.keys.iter().filter_map(key).collect() })
    }

    /// The key of this name, if it is for this algorithm; `Err` when there is none of this name.
    pub(super) fn find(&self, kid: &str, algorithm: Algorithm) -> Result<Option<DecodingKey>, ()> {
        let (made_for, key) = self.keys.get(kid).ok_or(())?;
        Ok((*made_for == algorithm).then(|| key.clone()))
    }
}

/// The algorithm that a key is for, by its kind; what the set says must agree.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    jwk.common.key_algorithm.is_none_or(|said| said == named).then_some(algorithm)
}
