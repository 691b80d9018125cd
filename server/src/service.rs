//! The use-cases: check who asks, act, note it in the audit.
//!
//! Three doors lead here (server functions, REST, WebSocket), so a rule stands once. A door gets a
//! [`Caller`], which is the service bound to the one who asks: nothing can be done without one.

use std::sync::Arc;

use crate::auth::{Identity, SignInCodes, StartLimiter, TokenIssuer};
use crate::engine::{Clock, Engine};
use crate::project::SharedCatalog;
use crate::store::{AuditRecord, Change, Store, Writer};

mod backend;
mod caller;
mod error;
mod logs;
mod sign_in;

pub use caller::Caller;
pub use error::ServiceError;
pub use logs::{LogFormat, LogParams, SearchParams};

/// All that the use-cases need. Made once.
pub struct Service {
    /// Runs processes.
    pub engine: Engine,
    /// Reads what is kept.
    pub store: Arc<dyn Store>,
    /// Writes what is to be kept.
    pub writer: Writer,
    /// What can be started.
    pub catalog: SharedCatalog,
    /// Makes and checks tokens.
    pub tokens: TokenIssuer,
    /// One-time sign-in codes.
    pub codes: SignInCodes,
    /// How often one may start.
    pub limiter: StartLimiter,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl Service {
    /// The service as `identity` may use it.
    #[must_use]
    pub fn for_caller(self: &Arc<Self>, identity: Identity) -> Caller {
        Caller::new(Arc::clone(self), identity)
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
