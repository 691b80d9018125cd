use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header, encode};
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::config::RoleMapping;

const NOW_S: u64 = 1_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW_S)
}

/// One key pair of each kind; making one of RSA takes a moment.
struct Pairs {
    rsa: EncodingKey,
    rsa_public_pem: Vec<u8>,
    ec: EncodingKey,
    ed: EncodingKey,
}

static PAIRS: LazyLock<Pairs> = LazyLock::new(|| {
    use rsa::pkcs8::EncodePublicKey as _;
    let mut random = p256::elliptic_curve::rand_core::OsRng;
    let rsa = rsa::RsaPrivateKey::new(&mut random, 2048).unwrap();
    let public = rsa.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap();
    let rsa = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_der(&rsa).unwrap();
    let ec = p256::SecretKey::random(&mut random).to_pkcs8_der().unwrap();
    // PKCS #8 of an Ed25519 key is this head and 32 random bytes.
    let mut ed = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    ed.extend_from_slice(&seed);
    Pairs {
        rsa: EncodingKey::from_rsa_der(rsa.as_bytes()),
        rsa_public_pem: public.into_bytes(),
        ec: EncodingKey::from_ec_der(ec.as_bytes()),
        ed: EncodingKey::from_ed_der(&ed),
    }
});

fn public(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn set() -> Value {
    json!({"keys": [
        public(&PAIRS.rsa, Algorithm::RS256, "rsa"),
        public(&PAIRS.ec, Algorithm::ES256, "ec"),
        public(&PAIRS.ed, Algorithm::EdDSA, "ed"),
        // What is for others is passed over.
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "encryption", "use": "enc"},
    ]})
}

fn config(keys: KeySource) -> ExternalConfig {
    ExternalConfig {
        keys,
        issuer: "https://id.example".to_owned(),
        audience: "runyard".to_owned(),
        role_claim: "groups".to_owned(),
        roles: RoleMapping {
            map: vec![
                ("ops".to_owned(), "operator".to_owned()),
                ("dev".to_owned(), "user".to_owned()),
            ],
            default: None,
        },
    }
}

fn of_file(set: &Value) -> (ExternalTokens, tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, set.to_string()).unwrap();
    (
        ExternalTokens::new(config(KeySource::File(path.clone())), &SharedOutbound::default())
            .unwrap(),
        folder,
        path,
    )
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": ["else", "runyard"], "sub": "ci-17",
        "groups": ["dev", "ops"], "exp": NOW_S + 60, "nbf": NOW_S - 60, "jti": "1",
    })
}

fn sign(key: &EncodingKey, algorithm: Algorithm, kid: &str, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    encode(&header, claims, key).unwrap()
}

/// Signed with the EC key, which is the quickest.
fn good(claims: &Value) -> String {
    sign(&PAIRS.ec, Algorithm::ES256, "ec", claims)
}

