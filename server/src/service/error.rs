//! Refusals, with a stable code for programs and words for people.

use app::model::Problem;

use crate::engine::{EngineError, FleetError, SendError};
use crate::logs::pattern::PatternError;
use crate::logs::read::ReadError;
use crate::project::PlanError;
use crate::store::StoreError;

/// Why a use-case did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ServiceError {
    /// The HTTP status that says it best.
    pub status: u16,
    /// Stable.
    pub code: &'static str,
    /// What was wrong and what would be right.
    pub detail: String,
    /// After how many seconds it may work.
    pub retry_after_s: Option<u64>,
}

impl ServiceError {
    /// A refusal.
    #[must_use]
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_s: None }
    }

    /// A query or body that does not fit.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad_request", detail)
    }

    /// A body that is too large.
    #[must_use]
    pub fn body_too_large() -> Self {
        let detail = "the body is larger than 1 MiB, which is all that is taken in";
        Self::new(413, "body_too_large", detail)
    }

    /// A body that did not come in time.
    #[must_use]
    pub fn body_timeout() -> Self {
        let detail = "the body did not come in time: 15 seconds may pass between two parts of it, and \
                      limits.body_timeout_s for all of it";
        Self::new(408, "body_timeout", detail)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self::new(error.status, error.code, error.detail)
    }
}

impl From<EngineError> for ServiceError {
    fn from(error: EngineError) -> Self {
        let (status, code) = match &error {
            EngineError::NotFound(_) => (404, "process_not_found"),
            EngineError::InvalidState(_) => (409, "invalid_state"),
            EngineError::TooManyServices { .. } => (429, "too_many_services"),
            EngineError::QueueFull(_) => (429, "queue_full"),
            EngineError::NoPool(..) => (404, "pool_not_found"),
            EngineError::Stdin(error) => match error {
                SendError::NotOpen => (409, "stdin_closed"),
                SendError::TooLong(_) => (422, "line_too_long"),
                SendError::Full => (409, "stdin_full"),
                SendError::Failed(_) => (503, "stdin_failed"),
            },
            EngineError::SpawnFailed { .. } => (503, "spawn_failed"),
            EngineError::Keeper(_) => (503, "keeper_unavailable"),
            EngineError::ShuttingDown => (503, "shutting_down"),
            EngineError::Store(error) => return error.clone().into(),
            EngineError::Unsealed(_) => (409, "unsealed"),
            EngineError::Spec { .. } | EngineError::Forgotten(_) => (500, "internal"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<FleetError> for ServiceError {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Plan(error) => error.into(),
            FleetError::Engine(error) => error.into(),
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken(_) => Self::new(409, "name_taken", error.to_string()),
            StoreError::Unavailable(_) => Self::new(503, "store_unavailable", error.to_string()),
            _ => Self::new(500, "store_failed", error.to_string()),
        }
    }
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Interrupted => Self::new(503, "interrupted", error.to_string()),
            other => Self::new(500, "log_damaged", other.to_string()),
        }
    }
}

impl From<PatternError> for ServiceError {
    fn from(error: PatternError) -> Self {
        Self::new(400, "bad_pattern", error.to_string())
    }
}

impl From<PlanError> for ServiceError {
    fn from(error: PlanError) -> Self {
        let status = match error.code() {
            "script_not_found" | "project_not_found" => 404,
            _ => 422,
        };
        Self::new(status, error.code(), error.to_string())
    }
}
