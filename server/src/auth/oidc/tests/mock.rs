//! A provider on loopback, as small as one can be: its document, its keys, its token.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::pkcs8::EncodePrivateKey as _;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

pub(super) const NOW_S: u64 = 1_000_000;

/// So many seconds after the beginning.
pub(super) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW_S + seconds)
}

pub(super) struct Pair {
    kid: String,
    key: EncodingKey,
}

impl Pair {
    pub(super) fn new(kid: &str) -> Self {
        let mut random = p256::elliptic_curve::rand_core::OsRng;
        let key = p256::SecretKey::random(&mut random).to_pkcs8_der().unwrap();
        Self { kid: kid.to_owned(), key: EncodingKey::from_ec_der(key.as_bytes()) }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        serde_json::to_value(jwk).unwrap()
    }

    pub(super) fn sign(&self, typ: &str, claims: &Value) -> String {
        let kid = Some(self.kid.clone());
        let header = Header { kid, typ: Some(typ.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).unwrap()
    }
}

/// What the provider says, and how often it was asked for its document.
#[derive(Default)]
pub(super) struct Said {
    pub(super) keys: Vec<Value>,
    pub(super) id_token: String,
    pub(super) is_down: bool,
    pub(super) asked: usize,
}

pub(super) struct Mock {
    pub(super) issuer: String,
    pub(super) said: Arc<Mutex<Said>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mock {
    pub(super) async fn start(pairs: &[&Pair]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::new(Mutex::new(Said::default()));
        let (address, shared) = (issuer.clone(), Arc::clone(&said));
        let task = TaskTracker::new().spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                answer(socket, &address, &shared).await;
            }
        });
        let mock = Self { issuer, said, task };
        mock.set_keys(pairs);
        mock
    }

    pub(super) fn set_keys(&self, pairs: &[&Pair]) {
        self.said.lock().keys = pairs.iter().map(|pair| pair.public()).collect();
    }

    pub(super) fn asked(&self) -> usize {
        self.said.lock().asked
    }
}

async fn answer(mut socket: TcpStream, issuer: &str, said: &Mutex<Said>) {
    let mut request = vec![0; 8192];
    let mut length = 0;
    // Head and body come in one or two pieces; the body is not looked at.
    while !request[..length].windows(4).any(|four| four == b"\r\n\r\n") {
        match socket.read(&mut request[length..]).await {
            Ok(read @ 1..) => length += read,
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = {
        let mut said = said.lock();
        match path {
            "/.well-known/openid-configuration" => {
                said.asked += 1;
                let status = if said.is_down { "503 Down" } else { "200 OK" };
                (status, document(issuer))
            }
            "/jwks" => ("200 OK", json!({"keys": said.keys})),
            _ => {
                let id_token = &said.id_token;
                let token =
                    json!({"access_token": "a", "token_type": "Bearer", "id_token": id_token});
                ("200 OK", token)
            }
        }
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = socket.shutdown().await;
}

fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}
