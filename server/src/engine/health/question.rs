//! One question to a process: an HTTP request (over TLS, too), a connection, a program.

use std::path::Path;
use std::process::Stdio;

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::tls;
use crate::config::ProbeConfig;
use crate::project::LaunchPlan;
use crate::sys::schedule::Starting;

/// See the module.
pub(super) enum Question<'a> {
    Http(&'a str),
    Tcp(&'a str),
    Exec { command: &'a [String], plan: &'a LaunchPlan, exe: &'a Path },
    Nothing,
}

impl<'a> Question<'a> {
    pub(super) fn of(config: &'a ProbeConfig, plan: &'a LaunchPlan, exe: &'a Path) -> Self {
        match (&config.http, &config.tcp, &config.exec) {
            (Some(url), ..) => Self::Http(url),
            (_, Some(address), _) => Self::Tcp(address),
            (.., Some(command)) => Self::Exec { command, plan, exe },
            _ => Self::Nothing,
        }
    }

    /// Asks; the error is what was wrong.
    pub(super) async fn ask(&self) -> Result<(), String> {
        match self {
            Self::Http(url) => ask_http(url).await,
            Self::Tcp(address) => connect(address).await.map(|_| ()),
            Self::Exec { command, plan, exe } => run(command, plan, exe).await,
            Self::Nothing => Ok(()),
        }
    }
}

async fn connect(address: &str) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(|error| error.to_string())
}

/// A `GET` on a connection of its own, which ends with the answer's head.
async fn ask_http(url: &str) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    let host = uri.host().unwrap_or_default();
    let is_tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = connect(&format!("{host}:{port}")).await?;
    if is_tls { get(&uri, tls::wrap(host, stream).await?).await } else { get(&uri, stream).await }
}

async fn get<S>(uri: &Uri, stream: S) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
    let host = uri.host().unwrap_or_default();
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let mut request = Request::new(String::new());
    *request.uri_mut() = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .parse()
        .map_err(|error| format!("{error}"))?;
    let name = HeaderValue::from_str(authority).map_err(|error| error.to_string())?;
    request.headers_mut().insert(HOST, name);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("runyard-probe"));
    let response = sender.send_request(request);
    tokio::pin!(response);
    let response: Response<Incoming> = tokio::select! {
        biased;
        response = &mut response => response,
        // It was closed, in order or not; an answer may have come before.
        ended = connection => match response.await {
            Ok(response) => Ok(response),
            Err(error) => Err(ended.err().unwrap_or(error)),
        },
    }
    .map_err(words)?;
    let status = response.status();
    if status.as_u16() < 400 { Ok(()) } else { Err(format!("it answered {status}")) }
}

/// Runs a program as the process itself would be run, by `exe`, which is Runyard, where it is confined; it is
/// ended when it takes too long.
pub(in crate::engine) async fn run(
    command: &[String],
    plan: &LaunchPlan,
    exe: &Path,
) -> Result<(), String> {
    let (name, args) = command.split_first().ok_or("there is no command")?;
    let path = plan.env.get("PATH").cloned().unwrap_or_default();
    let program =
        which::which_in(name, Some(path), &plan.cwd).map_err(|error| format!("{name}: {error}"))?;
    let (program, args) = match &plan.confined {
        Some(confined) => {
            let argv = command.to_vec();
            let (program, argv) = confined.wrap(exe, &program, argv);
            (program, argv.into_iter().skip(1).collect())
        }
        None => (program, args.to_vec()),
    };
    let starting = Starting::begin();
    let child = tokio::process::Command::new(program)
        .args(args)
        .current_dir(&plan.cwd)
        .env_clear()
        .envs(&plan.env)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    drop(starting);
    let mut child = child.map_err(|error| format!("{name}: {error}"))?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("{name} ended with {status}")) }
}
