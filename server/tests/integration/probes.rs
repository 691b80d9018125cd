//! What probes ask, and how often: each kind of `alive` starts anew what does not work, and a question
//! that hangs is one question.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{PATIENCE, Server};

/// Answers every request, well or not.
struct Answering {
    port: u16,
    is_well: Arc<AtomicBool>,
}

impl Answering {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_well = Arc::new(AtomicBool::new(true));
        let well = Arc::clone(&is_well);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let status = if well.load(Ordering::SeqCst) { "200 OK" } else { "500 Broken" };
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            }
        });
        Self { port, is_well }
    }
}

/// The first attempt was ended by its probe, for what it found, and another one runs.
async fn is_started_anew(server: &Server, id: &str, found: &str) {
    let runs_again = |p: &Value| {
        p["attempts"].as_array().unwrap().len() > 1 && p["attempts"][0]["endKind"] == "liveness"
    };
    let process = server.wait_for(id, runs_again).await;
    let by = process["attempts"][0]["endBy"].as_str().unwrap();
    assert!(by.starts_with("it does not answer, 2 times in a row: "), "{by}");
    assert!(by.contains(found), "{by}");
    assert_eq!(process["attempts"][1]["causeKind"], "restart");
}

#[tokio::test]
async fn a_service_is_started_anew_by_each_kind_of_liveness() {
    let http = Answering::start();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp_port = tcp.local_addr().unwrap().port();
    let often = "period_s = 0.1, failures = 2, grace_s = 0";
    let restart = "restart = { delay_ms = 20, jitter = 0.0 }\nbreaker = { failures = 0 }\n";
    let toml = format!(
        "[process.http]\ncommand = [\"sleep\", \"300\"]\n{restart}\
         alive = {{ http = \"http://127.0.0.1:{}/\", {often} }}\n\
         [process.tcp]\ncommand = [\"sleep\", \"300\"]\n{restart}\
         alive = {{ tcp = \"127.0.0.1:{tcp_port}\", {often} }}\n\
         [process.log]\ncommand = [\"sh\", \"-c\", \"while :; do test -e quiet || echo beat; sleep \
         0.02; done\"]\n{restart}\
         alive = {{ log = \"beat\", period_s = 0.5, failures = 2, grace_s = 0 }}\n",
        http.port
    );
    let server = Server::declaring(&toml, &[]);
    let mut ids = Vec::new();
    for name in ["http", "tcp", "log"] {
        let id = server.run(name, &[]).await;
        server.wait_for_status(&id, "running").await;
        ids.push(id);
    }
    server.wait_for_line(&ids[2], "beat").await;
    for id in &ids {
        assert_eq!(server.process(id).await["attempts"].as_array().unwrap().len(), 1);
    }
    http.is_well.store(false, Ordering::SeqCst);
    is_started_anew(&server, &ids[0], "it answered 500 Internal Server Error").await;
    drop(tcp);
    is_started_anew(&server, &ids[1], "Connection refused").await;
    std::fs::write(server.project().join("quiet"), "").unwrap();
    is_started_anew(&server, &ids[2], "no line with \"beat\" was written").await;

    // Once they work again, they are left alone.
    http.is_well.store(true, Ordering::SeqCst);
    let _tcp = TcpListener::bind(("127.0.0.1", tcp_port)).unwrap();
    std::fs::remove_file(server.project().join("quiet")).unwrap();
    for id in &ids {
        let process = server.wait_for_status(id, "running").await;
        assert_ne!(process["attempts"][0]["pid"], process["pid"]);
    }
}

/// Takes questions and answers none; knows how many were asked, and how many at the same time.
#[derive(Clone, Default)]
struct Silent {
    asked: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Silent {
    fn start(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let silent = silent.clone();
                let now = silent.open.fetch_add(1, Ordering::SeqCst) + 1;
                silent.most.fetch_max(now, Ordering::SeqCst);
                silent.asked.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || silent.hold(stream));
            }
        });
        port
    }

    /// Until the other side gives up.
    fn hold(&self, mut stream: TcpStream) {
        while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {}
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn questions_that_hang_do_not_pile_up() {
    // Each takes ten periods until it is given up.
    let silent = Silent::default();
    let port = silent.start();
    let probe = json!({
        "http": format!("http://127.0.0.1:{port}/"), "periodS": 0.05, "timeoutS": 0.5,
        "failures": 1000, "graceS": 0,
    });
    let server = Server::start(&[]);
    let body = json!({"scriptName": "sleep", "type": "long-running", "strategy": {"ready": probe}});
    let id = server.run_with(body).await;
    let begin = Instant::now();
    while silent.asked.load(Ordering::SeqCst) < 4 {
        assert!(begin.elapsed() < PATIENCE, "it was asked too seldom");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Whoever gives up hangs up before asking again; the other side may see the two in one moment.
    let most = silent.most.load(Ordering::SeqCst);
    assert!(most <= 2, "{most} questions at the same time");
    assert!(begin.elapsed() >= Duration::from_millis(1_500), "the next one came before the end");
    let process = server.process(&id).await;
    let reason = process["reason"].as_str().unwrap();
    assert!(reason.contains("no answer within 0.5 s"), "{reason}");
    // It costs nobody else's questions their turn, and a stop does not wait for it.
    server.send(reqwest::Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    assert_eq!(server.process(&id).await["status"], "stopped");
}