#[tokio::test]
async fn each_kind_of_key_is_taken() {
    let (tokens, _folder, _) = of_file(&set());
    for (key, algorithm, kid) in [
        (&PAIRS.rsa, Algorithm::RS256, "rsa"),
        (&PAIRS.ec, Algorithm::ES256, "ec"),
        (&PAIRS.ed, Algorithm::EdDSA, "ed"),
    ] {
        let token = sign(key, algorithm, kid, &claims());
        assert!(ExternalTokens::is_meant(&token));
        let identity = tokens.verify(&token, now()).await.unwrap();
        assert_eq!(identity.name, "ci-17 (https://id.example)");
        // By the order of the map, not of the token.
        assert_eq!((identity.role.as_str(), identity.via), ("operator", Via::External));
        assert_eq!(identity.expires_at_ms, i64::try_from((NOW_S + 60) * 1000).unwrap());
    }
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let (tokens, _folder, _) = of_file(&set());
    let verify = async |change: &dyn Fn(&mut Value)| {
        let mut claims = claims();
        change(&mut claims);
        tokens.verify(&good(&claims), now()).await
    };
    verify(&|_| {}).await.unwrap();
    verify(&|claims| claims["aud"] = "runyard".into()).await.unwrap();
    verify(&|claims| claims["exp"] = (NOW_S - 29).into()).await.unwrap();
    verify(&|claims| claims["exp"] = json!(1_000_060.5)).await.unwrap();
    verify(&|claims| drop(claims.as_object_mut().unwrap().remove("nbf"))).await.unwrap();
    for (claim, value, expected) in [
        ("iss", json!("https://evil.example"), "not valid"),
        ("iss", json!(["https://evil.example", "https://id.example.evil"]), "not valid"),
        ("aud", json!("another"), "not valid"),
        ("aud", json!([]), "not valid"),
        ("exp", json!(NOW_S - 30), "has expired"),
        ("exp", json!(0), "has expired"),
        ("exp", json!("never"), "not valid"),
        ("exp", Value::Null, "not valid"),
        ("nbf", json!(NOW_S + 31), "not valid yet"),
        ("nbf", json!("now"), "not valid"),
        ("sub", json!(""), "sub does not fit"),
        ("sub", json!("a\nb"), "sub does not fit"),
        ("groups", json!(["else"]), "names no role"),
        ("groups", json!({"ops": true}), "names no role"),
        ("groups", Value::Null, "names no role"),
    ] {
        let error = verify(&|claims| claims[claim] = value.clone()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{claim} {value}: {error}");
    }
    for claim in ["iss", "aud", "exp", "sub"] {
        let gone = verify(&|claims| drop(claims.as_object_mut().unwrap().remove(claim))).await;
        assert!(gone.is_err(), "without {claim}");
    }
}

#[tokio::test]
async fn the_token_cannot_choose_how_it_is_checked() {
    let (tokens, _folder, _) = of_file(&set());
    let good = sign(&PAIRS.rsa, Algorithm::RS256, "rsa", &claims());
    let mut parts = good.split('.');
    let (_, payload, signature) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let with_header = |header: Value, signature: &str| {
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    for alg in ["none", "None", "HS384", "HS512", "RS384", "PS256", "ES384", "", "rs256"] {
        for signature in ["", signature] {
            let token = with_header(json!({"alg": alg, "kid": "rsa"}), signature);
            assert!(ExternalTokens::is_meant(&token), "{alg}");
            let refused = tokens.verify(&token, now()).await;
            assert_eq!(refused, Err(ExternalError::Algorithm), "{alg}");
        }
    }
    // The public key as the secret of an HMAC: HS256 is only ever ours, with our own secret.
    let secret = EncodingKey::from_secret(&PAIRS.rsa_public_pem);
    let confused = sign(&secret, Algorithm::HS256, "rsa", &claims());
    assert!(!ExternalTokens::is_meant(&confused));
    assert_eq!(tokens.verify(&confused, now()).await, Err(ExternalError::Algorithm));
    // A key is for one algorithm, and a signature for one key.
    for (kid, algorithm) in [("rsa", Algorithm::ES256), ("ed", Algorithm::ES256)] {
        let token = sign(&PAIRS.ec, algorithm, kid, &claims());
        assert_eq!(tokens.verify(&token, now()).await, Err(ExternalError::Key), "{kid}");
    }
    for kid in ["secret", "encryption", "nobody", ""] {
        let token = sign(&PAIRS.rsa, Algorithm::RS256, kid, &claims());
        assert_eq!(tokens.verify(&token, now()).await, Err(ExternalError::Key), "{kid}");
    }
    let nameless = encode(&Header::new(Algorithm::RS256), &claims(), &PAIRS.rsa).unwrap();
    assert_eq!(tokens.verify(&nameless, now()).await, Err(ExternalError::Key));
    let critical = json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false});
    let refused = tokens.verify(&with_header(critical, signature), now()).await;
    assert_eq!(refused, Err(ExternalError::Critical));
    let others =
        with_header(json!({"alg": "RS256", "kid": "rsa", "jwk": {"kty": "RSA"}}), signature);
    assert!(tokens.verify(&others, now()).await.is_err(), "a key that the token brings itself");
    for nonsense in ["", ".", "..", "a.b.c", &"x".repeat(MAX_TOKEN_BYTES + 1)] {
        assert_eq!(tokens.verify(nonsense, now()).await, Err(ExternalError::Malformed));
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_a_removed_one_is_gone_after_a_while() {
    let (tokens, _folder, path) =
        of_file(&json!({"keys": [public(&PAIRS.ec, Algorithm::ES256, "1")]}));
    let token = |kid: &str| {
        let mut claims = claims();
        claims["exp"] = (NOW_S + 100_000).into();
        sign(&PAIRS.ec, Algorithm::ES256, kid, &claims)
    };
    let at = |seconds: u64| now() + Duration::from_secs(seconds);
    tokens.verify(&token("1"), at(0)).await.unwrap();
    let next = json!({"keys": [public(&PAIRS.ec, Algorithm::ES256, "2")]});
    std::fs::write(&path, next.to_string()).unwrap();
    // Not for every unknown name: the set was read a moment ago.
    assert_eq!(tokens.verify(&token("2"), at(9)).await, Err(ExternalError::Key));
    tokens.verify(&token("1"), at(9)).await.unwrap();
    tokens.verify(&token("2"), at(10)).await.unwrap();
    assert_eq!(tokens.verify(&token("1"), at(11)).await, Err(ExternalError::Key));
    // While it cannot be read, what is known goes on for an hour.
    std::fs::remove_file(&path).unwrap();
    tokens.verify(&token("2"), at(3_000)).await.unwrap();
    let refused = tokens.verify(&token("2"), at(3_700)).await;
    assert!(matches!(refused, Err(ExternalError::Source(_))), "{refused:?}");
}

#[tokio::test]
async fn keys_come_from_an_address_and_made_up_names_do_not_ask_it_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let serving = async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 1024];
            let _ = socket.read(&mut request).await.unwrap();
            let body = set().to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    };
    let asking = async {
        let tokens =
            ExternalTokens::new(config(KeySource::Url(url)), &SharedOutbound::default()).unwrap();
        for _ in 0..10 {
            tokens.verify(&good(&claims()), now()).await.unwrap();
        }
        for n in 0..50 {
            let made_up = sign(&PAIRS.ec, Algorithm::ES256, &format!("made up {n}"), &claims());
            assert_eq!(tokens.verify(&made_up, now()).await, Err(ExternalError::Key));
        }
    };
    tokio::select! {
        () = serving => {}
        () = asking => {}
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
