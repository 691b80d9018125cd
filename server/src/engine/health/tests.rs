use std::collections::BTreeMap;
use std::path::Path;

use app::model::ProcessType;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;
use crate::project::Strategy;

fn plan(ready: Option<ProbeConfig>, alive: Option<ProbeConfig>) -> Arc<LaunchPlan> {
    Arc::new(LaunchPlan {
        project: "site".into(),
        script: "dev".into(),
        folder: "/".into(),
        kind: ProcessType::LongRunning,
        program: "/bin/true".into(),
        argv: vec!["true".into()],
        cwd: "/".into(),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        kill_signal: 15,
        timeout_ms: None,
        max_buffer: None,
        limits: crate::config::TreeLimits::default(),
        command_line: "true".into(),
        args: vec![],
        secrets: vec![],
        confined: None,
        strategy: Strategy { ready, alive, ..Strategy::default() },
    })
}

fn answer(probe: Probe, is_well: bool, is_past_grace: bool) -> Answer {
    let outcome = if is_well { Ok(()) } else { Err("refused".to_owned()) };
    Answer { probe, outcome, is_past_grace }
}

#[test]
fn ready_once_it_answers_and_not_after_enough_failures() {
    let mut health = Health::new(&plan(Some(ProbeConfig::default()), None));
    assert_eq!(health.is_ready, Some(false));
    let mut take = |is_well, past| health.take(answer(Probe::Ready, is_well, past), 2);
    assert_eq!(take(false, false), Verdict::Unready);
    assert_eq!(take(false, false), Verdict::Same, "said once");
    assert_eq!(take(true, false), Verdict::Ready);
    assert_eq!(take(true, true), Verdict::Same);
    assert_eq!(take(false, true), Verdict::Same);
    assert_eq!(take(true, true), Verdict::Same, "in a row means in a row");
    assert_eq!(take(false, true), Verdict::Same);
    let why = "not ready, 2 times in a row: refused".to_owned();
    assert_eq!(take(false, true), Verdict::NotReady(why));
    assert_eq!(take(false, true), Verdict::Same, "said once");
    assert_eq!(take(true, true), Verdict::Ready);
}

#[test]
fn one_that_is_never_ready_is_told_once_past_its_grace_and_why_with_each_change() {
    let mut health = Health::new(&plan(Some(ProbeConfig::default()), None));
    let mut take = |why: &str, is_past_grace| {
        let outcome = Err(why.to_owned());
        health.take(Answer { probe: Probe::Ready, outcome, is_past_grace }, 3)
    };
    assert_eq!(take("refused", false), Verdict::Unready);
    assert_eq!(take("it answered 503", false), Verdict::Unready);
    assert_eq!(take("it answered 503", true), Verdict::Late("it answered 503".into()));
    assert_eq!(take("it answered 503", true), Verdict::Same);
    assert_eq!(take("refused", true), Verdict::Unready);
    assert_eq!(health.unready(), Some("refused"));
    assert_eq!(health.take(answer(Probe::Ready, true, true), 3), Verdict::Ready);
    assert_eq!(health.unready(), None);
}

#[test]
fn dead_after_enough_failures_past_the_grace() {
    let mut health = Health::new(&plan(None, Some(ProbeConfig::default())));
    assert_eq!(health.is_ready, None);
    let mut take = |is_well, past| health.take(answer(Probe::Alive, is_well, past), 3);
    for _ in 0..10 {
        assert_eq!(take(false, false), Verdict::Same);
    }
    assert_eq!([take(false, true), take(false, true)], [Verdict::Same, Verdict::Same]);
    let why = "it does not answer, 3 times in a row: refused".to_owned();
    assert_eq!(take(false, true), Verdict::Dead(why));
    assert_eq!(take(false, true), Verdict::Same);
}

async fn ask(config: ProbeConfig) -> Result<(), String> {
    Question::of(&config, &plan(None, None), Path::new("runyard")).ask().await
}

async fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let n = socket.read(&mut head).await.unwrap();
        let head = String::from_utf8_lossy(&head[..n]).to_lowercase();
        assert!(head.starts_with("get /health?x=1 http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nhost: 127.0.0.1:"), "{head}");
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    address
}

