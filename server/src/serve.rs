//! Puts the server together and runs it until it is told to stop.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use app::model::Process;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{ExternalTokens, OidcProvider, Policy, SharedOutbound, SigningKey};
use crate::config::{Config, Sandbox};
use crate::confine;
use crate::engine::{Claim, Clock, Engine, EngineSettings, Fleet};
use crate::http::assets::Assets;
use crate::http::{AppState, Crowd, Edge, listen, router, tls};
use crate::project::{Catalog, SharedCatalog};
use crate::seal::Sealer;
use crate::service::{ConfigReader, Parts, Service, slots_of};
use crate::store::{SqliteStore, Store, Writer};
use crate::sys::memory;

/// A server that is ready to serve.
pub struct Server {
    state: AppState,
    engine: Engine,
    fleet: Arc<Fleet>,
    writer: Writer,
    tasks: TaskTracker,
    audit_keep_days: u32,
    tls: Option<TlsAcceptor>,
    crowd: Crowd,
    /// Held until this process ends.
    _claim: Claim,
}

/// How a server ends.
#[derive(Debug)]
pub struct Ending {
    /// Nothing new is taken in from now on.
    pub stop: CancellationToken,
    /// Whether the children end, too; they do not when nobody says so.
    pub children: oneshot::Receiver<bool>,
}

/// Why a server has ended by itself.
#[derive(Debug, thiserror::Error)]
#[error("another runyard has taken over this data folder: this one ends, what runs goes on")]
pub struct Fenced;

/// Who stops the processes when nobody asked for each of them.
const ENDING: &str = "runyard, which was told to end";

