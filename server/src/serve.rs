//! Puts the server together and runs it until it is told to stop.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{ExternalTokens, Policy, SigningKey};
use crate::config::Config;
use crate::engine::{Clock, Engine, EngineSettings};
use crate::http::assets::Assets;
use crate::http::{AppState, Edge, listen, router, tls};
use crate::project::{Catalog, SharedCatalog};
use crate::service::{Parts, Service};
use crate::store::{SqliteStore, Store, Writer};

/// A server that is ready to serve.
pub struct Server {
    state: AppState,
    engine: Engine,
    writer: Writer,
    tasks: TaskTracker,
    audit_keep_days: u32,
    tls: Option<TlsAcceptor>,
}

impl Server {
    /// Opens the data folder, the store and the keeper, and takes up what runs. `exe` is the binary
    /// that the keeper is started from.
    ///
    /// # Errors
    /// One clear sentence for whatever keeps the server from starting.
    pub async fn open(
        config: &Config,
        exe: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        config.server.prepare_data_dir()?;
        // Pages spawn their work on this runtime; a second server in one process finds it set.
        let _ = any_spawner::Executor::init_tokio();
        let tls = match (&config.server.tls_cert, &config.server.tls_key) {
            (Some(cert), Some(key)) => Some(tls::acceptor(cert, key)?),
            _ => None,
        };
        let external = config.auth.external().map(ExternalTokens::new).transpose()?;
        let key = SigningKey::load_or_create(&config.server.data_dir)?;
        let database = Arc::new(SqliteStore::open(&config.server.database_url()).await?);
        let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&database);
        let tasks = TaskTracker::new();
        let writer = Writer::start(Arc::clone(&store), &tasks);
        let settings = EngineSettings {
            data_dir: config.server.data_dir.clone(),
            exe,
            grace_s: config.run.grace_s,
            max_jobs: config.limits.max_jobs,
            max_services: config.limits.max_services,
            max_buffer: config.limits.max_buffer,
        };
        let engine =
            Engine::start(settings, Arc::clone(&clock), Arc::clone(&store), writer.clone())
                .await
                .context("the processes cannot be taken up")?;
        let starts = NonZeroU32::new(config.limits.starts_per_minute).unwrap_or(NonZeroU32::MIN);
        let service = Arc::new(
            Service::open(Parts {
                engine: engine.clone(),
                store,
                people: database,
                writer: writer.clone(),
                catalog: SharedCatalog::new(Catalog::load(&config.projects, &config.run)),
                key,
                policy: Policy::new(&config.roles)?,
                starts_per_minute: starts,
                requests_per_minute: NonZeroU32::new(config.limits.requests_per_minute)
                    .unwrap_or(NonZeroU32::MIN),
                sockets_per_user: config.limits.sockets_per_user,
                external,
                is_auth_off: config.auth.is_off,
                clock,
            })
            .await?,
        );
        let state = AppState {
            service,
            assets: Arc::new(Assets::new()),
            edge: Arc::new(Edge::new(config.server.trusted_proxies.clone())),
            closing: CancellationToken::new(),
            sockets: TaskTracker::new(),
        };
        Ok(Self { state, engine, writer, tasks, audit_keep_days: config.audit.keep_days, tls })
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

    /// Serves `listener` until `stop`; the children run on.
    pub async fn run(self, listener: TcpListener, stop: CancellationToken) {
        let tending = Arc::clone(&self.state.service).tend(self.audit_keep_days, stop.clone());
        self.tasks.spawn(tending);
        let closing = self.state.closing.clone();
        let sockets = self.state.sockets.clone();
        let close_sockets = async {
            stop.cancelled().await;
            closing.cancel();
        };
        let serving = listen::serve(listener, router(self.state), self.tls, stop.clone());
        tokio::join!(serving, close_sockets);
        sockets.close();
        sockets.wait().await;
        self.engine.shut_down().await;
        self.writer.close().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}