#[tokio::test]
async fn http_below_400_is_well() {
    let http = |address: String| ProbeConfig {
        http: Some(format!("http://{address}/health?x=1")),
        ..ProbeConfig::default()
    };
    let address = serve("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(ask(http(address)).await, Ok(()));
    let address = serve("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(ask(http(address)).await, Err("it answered 503 Service Unavailable".to_owned()));
    let address = serve("").await;
    assert!(ask(http(address)).await.is_err());
}

/// Answers once over TLS, with a certificate that nobody has signed.
async fn serve_tls(answer: &'static str) -> String {
    let made = rcgen::generate_simple_self_signed(["example.test".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    TaskTracker::new().spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = TlsAcceptor::from(Arc::new(config)).accept(socket).await.unwrap();
        let mut head = vec![0; 1024];
        let n = socket.read(&mut head).await.unwrap();
        assert!(head[..n].starts_with(b"GET /health HTTP/1.1\r\n"));
        socket.write_all(answer.as_bytes()).await.unwrap();
        socket.flush().await.unwrap();
    });
    address
}

#[tokio::test]
async fn https_is_asked_whatever_the_certificate() {
    let https = |address: String| ProbeConfig {
        http: Some(format!("https://{address}/health")),
        ..ProbeConfig::default()
    };
    let address = serve_tls("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(ask(https(address)).await, Ok(()));
    let address = serve_tls("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n").await;
    assert!(ask(https(address)).await.unwrap_err().starts_with("it answered 500"));
    // Who does not speak TLS is not well.
    let address = plain_answer().await;
    assert!(ask(https(address)).await.unwrap_err().starts_with("no TLS: "));
}

/// Answers whatever it is told with what is no TLS.
async fn plain_answer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    TaskTracker::new().spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 1024];
        assert!(socket.read(&mut head).await.unwrap() > 0);
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    address
}

#[tokio::test]
async fn tcp_and_exec_are_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tcp = ProbeConfig { tcp: Some(address), ..ProbeConfig::default() };
    assert_eq!(ask(tcp.clone()).await, Ok(()));
    drop(listener);
    assert!(ask(tcp).await.unwrap_err().contains("refused"));
    let exec = |script: &str| ProbeConfig {
        exec: Some(["sh", "-c", script].map(str::to_owned).into()),
        ..ProbeConfig::default()
    };
    assert_eq!(ask(exec("exit 0")).await, Ok(()));
    assert_eq!(ask(exec("exit 3")).await, Err("sh ended with exit status: 3".to_owned()));
}

/// The questions of one process come one after the other, at their period.
#[tokio::test(start_paused = true)]
async fn questions_keep_their_period() {
    let config = ProbeConfig { log: Some("up".into()), ..ProbeConfig::default() };
    let plan = plan(Some(config), None);
    let means = Means {
        clock: Arc::new(crate::engine::SystemClock),
        tasks: TaskTracker::new(),
        permits: Arc::new(Semaphore::new(AT_ONCE)),
        stop: CancellationToken::new(),
        exe: "runyard".into(),
    };
    let start = || Probes::start(&plan, "a.1", Duration::ZERO, &means);
    let mut probes = start().unwrap();
    let begin = tokio::time::Instant::now();
    assert!(probes.next().await.outcome.is_err());
    assert!(probes.next().await.outcome.is_err());
    assert!(begin.elapsed() < Duration::from_millis(200), "it is asked often at first");
    probes.needles[0].1.store(true, Ordering::Release);
    assert_eq!(probes.next().await.outcome, Ok(()));
    let first = begin.elapsed();
    assert_eq!(probes.next().await.outcome, Ok(()));
    assert!(begin.elapsed() - first <= Duration::from_secs(10), "spread within the period");
    let second = begin.elapsed();
    assert!(probes.next().await.is_past_grace);
    let pause = begin.elapsed() - second;
    assert!((9_990..=10_010).contains(&pause.as_millis()), "{pause:?}");
    drop(probes);
    means.tasks.close();
    means.tasks.wait().await;
}
