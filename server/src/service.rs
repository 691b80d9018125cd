//! The use-cases: check who asks, act, note it in the audit.
//!
//! Three doors lead here (server functions, REST, WebSocket), so a rule stands once. A door gets a
//! [`Caller`], which is the service bound to the one who asks: nothing can be done without one.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::auth::{Policy, SignInCodes, SigningKey, StartLimits, TokenIssuer};
use crate::engine::{Clock, Engine};
use crate::project::SharedCatalog;
use crate::store::{AuditRecord, Change, Store, Writer};

mod authorise;
mod backend;
mod caller;
mod error;
mod identify;
mod logs;
mod search;
mod sign_in;

pub use caller::Caller;
pub use error::ServiceError;
pub use identify::Credential;
pub use logs::{DownloadParams, LogFormat, LogParams};
pub use search::{SearchEvent, SearchParams, SearchResult};

/// What the use-cases are made of.
pub struct Parts {
    /// Runs processes.
    pub engine: Engine,
    /// Reads what is kept.
    pub store: Arc<dyn Store>,
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
    clock: Arc<dyn Clock>,
}

impl Service {
    /// Puts it together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            tokens: TokenIssuer::new(&parts.key),
            codes: SignInCodes::new(),
            limits: StartLimits::new(parts.starts_per_minute, &parts.policy),
            policy: parts.policy,
            engine: parts.engine,
            store: parts.store,
            writer: parts.writer,
            catalog: parts.catalog,
            clock: parts.clock,
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

    fn audit_record(
        &self,
        actor: &str,
        action: &str,
        target: &str,
        outcome: &str,
        detail: String,
    ) -> AuditRecord {
        AuditRecord {
            at: self.clock.now_ms(),
            actor: actor.into(),
            action: action.into(),
            target: target.into(),
            outcome: outcome.into(),
            detail,
        }
    }

    /// Adds a line to the audit. An act is not undone because its line cannot be written.
    async fn audit(&self, record: AuditRecord) {
        if let Err(error) = self.writer.submit_later(vec![Change::Audit(record)]).await {
            tracing::error!(%error, "a line of the audit cannot be written");
        }
    }
}
