//! The use-cases: check who asks, act, note it in the audit.
//!
//! Three doors lead here (server functions, REST, WebSocket), so a rule stands once. A door gets a
//! [`Caller`], which is the service bound to the one who asks: nothing can be done without one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use app::model::Verb;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::auth::{
    ExternalTokens, Lockout, OidcProvider, Policy, RateLimit, SignInCodes, SigningKey, StartLimits,
    Target, TokenIssuer,
};
use crate::config::{Config, RolesConfig};
use crate::engine::{Clock, Engine, Fleet};
use crate::project::SharedCatalog;
use crate::seal::Sealer;
use crate::store::{AccessStore, Store, StoreError, Writer};

mod audit;
mod authorise;
mod backend;
mod caller;
mod configuration;
mod declared;
mod detail;
mod directory;
mod error;
mod hashing;
mod identify;
mod logs;
mod people;
mod report;
mod retention;
mod roles;
mod search;
mod seldom;
mod sessions;
mod single_sign_on;
mod sockets;
mod starts;
mod tokens;

use configuration::Configuration;
use directory::Directory;
use retention::Retention;
use starts::Starts;

pub use crate::config::json_schema as config_schema;
pub use audit::{AuditExportParams, AuditFormat, AuditParams, AuditWalk};
pub use caller::Caller;
pub use configuration::{ConfigReader, slots_of};
pub use error::ServiceError;
pub use identify::{Credential, Peer};
pub use logs::{DownloadParams, LogFormat, LogParams};
pub use report::Comparison;
use search::Searches;
pub use search::{SearchEvent, SearchParams, SearchResult};
use seldom::Seldom;
use single_sign_on::SingleSignOn;
pub use single_sign_on::{ProviderAnswer, SignedOut};
pub use sockets::SocketPermit;
use sockets::Sockets;

/// What the use-cases are made of.
pub struct Parts {
    /// Runs processes.
    pub engine: Engine,
    /// Reads what is kept.
    pub store: Arc<dyn Store>,
    /// Keeps people, sessions and tokens.
    pub people: Arc<dyn AccessStore>,
    /// Writes what is to be kept.
    pub writer: Writer,
    /// What can be started.
    pub catalog: Arc<SharedCatalog>,
    /// What is declared.
    pub fleet: Arc<Fleet>,
    /// Reads the configuration again.
    pub reader: ConfigReader,
    /// What of it is in force.
    pub config: Config,
    /// Signs tokens.
    pub key: SigningKey,
    /// Who may do what.
    pub policy: Policy,
    /// How often one may start, unless a role says otherwise.
    pub starts_per_minute: NonZeroU32,
    /// Requests of one person or token in any minute.
    pub requests_per_minute: NonZeroU32,
    /// WebSockets that one person or token has open.
    pub sockets_per_user: u32,
    /// Whose tokens are taken beside our own.
    pub external: Option<ExternalTokens>,
    /// Where people can sign in.
    pub provider: Option<OidcProvider>,
    /// Seals what a browser keeps of a sign-in.
    pub sealer: Sealer,
    /// Whether nobody is asked who they are.
    pub is_auth_off: bool,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// The use-cases. Nothing in it can be reached but through a [`Caller`], so no door leads around
/// the question who asks.
pub struct Service {
    engine: Engine,
    store: Arc<dyn Store>,
    writer: Writer,
    catalog: Arc<SharedCatalog>,
    fleet: Arc<Fleet>,
    configuration: Configuration,
    tokens: TokenIssuer,
    codes: SignInCodes,
    policy: Policy,
    limits: StartLimits,
    directory: Directory,
    retention: Retention,
    starts: Starts,
    lockout: Lockout,
    hashing: Semaphore,
    requests: RateLimit,
    strangers: RateLimit,
    sockets: Sockets,
    searches: Searches,
    unready: Seldom,
    external: Option<ExternalTokens>,
    single_sign_on: SingleSignOn,
    is_auth_off: bool,
    clock: Arc<dyn Clock>,
}

/// The role that may do everything.
const ADMIN: &str = RolesConfig::ADMIN;
/// Requests from one address that say nothing of who they are from, or nothing true, in any minute.
const STRANGERS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).unwrap();
/// Between two times at which old lines of the audit and of logs are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

impl Service {
    /// Puts it together.
    ///
    /// # Errors
    /// When it cannot be read who may come in.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let service = Self {
            directory: Directory::open(parts.people).await?,
            retention: Retention::new(parts.config.logs),
            starts: Starts::open(&*parts.store).await?,
            lockout: Lockout::default(),
            hashing: hashing::room(),
            requests: RateLimit::new(parts.requests_per_minute),
            strangers: RateLimit::new(STRANGERS_PER_MINUTE),
            sockets: Sockets::new(parts.sockets_per_user),
            searches: Searches::default(),
            unready: Seldom::default(),
            external: parts.external,
            single_sign_on: SingleSignOn::new(parts.provider, parts.sealer),
            is_auth_off: parts.is_auth_off,
            tokens: TokenIssuer::new(&parts.key),
            codes: SignInCodes::new(),
            limits: StartLimits::new(parts.starts_per_minute, &parts.policy),
            policy: parts.policy,
            engine: parts.engine,
            store: parts.store,
            writer: parts.writer,
            catalog: parts.catalog,
            fleet: parts.fleet,
            configuration: Configuration::new(parts.config, parts.reader),
            clock: parts.clock,
        };
        service.note_roles().await?;
        Ok(service)
    }

    /// Does what is due from time to time, until `stop`. `audit_keep_days` 0 is for ever.
    pub async fn tend(self: Arc<Self>, audit_keep_days: u32, stop: CancellationToken) {
        let pruning = async {
            let mut ticks = tokio::time::interval(PRUNE_EVERY);
            loop {
                ticks.tick().await;
                if audit_keep_days > 0 {
                    self.prune_audit(audit_keep_days).await;
                }
                self.prune_logs().await;
            }
        };
        tokio::select! {
            () = pruning => {}
            () = self.directory.tend(&*self.clock, stop) => {}
        }
    }

    /// Whether the database answers. Anybody may ask that; what it says when it does not is for the
    /// log, and for `caller` when they may manage it all.
    ///
    /// # Errors
    /// 503.
    pub async fn check_ready(&self, caller: Option<&Caller>) -> Result<(), ServiceError> {
        let Err(error) = self.store.ping().await else { return Ok(()) };
        // Anybody may ask, as often as they like.
        if self.unready.is_due(self.clock.now_ms()) {
            tracing::error!(%error, "the database does not answer");
        }
        let is_told = caller.is_some_and(|it| it.access().allows(Verb::Admin, Target::System));
        let why = if is_told { error.to_string() } else { "see runyard's log".to_owned() };
        let detail = format!("the database does not answer: {why}");
        Err(ServiceError::new(503, "not_ready", detail))
    }

    fn now(&self) -> SystemTime {
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        UNIX_EPOCH + Duration::from_millis(ms)
    }
}
