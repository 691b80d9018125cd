mod mock;

use serde_json::json;

use mock::{Mock, NOW_S, Pair, at};

use super::*;
use crate::config::RoleMapping;

fn config(issuer: &str) -> OidcConfig {
    OidcConfig {
        issuer: issuer.into(),
        client_id: "runyard".into(),
        client_secret: None,
        public_url: "https://runyard.example".into(),
        scopes: vec![],
        name_claim: "nick".into(),
        groups_claim: "groups".into(),
        roles: RoleMapping {
            map: vec![("ops".into(), "operator".into()), ("staff".into(), "viewer".into())],
            default: None,
        },
        label: "Example".into(),
        sign_out: false,
    }
}

fn vouched(said: &Value) -> Vouched {
    let config = config("https://id.example");
    let provider = OidcProvider::new(config, &SharedOutbound::default()).unwrap();
    provider.vouched("7", said.as_object().unwrap())
}

#[test]
fn claims_are_a_name_and_a_role() {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (said, name, role) in [
        (
            r#"{"nick":"ada","preferred_username":"x","groups":["staff","ops"]}"#,
            "ada",
            Some("operator"),
        ),
        (r#"{"preferred_username":"ada","groups":"cooks staff"}"#, "ada", Some("viewer")),
        (r#"{"email":"ada@id.example","groups":["cooks"]}"#, "ada@id.example", None),
        (r#"{"nick":" ","email":"a\nb","groups":[7]}"#, "7", None),
    ] {
        let vouched = vouched(&json(said));
        assert_eq!((vouched.name.as_str(), vouched.role.as_deref()), (name, role), "{said}");
        assert_eq!(vouched.subject, "7");
    }
}

fn provider_at(mock: &Mock) -> OidcProvider {
    OidcProvider::new(config(&mock.issuer), &SharedOutbound::default()).unwrap()
}

#[tokio::test]
async fn the_provider_is_not_asked_for_each_sign_in() {
    let pair = Pair::new("one");
    let mock = Mock::start(&[&pair]).await;
    let provider = provider_at(&mock);
    for second in [0, 1, 600] {
        provider.begin(at(second)).await.unwrap();
    }
    assert_eq!(mock.asked(), 1);
    provider.begin(at(601)).await.unwrap();
    assert_eq!(mock.asked(), 2);
    // Many at once are one question.
    let many = (0..20).map(|_| provider.begin(at(1300)));
    for begun in futures_util::future::join_all(many).await {
        begun.unwrap();
    }
    assert_eq!(mock.asked(), 3);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_left_alone_for_a_while() {
    let pair = Pair::new("one");
    let mock = Mock::start(&[&pair]).await;
    mock.said.lock().is_down = true;
    let provider = provider_at(&mock);
    for second in [0, 1, 10] {
        let refused = provider.begin(at(second)).await.err().unwrap();
        assert!(matches!(refused, OidcError::Unavailable(_)), "{refused}");
    }
    assert_eq!(mock.asked(), 1);
    mock.said.lock().is_down = false;
    provider.begin(at(11)).await.unwrap();
    assert_eq!(mock.asked(), 2);
}

#[tokio::test]
async fn a_key_that_is_new_is_read_when_a_token_is_signed_with_it() {
    let (old, new, foreign) = (Pair::new("old"), Pair::new("new"), Pair::new("foreign"));
    let mock = Mock::start(&[&old]).await;
    let provider = provider_at(&mock);
    let finish = async |pair: &Pair, second: u64| {
        let (_, flow) = provider.begin(at(second)).await.unwrap();
        let claims = json!({
            "iss": mock.issuer, "aud": "runyard", "sub": "7", "nonce": flow.nonce,
            "iat": NOW_S + second, "exp": NOW_S + second + 60,
            "nick": "ada", "groups": ["ops"],
        });
        mock.said.lock().id_token = pair.sign("JWT", &claims);
        provider.finish(&flow, "code".to_owned(), at(second)).await
    };
    assert_eq!(finish(&old, 0).await.unwrap().name, "ada");
    mock.set_keys(&[&new]);
    // It was asked just now: whoever signs with made-up keys does not make us ask for each of them.
    assert!(matches!(finish(&new, 9).await, Err(OidcError::Token(_))));
    assert_eq!(mock.asked(), 1);
    assert_eq!(finish(&new, 20).await.unwrap().role.as_deref(), Some("operator"));
    assert_eq!(mock.asked(), 2);
    assert!(matches!(finish(&foreign, 40).await, Err(OidcError::Token(_))));
    assert!(matches!(finish(&foreign, 41).await, Err(OidcError::Token(_))));
    assert_eq!(mock.asked(), 3);
    // What was taken out is out.
    assert!(matches!(finish(&old, 60).await, Err(OidcError::Token(_))));
}
