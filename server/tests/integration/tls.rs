//! A real listener with TLS: pages, cookies and WebSockets over it, and nothing without it.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::Server;

struct Bench {
    server: Server,
    certificate: CertificateDer<'static>,
}

impl Bench {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let certificate = made.cert.der().clone();
        let settings = [
            ("RUNYARD_SERVER__TLS_CERT", cert.to_str().unwrap()),
            ("RUNYARD_SERVER__TLS_KEY", key.to_str().unwrap()),
        ];
        let package = r#"{"name": "fixture", "scripts": {"hello": "echo hello"}}"#;
        let folder_of_server = tempfile::tempdir().unwrap();
        let server = Server::start_in(folder_of_server, package, &settings);
        assert!(server.link.starts_with("https://127.0.0.1:"), "{}", server.link);
        Self { server, certificate }
    }

    fn address(&self) -> SocketAddr {
        self.server.base.strip_prefix("https://").unwrap().parse().unwrap()
    }

    async fn connect(&self, version: &'static SupportedProtocolVersion) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address()).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }

    /// The whole answer to a request.
    async fn get(&self, version: &'static SupportedProtocolVersion, path: &str) -> String {
        self.get_with(version, path, "Accept: */*").await
    }

    async fn get_with(
        &self,
        version: &'static SupportedProtocolVersion,
        path: &str,
        header: &str,
    ) -> String {
        let mut stream = self.connect(version).await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n{header}\r\nConnection: close\r\n\r\n",
            self.address()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

#[tokio::test]
async fn pages_come_over_tls_with_secure_cookies_and_hsts() {
    let bench = Bench::start();
    let stream = bench.connect(&version::TLS13).await;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    for version in [&version::TLS12, &version::TLS13] {
        let answer = bench.get(version, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("\r\nstrict-transport-security: max-age="), "{answer}");
    }
    let code = bench.server.link.split_once("/sign-in").unwrap().1;
    let answer = bench.get(&version::TLS13, &format!("/sign-in{code}")).await;
    let cookie =
        answer.lines().find(|line| line.starts_with("set-cookie: __Host-runyard_session="));
    let cookie = cookie.unwrap_or_else(|| panic!("{answer}"));
    for part in ["HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    // It counts under that name alone, which nobody else can set.
    let pair = cookie["set-cookie: ".len()..].split(';').next().unwrap();
    for (pair, status) in [(pair, 200), (pair.trim_start_matches("__Host-"), 401)] {
        let answer = bench.get_with(&version::TLS13, "/api/me", &format!("Cookie: {pair}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_socket_over_tls_starts_and_follows() {
    let bench = Bench::start();
    let url = format!("wss://{}/ws", bench.address());
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {}", bench.server.token());
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    let stream = bench.connect(&version::TLS13).await;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let start = json!({"type": "start-process", "config": {"scriptName": "hello"}});
    socket.send(Message::text(start.to_string())).await.unwrap();
    let mut subscribed = false;
    let told = tokio::time::timeout(crate::support::PATIENCE, async {
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message.unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] == "process-update" && !subscribed {
                subscribed = true;
                let id = &message["process"]["id"];
                let follow = json!({"type": "subscribe", "processId": id, "after": -1});
                socket.send(Message::text(follow.to_string())).await.unwrap();
            }
            if message["type"] == "logs" && message["entries"][0]["line"] == "hello" {
                return true;
            }
        }
        false
    });
    assert!(told.await.unwrap());
}

#[tokio::test]
async fn nothing_is_answered_without_tls() {
    let bench = Bench::start();
    let mut stream = TcpStream::connect(bench.address()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // It is closed, or reset: either way no answer came.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");
}

#[tokio::test]
async fn a_slow_handshake_is_cut_off() {
    let bench = Bench::start();
    let mut stream = TcpStream::connect(bench.address()).await.unwrap();
    // The first bytes of a ClientHello, and then nothing.
    stream.write_all(&[0x16, 0x03, 0x01, 0x02]).await.unwrap();
    let begin = std::time::Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(crate::support::PATIENCE, stream.read_to_end(&mut answer));
    let _ = read.await.unwrap();
    assert!(begin.elapsed() < std::time::Duration::from_secs(25), "{:?}", begin.elapsed());
}