impl Server {
    /// Opens the data folder, the store and the keeper, and takes up what runs. `exe` is the binary
    /// that the keeper is started from, and `reader` reads the configuration again.
    ///
    /// # Errors
    /// One clear sentence for whatever keeps the server from starting.
    pub async fn open(
        config: &Config,
        exe: PathBuf,
        clock: Arc<dyn Clock>,
        reader: ConfigReader,
    ) -> anyhow::Result<Self> {
        config.server.prepare_data_dir()?;
        // Pages spawn their work on this runtime; a second server in one process finds it set.
        let _ = any_spawner::Executor::init_tokio();
        let tls = match (&config.server.tls_cert, &config.server.tls_key) {
            (Some(cert), Some(key)) => Some(tls::acceptor(cert, key)?),
            _ => None,
        };
        let outbound = SharedOutbound::default();
        let external = config.auth.external();
        let external = external.map(|it| ExternalTokens::new(it, &outbound)).transpose()?;
        check_sandbox(config)?;
        let provider = config.oidc.provider();
        let provider = provider.map(|it| OidcProvider::new(it, &outbound)).transpose()?;
        let claim = Claim::take(&config.server.data_dir).await?;
        let key = SigningKey::load_or_create(&config.server.data_dir)?;
        let seal_key = SigningKey::load_or_create_seal(&config.server.data_dir)?;
        let sealer = Sealer::new(seal_key.as_bytes())?;
        let database = Arc::new(SqliteStore::open(&config.server.database_url()).await?);
        let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&database);
        let tasks = TaskTracker::new();
        let writer = Writer::start(Arc::clone(&store), &tasks);
        let settings = EngineSettings {
            data_dir: config.server.data_dir.clone(),
            exe,
            grace_s: config.run.grace_s,
            pools: slots_of(config),
            max_queue: usize::try_from(config.limits.max_queue).unwrap_or(usize::MAX),
            max_services: config.limits.max_services,
            max_buffer: config.limits.max_buffer,
            when_full: config.logs.when_full,
            max_backlog: config.logs.max_backlog,
            sealer: sealer.clone(),
        };
        let pools = config.pools.names().into_iter().map(str::to_owned).collect();
        let catalog = Catalog::load(&config.projects, &config.run)
            .declare(config.processes.clone(), pools)
            .bound(config.limits.of_a_process);
        if let Err((name, error)) = catalog.check_declared() {
            anyhow::bail!("process.{name}: {error}");
        }
        let catalog = Arc::new(SharedCatalog::new(catalog));
        let engine =
            Engine::start(settings, &claim, Arc::clone(&clock), Arc::clone(&store), writer.clone())
                .await
                .context("the processes cannot be taken up")?;
        let fleet = Fleet::new(engine.clone(), Arc::clone(&catalog));
        let starts = NonZeroU32::new(config.limits.starts_per_minute).unwrap_or(NonZeroU32::MIN);
        let service = Arc::new(
            Service::open(Parts {
                engine: engine.clone(),
                store,
                people: database,
                writer: writer.clone(),
                catalog,
                fleet: Arc::clone(&fleet),
                reader,
                config: config.clone(),
                key,
                policy: Policy::new(&config.roles)?,
                starts_per_minute: starts,
                requests_per_minute: NonZeroU32::new(config.limits.requests_per_minute)
                    .unwrap_or(NonZeroU32::MIN),
                sockets_per_user: config.limits.sockets_per_user,
                external,
                provider,
                sealer,
                is_auth_off: config.auth.is_off,
                clock,
            })
            .await?,
        );
        let state = AppState {
            service,
            assets: Arc::new(Assets::new()),
            edge: Arc::new(Edge::new(config.server.trusted_proxies.clone())),
            body_timeout: Duration::from_secs(config.limits.body_timeout_s.into()),
            closing: CancellationToken::new(),
            sockets: TaskTracker::new(),
        };
        let audit_keep_days = config.audit.keep_days;
        let crowd = Crowd::new(
            config.limits.max_connections,
            config.limits.connections_per_address,
            config.server.trusted_proxies.clone(),
        );
        Ok(Self { state, engine, fleet, writer, tasks, audit_keep_days, tls, crowd, _claim: claim })
    }

    /// A link that signs one browser in, once.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn sign_in_link(&self, address: SocketAddr) -> anyhow::Result<String> {
        let code = self.state.service.issue_code()?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{address}/sign-in?code={code}"))
    }

    /// The engine behind it.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine.clone()
    }

    /// The use-cases, for what is asked of the server by signals.
    #[must_use]
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.state.service)
    }

    /// Serves `listener` until `ending` says otherwise.
    ///
    /// # Errors
    /// [`Fenced`] when another server has the data folder. The process must end then, as it is.
    pub async fn run(self, listener: TcpListener, ending: Ending) -> Result<(), Fenced> {
        let engine = self.engine.clone();
        tokio::select! {
            () = engine.fenced() => Err(Fenced),
            () = self.serve(listener, ending) => Ok(()),
        }
    }

    /// Ends everything that runs in its data folder, dependants first, and itself. Those that could
    /// not be ended, in words.
    pub async fn take_down(self, by: &str) -> Vec<String> {
        self.fleet.stop_all(by).await;
        let failed = self.engine.stop_all(by).await;
        self.close().await;
        let name = |process: &Process| format!("{} ({})", process.script, process.id);
        failed.iter().map(|(process, error)| format!("{}: {error}", name(process))).collect()
    }

    async fn serve(self, listener: TcpListener, ending: Ending) {
        let Ending { stop, children } = ending;
        if let Err(error) = self.fleet.begin().await {
            tracing::error!(%error, "the declared processes cannot be looked after");
        }
        let tending = Arc::clone(&self.state.service).tend(self.audit_keep_days, stop.clone());
        self.tasks.spawn(tending);
        let closing = self.state.closing.clone();
        let sockets = self.state.sockets.clone();
        let close_sockets = async {
            stop.cancelled().await;
            closing.cancel();
        };
        let (router, tls) = (router(self.state.clone()), self.tls.clone());
        // Making the routes was the last of what only starting needs.
        memory::release_start();
        let serving = listen::serve(listener, router, tls, self.crowd.clone(), stop.clone());
        tokio::join!(serving, close_sockets);
        sockets.close();
        sockets.wait().await;
        if children.await.unwrap_or(false) {
            self.fleet.stop_all(ENDING).await;
            for (process, error) in self.engine.stop_all(ENDING).await {
                tracing::error!(process = %process.id, %error, "it could not be stopped");
            }
        }
        self.close().await;
    }

    /// What runs goes on; what was taken in is stored.
    async fn close(self) {
        self.engine.shut_down().await;
        self.writer.close().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Says at once what would be said at each start.
fn check_sandbox(config: &Config) -> anyhow::Result<()> {
    let words = "this kernel has no Landlock (Linux 6.2 or later has it): scripts cannot be kept \
                 from writing outside their projects";
    let declared = config.processes.iter();
    let declared =
        declared.filter_map(|(name, it)| Some((format!("process.{name}.sandbox"), it.sandbox?)));
    for (key, sandbox) in declared.chain([("run.sandbox".to_owned(), config.run.sandbox)]) {
        match sandbox {
            Sandbox::Off => {}
            _ if confine::can_sandbox() => {}
            Sandbox::Try => tracing::warn!("{key} = \"try\": {words}"),
            Sandbox::Require => anyhow::bail!("{key} = \"require\": {words}"),
        }
    }
    Ok(())
}
