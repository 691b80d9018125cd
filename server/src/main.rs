//! The binary: reads the command line and does what it says.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use server::auth::{Audience, Grant, SigningKey, TokenIssuer};
use server::cli::{
    Cli, Command, ConfineArgs, HealthcheckArgs, ServeArgs, TerminalArgs, TokenCreateArgs,
};
use server::config::suggest::suggest;
use server::config::{Config, Flags, RolesConfig, Sources, parse_role};
use server::confine::Confinement;
use server::console;
use server::engine::SystemClock;
use server::serve::Server;
use server::sys::schedule;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

mod ending;
mod folder;

fn main() -> ExitCode {
    let cli = Cli::parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Keeper { data, succeed: Some(estate), .. } => {
            server::keeper::succeed(&data, estate).map_err(anyhow::Error::from)
        }
        Command::Keeper { data, groups, succeed: None } => {
            server::keeper::run(&data, groups).map_err(anyhow::Error::from)
        }
        Command::KeeperCheck => say(&server::keeper::capabilities()),
        Command::Serve(args) => block_on(serve(args)),
        Command::Status(args) => block_on(folder::show_status(args)),
        Command::Down(args) => block_on(folder::take_down(args)),
        Command::Upgrade(args) => block_on(folder::upgrade(args)),
        Command::Terminal(args) => return run_in_terminal(&args),
        Command::Confine(args) => return confine(args),
        Command::TokenCreate(args) => create_token(args),
        Command::UserAdd(args) => block_on(async {
            let config = load_config(args.place.into_flags())?;
            say(&console::add_user(&config, args.name.trim(), &args.role).await?)
        }),
        Command::UserPasswd(args) => block_on(async {
            let config = load_config(args.place.into_flags())?;
            say(&console::set_password(&config, args.name.trim()).await?)
        }),
        Command::UserList(args) => {
            block_on(async { say(&console::list_users(&load_config(args.into_flags())?).await?) })
        }
        Command::AuditVerify(args) => {
            block_on(async { say(&console::verify_audit(&load_config(args.into_flags())?).await?) })
        }
        Command::Healthcheck(args) => block_on(check_health(args)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is all that is left to tell it to.
            let _ = writeln!(std::io::stderr(), "runyard: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Half of the cores are for the server, the other half for what it starts, and for the threads of the
/// keeper and the store: more only wake each other (docs/benchmarks.md). `TOKIO_WORKER_THREADS` says
/// otherwise.
fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        runtime.worker_threads((cores / 2).max(1));
    }
    // Where that is not allowed, they interrupt whom they serve.
    runtime.on_thread_start(|| drop(schedule::wait_for_turns()));
    runtime.enable_all().build().context("no runtime can be made")?.block_on(work)
}

fn sources(flags: Flags) -> anyhow::Result<Sources<Vec<(OsString, OsString)>>> {
    let current_dir = std::env::current_dir().context("the current folder is gone")?;
    Ok(Sources { current_dir, env: std::env::vars_os().collect(), flags })
}

fn load_config(flags: Flags) -> anyhow::Result<Config> {
    Ok(Config::load(sources(flags)?)?)
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("RUNYARD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let stop_children = args.stop_children;
    let sources = sources(args.into_flags())?;
    let config = Config::load(sources.clone())?;
    let reader = Arc::new(move || Config::load(sources.clone()).map_err(|error| error.to_string()));
    let exe = std::env::current_exe().context("cannot find the binary to start the keeper from")?;
    // The port first: a second server must not touch the processes of the first.
    let listener = listen(config.server.listen).await?;
    let address = listener.local_addr().context("the socket has no address")?;
    let signals = ending::Signals::new()?;
    let mut hangup = signal(SignalKind::hangup()).context("no signal handler")?;
    let server = Server::open(&config, exe, Arc::new(SystemClock), reader).await?;
    say(&format!("open {}", server.sign_in_link(address)?))?;
    let service = server.service();
    let reloading = async {
        loop {
            if hangup.recv().await.is_none() {
                return std::future::pending::<()>().await;
            }
            if let Err(error) = service.reload_by_signal().await {
                // The administrator who sent it reads standard error, not a page.
                tracing::error!(%error, "SIGHUP changed nothing");
            }
        }
    };
    tokio::select! {
        ended = ending::serve_until_told(server, listener, signals, stop_children) => ended,
        () = reloading => Ok(()),
    }
}

/// Ends as the program ends.
fn run_in_terminal(args: &TerminalArgs) -> ExitCode {
    let size = match server::terminal::parse_size(&args.size) {
        Ok(size) => size,
        Err(why) => return refuse(&why),
    };
    match server::terminal::run(size, &args.program, &args.args) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(error) => refuse(&error.to_string()),
    }
}

/// Becomes the program, or says why it cannot; 126 is what shells say of one that cannot be executed.
fn confine(args: ConfineArgs) -> ExitCode {
    let ConfineArgs { user, write, strict, program, args } = args;
    let writable = Some(write).filter(|folders| !folders.is_empty());
    let confinement = Confinement { user, writable, is_strict: strict };
    let error = server::confine::run(&confinement, &program, &args);
    refuse(&error.to_string());
    ExitCode::from(126)
}

fn refuse(why: &str) -> ExitCode {
    // Standard error is all that is left to tell it to.
    let _ = writeln!(std::io::stderr(), "runyard: {why}");
    ExitCode::FAILURE
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "{address} is in use: another program, or another runyard, listens there; give \
             another one with --listen"
        ),
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

fn create_token(args: TokenCreateArgs) -> anyhow::Result<()> {
    let flags = Flags { config: args.config.clone(), ..Flags::default() };
    if args.role != RolesConfig::ADMIN {
        let roles = load_config(flags.clone())?.roles.roles;
        if !roles.contains_key(&args.role) {
            let known: Vec<_> = roles.keys().map(String::as_str).collect();
            bail!("{:?} is no role: {}", args.role, suggest("the roles are", &args.role, &known));
        }
    }
    parse_role(&args.only).map_err(anyhow::Error::msg)?;
    let data_dir = match args.data {
        Some(data) => data,
        None => load_config(flags)?.server.data_dir,
    };
    let key = SigningKey::load_or_create(&data_dir)?;
    let grant = Grant {
        name: &args.name,
        role: &args.role,
        scope: &args.only,
        audience: Audience::Api,
        ttl: args.ttl,
    };
    say(&TokenIssuer::new(&key).issue(&grant, SystemTime::now())?.token)
}

/// Asks `/healthz` as plainly as can be: no client is worth its size for one line.
async fn check_health(args: HealthcheckArgs) -> anyhow::Result<()> {
    let flags = Flags { config: args.config, ..Flags::default() };
    let address = match args.listen {
        Some(address) => address,
        None => load_config(flags)?.server.listen,
    };
    let asked = tokio::time::timeout(Duration::from_secs(5), ask_health(address)).await;
    let status = asked
        .with_context(|| format!("{address} did not answer within 5 s"))?
        .with_context(|| format!("{address} does not answer"))?;
    if !status.starts_with("HTTP/1.1 200") {
        bail!("{address} is not well: {status}");
    }
    say("ok")
}

async fn ask_health(address: SocketAddr) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.take(4096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Prints a line. What others have named can have no escape of the terminal in it.
fn say(line: &str) -> anyhow::Result<()> {
    let is_wild = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let line = line.replace(is_wild, "\u{fffd}");
    writeln!(std::io::stdout(), "{line}").context("standard output is closed")
}
