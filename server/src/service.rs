//! The use-cases: check who asks, act, note it in the audit.
//!
//! Three doors lead here (server functions, REST, WebSocket), so a rule stands once. A door gets a
//! [`Caller`], which is the service bound to the one who asks: nothing can be done without one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::auth::{Lockout, Policy, SignInCodes, SigningKey, StartLimits, TokenIssuer};
use crate::config::RolesConfig;
use crate::engine::{Clock, Engine};
use crate::project::SharedCatalog;
use crate::store::{AccessStore, Store, StoreError, Writer};

mod audit;
mod authorise;
mod backend;
mod caller;
mod directory;
mod error;
mod hashing;
mod identify;
mod logs;
mod people;
mod search;
mod sessions;
mod tokens;

pub use audit::{AuditFormat, AuditParams};
pub use caller::Caller;
use directory::Directory;
pub use error::ServiceError;
pub use identify::{Credential, Peer};
pub use logs::{DownloadParams, LogFormat, LogParams};
pub use search::{SearchEvent, SearchParams, SearchResult};

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
    pub catalog: SharedCatalog,
    /// Signs tokens.
    pub key: SigningKey,
    /// Who may do what.
    pub policy: Policy,
    /// How often one may start, unless a role says otherwise.
    pub starts_per_minute: NonZeroU32,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// The use-cases. Nothing in it can be reached but through a [`Caller`], so no door leads around
/// the question who asks.
pub struct Service {
    engine: Engine,
    store: Arc<dyn Store>,
    writer: Writer,
    catalog: SharedCatalog,
    tokens: TokenIssuer,
    codes: SignInCodes,
    policy: Policy,
    limits: StartLimits,
    directory: Directory,
    lockout: Lockout,
    hashing: Semaphore,
    clock: Arc<dyn Clock>,
}

/// The role that may do everything.
const ADMIN: &str = RolesConfig::ADMIN;
/// Between two times at which old lines of the audit are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

impl Service {
    /// Puts it together.
    ///
    /// # Errors
    /// When it cannot be read who may come in.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        Ok(Self {
            directory: Directory::open(parts.people).await?,
            lockout: Lockout::default(),
            hashing: hashing::room(),
            tokens: TokenIssuer::new(&parts.key),
            codes: SignInCodes::new(),
            limits: StartLimits::new(parts.starts_per_minute, &parts.policy),
            policy: parts.policy,
            engine: parts.engine,
            store: parts.store,
            writer: parts.writer,
            catalog: parts.catalog,
            clock: parts.clock,
        })
    }

    /// Does what is due from time to time, until `stop`. `audit_keep_days` 0 is for ever.
    pub async fn tend(self: Arc<Self>, audit_keep_days: u32, stop: CancellationToken) {
        let pruning = async {
            if audit_keep_days == 0 {
                return std::future::pending().await;
            }
            let mut ticks = tokio::time::interval(PRUNE_EVERY);
            loop {
                ticks.tick().await;
                self.prune_audit(audit_keep_days).await;
            }
        };
        tokio::select! {
            () = pruning => {}
            () = self.directory.tend(&*self.clock, stop) => {}
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// 503 with the reason.
    pub async fn check_ready(&self) -> Result<(), ServiceError> {
        self.store.ping().await.map_err(|error| {
            ServiceError::new(503, "not_ready", format!("the database does not answer: {error}"))
        })
    }

    fn now(&self) -> SystemTime {
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        UNIX_EPOCH + Duration::from_millis(ms)
    }
}
