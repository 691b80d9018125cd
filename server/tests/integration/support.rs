//! A server of one's own: a fresh data folder, a small project, a free port. Whatever it started is
//! ended when it is dropped.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

// The fault tests have this file from their own folder, and the part has to be found from there.
#[path = "support/launch.rs"]
mod launch;

#[allow(unused_imports, reason = "the fault tests have another parent of orphans")]
pub(crate) use launch::{LAUNCHER, command};
use launch::{create_token, free_address, launch};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const PACKAGE_JSON: &str = r#"{
  "name": "fixture",
  "version": "1.2.3",
  "scripts": {
    "hello": "echo hello; echo oops >&2; echo $npm_lifecycle_event $npm_package_version",
    "say": "printf '%s\\n'",
    "env": "env",
    "fail": "echo bad >&2; exit 3",
    "sleep": "sleep 300",
    "patient": "echo ready; exec sleep 303",
    "tree": "setsid sleep 301 & sleep 302 & echo ready; wait",
    "stubborn": "trap '' TERM; echo ready; while :; do sleep 0.05; done",
    "lines": "seq -f %012.0f 0",
    "burst": "i=0; while [ $i -lt 300 ]; do seq -f %012.0f $((i*1000)) $((i*1000+999)); i=$((i+1)); sleep 0.01; done",
    "prebuild": "echo before",
    "build": "echo during",
    "postbuild": "echo after",
    "missing": "no-such-program --flag",
    "colour": "printf '\\033[31mred\\033[0m\\n'",
    "where": "pwd"
  }
}"#;

/// Environment of a test's server, beyond the defaults.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Server {
    pub(crate) folder: TempDir,
    pub(crate) link: String,
    pub(crate) base: String,
    token: String,
    child: Child,
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
    client: reqwest::Client,
}

impl Server {
    pub(crate) fn start(settings: Settings<'_>) -> Self {
        Self::start_with(PACKAGE_JSON, settings)
    }

