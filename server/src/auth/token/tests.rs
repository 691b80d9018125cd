use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn key() -> SigningKey {
    SigningKey::load_or_create(tempfile::tempdir().unwrap().path()).unwrap()
}

fn grant(name: &str, audience: Audience, ttl: Duration) -> Grant<'_> {
    Grant { name, role: "admin", scope: &[], audience, ttl }
}

fn api_token(issuer: &TokenIssuer) -> String {
    issuer.issue(&grant("ci", Audience::Api, HOUR), at(1_000)).unwrap().token
}

fn claims() -> Value {
    json!({
        "iss": "runyard", "aud": "api", "sub": "ci", "role": "admin",
        "iat": 1_000, "exp": 5_000, "jti": "1",
    })
}

/// A token with any header algorithm and claims, rightly signed.
fn sign(key: &SigningKey, algorithm: Algorithm, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

#[test]
fn a_token_tells_who_brought_it() {
    let issuer = TokenIssuer::new(&key());
    let identity = issuer.verify(&api_token(&issuer), Audience::Api, at(1_000)).unwrap();
    assert_eq!((identity.name.as_str(), identity.role.as_str()), ("ci", "admin"));
    assert_eq!(identity.via, Via::Bearer);

    let scope = ["start on test".to_owned()];
    let session =
        Grant { role: "viewer", scope: &scope, ..grant("ädmin", Audience::Session, HOUR) };
    let session = issuer.issue(&session, at(1_000)).unwrap().token;
    let other = issuer.verify(&session, Audience::Session, at(1_000)).unwrap();
    assert_eq!((other.name.as_str(), other.via), ("ädmin", Via::Session));
    assert_eq!((other.role.as_str(), other.scope.as_slice()), ("viewer", &scope[..]));
    assert_ne!(other.token_id, identity.token_id);
}

#[test]
fn a_token_expires_to_the_second() {
    let issuer = TokenIssuer::new(&key());
    let token = api_token(&issuer);
    issuer.verify(&token, Audience::Api, at(4_599)).unwrap();
    for late in [4_600, 4_601, 1 << 40] {
        assert_eq!(issuer.verify(&token, Audience::Api, at(late)), Err(AuthError::Expired));
    }
}

#[test]
fn a_token_is_good_for_its_audience_alone() {
    let issuer = TokenIssuer::new(&key());
    let token = api_token(&issuer);
    let expected = Audience::Session;
    assert_eq!(issuer.verify(&token, expected, at(1_000)), Err(AuthError::Audience { expected }));
}

#[test]
fn a_tampered_token_is_refused() {
    let issuer = TokenIssuer::new(&key());
    let token = api_token(&issuer);
    let parts: Vec<&str> = token.split('.').collect();
    let mut forged = claims();
    forged["sub"] = "somebody else".into();
    let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
    let other = api_token(&TokenIssuer::new(&key()));
    for token in [
        format!("{}.{forged}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}A"),
        format!(" {token}"),
        String::new(),
        "..".to_owned(),
        "x".repeat(MAX_TOKEN_BYTES + 1),
        other,
    ] {
        let refused = issuer.verify(&token, Audience::Api, at(1_000));
        assert_eq!(refused, Err(AuthError::Invalid), "{token}");
    }
}

#[test]
fn only_hs256_is_taken() {
    let key = key();
    let issuer = TokenIssuer::new(&key);
    let good = sign(&key, Algorithm::HS256, &claims());
    issuer.verify(&good, Audience::Api, at(1_000)).unwrap();
    let payload = good.split('.').nth(1).unwrap();
    let mut tokens =
        vec![sign(&key, Algorithm::HS384, &claims()), sign(&key, Algorithm::HS512, &claims())];
    for algorithm in ["none", "None", "NONE", "RS256", "hs256", ""] {
        let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
        let header = URL_SAFE_NO_PAD.encode(header);
        let signature = good.split('.').nth(2).unwrap();
        tokens.push(format!("{header}.{payload}."));
        tokens.push(format!("{header}.{payload}.{signature}"));
    }
    for token in tokens {
        let refused = issuer.verify(&token, Audience::Api, at(1_000));
        assert_eq!(refused, Err(AuthError::Invalid), "{token}");
    }
}

#[test]
fn every_claim_is_needed_and_looked_at() {
    let key = key();
    let issuer = TokenIssuer::new(&key);
    let verify = |claims: &Value| {
        issuer.verify(&sign(&key, Algorithm::HS256, claims), Audience::Api, at(1_000))
    };
    verify(&claims()).unwrap();
    for claim in ["iss", "aud", "sub", "role", "iat", "exp", "jti"] {
        let mut missing = claims();
        missing.as_object_mut().unwrap().remove(claim);
        assert_eq!(verify(&missing), Err(AuthError::Invalid), "without {claim}");
    }
    for (claim, value) in [
        ("iss", json!("somebody")),
        ("iss", json!(["runyard", "somebody"])),
        ("aud", json!(["api", "session"])),
        ("role", json!(["admin"])),
        ("scope", json!("start")),
        ("exp", json!("never")),
        ("exp", json!(-1)),
        ("exp", Value::Null),
    ] {
        let mut wrong = claims();
        wrong[claim] = value.clone();
        assert_eq!(verify(&wrong), Err(AuthError::Invalid), "{claim}: {value}");
    }
    let mut elsewhere = claims();
    elsewhere["aud"] = "other".into();
    assert!(verify(&elsewhere).is_err());
}

#[test]
fn names_and_lives_that_cannot_be_are_refused() {
    let issuer = TokenIssuer::new(&key());
    let issue = |name: &str, ttl| issuer.issue(&grant(name, Audience::Api, ttl), at(0));
    for name in ["", "a\nb", "a\u{0}", &"x".repeat(101)] {
        assert!(matches!(issue(name, HOUR), Err(AuthError::Name(_))), "{name:?}");
    }
    issue(&"ü".repeat(100), HOUR).unwrap();
    for ttl in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
        assert!(matches!(issue("ci", ttl), Err(AuthError::Ttl(_))), "{ttl:?}");
    }
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", TokenIssuer::new(&key())), "TokenIssuer(..)");
}
