//! Starts the binary: as a server, or to make a token.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

/// A setting that names a program that becomes the server, with the arguments of that.
pub(crate) const LAUNCHER: &str = "TEST_LAUNCHER";

pub(crate) fn command(folder: &Path) -> Command {
    command_of(env!("CARGO_BIN_EXE_runyard"), folder)
}

fn command_of(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder.join("project"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("RUNYARD_RUN__RUNNER", "native")
        .env("RUNYARD_LIMITS__STARTS_PER_MINUTE", "1000");
    command
}

/// An address that a server can come back to. The system gives the ports above 32,768 to whoever connects
/// to something, so one of those might be somebody else's when the server is started again.
pub(super) fn free_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs that run at the same time begin at different ones.
    let begin = (std::process::id() % 10) as u16 * 1_000;
    loop {
        let port = 20_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return format!("127.0.0.1:{port}");
        }
    }
}

pub(super) fn launch(
    folder: &Path,
    listen: &str,
    settings: &[(String, String)],
    arguments: &[String],
) -> (Child, String) {
    let launcher = settings.iter().find(|(name, _)| name == LAUNCHER);
    let program = launcher.map_or(env!("CARGO_BIN_EXE_runyard"), |(_, program)| program.as_str());
    let mut child = command_of(program, folder)
        .args(["--listen", listen, "--data"])
        .arg(folder.join("data"))
        .args(arguments)
        .envs(settings.iter().map(|(k, v)| (k, v)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    // What it says later must not fill the pipe, nor meet a closed one.
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    let link = line.trim().strip_prefix("open ").unwrap_or_else(|| panic!("it said {line:?}"));
    (child, link.to_owned())
}

pub(super) fn create_token(
    folder: &Path,
    settings: &[(String, String)],
    role: &str,
    more: &[&str],
) -> String {
    let output = command(folder)
        .envs(settings.iter().map(|(k, v)| (k, v)))
        .args(["token", "create", "--role", role, "--name", "tests", "--ttl", "72h", "--data"])
        .arg(folder.join("data"))
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