    /// With this `runyard.toml` beside the project.
    pub(crate) fn declaring(toml: &str, settings: Settings<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("project")).unwrap();
        std::fs::write(folder.path().join("project/runyard.toml"), toml).unwrap();
        Self::start_in(folder, PACKAGE_JSON, settings)
    }

    /// With a project of its own.
    pub(crate) fn start_with(package_json: &str, settings: Settings<'_>) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), package_json, settings)
    }

    /// In a folder that may hold more than nothing.
    pub(crate) fn start_in(folder: TempDir, package_json: &str, settings: Settings<'_>) -> Self {
        let project = folder.path().join("project");
        std::fs::create_dir_all(project.join("inside")).unwrap();
        std::fs::write(project.join("package.json"), package_json).unwrap();
        let settings: Vec<(String, String)> =
            settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (child, link) = launch(folder.path(), &free_address(), &settings, &[]);
        let base = link.split("/sign-in").next().unwrap().to_owned();
        let token = create_token(folder.path(), &settings, "admin", &[]);
        let arguments = Vec::new();
        Self { folder, link, base, token, child, settings, arguments, client: client() }
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// SIGKILL, and the same server again on the same port.
    pub(crate) fn crash_and_restart(&mut self) {
        self.crash();
        self.relaunch();
    }

    /// SIGKILL.
    pub(crate) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The server's process.
    #[allow(dead_code, reason = "the fault tests stop it")]
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Waits until it has ended by itself; its exit code.
    #[allow(dead_code, reason = "the fault tests end it")]
    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Without this setting from its next start on.
    #[allow(dead_code, reason = "the fault tests give it some")]
    pub(crate) fn drop_setting(&mut self, name: &str) {
        self.settings.retain(|(other, _)| other != name);
    }

    /// One more argument from its next start on.
    #[allow(dead_code, reason = "the fault tests give it some")]
    pub(crate) fn add_argument(&mut self, argument: &str) {
        self.arguments.push(argument.to_owned());
    }

    /// SIGTERM, and the same server again on the same port.
    pub(crate) fn stop_and_restart(&mut self) {
        self.stop();
        self.relaunch();
    }

    /// SIGTERM.
    pub(crate) fn stop(&mut self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// The same server again on the same port, after it has ended.
    pub(crate) fn relaunch(&mut self) {
        let address = self.address().to_owned();
        let (child, link) = launch(self.folder.path(), &address, &self.settings, &self.arguments);
        (self.child, self.link) = (child, link);
        // Its kept connections were to the server that is gone.
        self.client = client();
    }

    /// A token of another role.
    pub(crate) fn token_of(&self, role: &str, more: &[&str]) -> String {
        create_token(self.folder.path(), &self.settings, role, more)
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.send_as(&self.token, method, path, body).await
    }

    pub(crate) async fn send_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.send(Method::GET, path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "GET {path}");
        response.json().await.unwrap()
    }

    /// Starts a script; its id.
    pub(crate) async fn run(&self, script: &str, args: &[&str]) -> String {
        self.run_with(json!({"scriptName": script, "args": args})).await
    }

    pub(crate) async fn run_with(&self, body: Value) -> String {
        let response = self.send(Method::POST, "/api/processes", Some(body)).await;
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{status} {answer}");
        answer["processId"].as_str().unwrap().to_owned()
    }

    /// The problem that a request is refused with: status and code.
    pub(crate) async fn problem(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, String, String) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status);
        let text = |key: &str| problem[key].as_str().unwrap().to_owned();
        (status, text("code"), text("detail"))
    }

    pub(crate) async fn process(&self, id: &str) -> Value {
        self.get(&format!("/api/processes/{id}")).await
    }

    /// Waits until the process is as `wanted` says.
    pub(crate) async fn wait_for(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_until(&format!("/api/processes/{id}"), wanted).await
    }

    /// Waits until the answer is as `wanted` says.
    pub(crate) async fn wait_until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(begin.elapsed() < PATIENCE, "still {answer}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn wait_for_status(&self, id: &str, status: &str) -> Value {
        self.wait_for(id, |process| process["status"] == status).await
    }

    /// The newest process of a declaration, as soon as it is as `wanted` says.
    pub(crate) async fn wait_for_declared(
        &self,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let begin = Instant::now();
        loop {
            let all = self.get("/api/processes").await;
            let all = all["processes"].as_array().unwrap();
            let newest = all.iter().find(|process| process["declared"] == name);
            if let Some(process) = newest.filter(|process| wanted(process)) {
                return process.clone();
            }
            assert!(begin.elapsed() < PATIENCE, "{name} is still {newest:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Runyard's own words in a log.
    pub(crate) async fn told(&self, id: &str) -> Vec<String> {
        let entries = self.entries(id).await;
        let own = entries.iter().filter(|entry| entry["type"] == "system");
        own.map(|entry| entry["line"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the audit has a line that fits.
    pub(crate) async fn wait_for_audit(&self, query: &str) {
        let begin = Instant::now();
        while self.get(&format!("/api/audit?{query}")).await["lines"] == json!([]) {
            assert!(begin.elapsed() < PATIENCE, "no line fits {query}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGHUP).unwrap();
    }

    /// Waits until the log has a line.
    pub(crate) async fn wait_for_line(&self, id: &str, line: &str) {
        let begin = Instant::now();
        while !self.lines(id).await.iter().any(|l| l == line) {
            assert!(begin.elapsed() < PATIENCE, "{line:?} never came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Every entry of a log, page after page; the indexes must have no hole.
    pub(crate) async fn entries(&self, id: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.len() as i64 - 1;
            let path = format!("/api/processes/{id}/logs?after={after}&limit=10000");
            let page = self.get(&path).await;
            let entries = page["entries"].as_array().unwrap();
            if entries.is_empty() {
                return all;
            }
            for entry in entries {
                assert_eq!(entry["idx"], all.len(), "a hole or a double in the log");
                all.push(entry.clone());
            }
        }
    }

    pub(crate) async fn lines(&self, id: &str) -> Vec<String> {
        let entries = self.entries(id).await;
        entries.iter().map(|entry| entry["line"].as_str().unwrap().to_owned()).collect()
    }
}

/// Every request on a connection of its own: none meets one that the server has just closed.
fn client() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        end_all(&self.data());
    }
}

/// Ends what runs in a data folder, without a server: the children first (each carries the name of its
/// run), then their keeper.
pub(crate) fn end_all(data: &Path) {
    let mark = format!("{}/", data.display());
    for file in std::fs::read_dir(data.join("runs")).into_iter().flatten().flatten() {
        if let Some(run) = file.file_name().to_string_lossy().strip_suffix(".run") {
            end_run(run);
        }
    }
    if let Ok(text) = std::fs::read_to_string(data.join("keeper.pid"))
        && let Ok(pid) = text.trim().parse()
        && std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark.trim_end_matches('/')))
    {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    // And the control groups that it had made.
    if let Ok(place) = std::fs::read_to_string(data.join("keeper.cgroup")) {
        remove_groups(Path::new(&place));
    }
}

/// Removes empty control groups. Those who were killed in them are gone in a moment.
fn remove_groups(place: &Path) {
    let begin = Instant::now();
    while place.exists() && begin.elapsed() < Duration::from_secs(2) {
        for leaf in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir(leaf.path());
        }
        let _ = std::fs::remove_dir(place);
    }
}

/// Ends what still carries the name of a run in its environment.
fn end_run(run: &str) {
    let mark = format!("RUNYARD_RUN={run}");
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environ.split(|byte| *byte == 0).any(|var| var == mark.as_bytes()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}
