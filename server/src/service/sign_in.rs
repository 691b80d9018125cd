//! Signing in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Service, ServiceError};
use crate::auth::{Audience, Grant, SESSION_TTL};
use crate::config::RolesConfig;

/// The one whom the link on the console signs in.
const CONSOLE_USER: &str = "admin";

impl Service {
    /// A new one-time code for the link on the console.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn issue_code(&self) -> Result<String, ServiceError> {
        self.codes
            .issue(self.now())
            .map_err(|error| ServiceError::new(500, "internal", error.to_string()))
    }

    /// Redeems a one-time code; the token of the new session.
    ///
    /// # Errors
    /// 401 when the code is wrong, used or expired.
    pub async fn sign_in(&self, code: &str) -> Result<String, ServiceError> {
        let refused = |error: &dyn std::fmt::Display| {
            ServiceError::new(401, "sign_in_refused", error.to_string())
        };
        let now = self.now();
        let token = self
            .codes
            .redeem(code, now)
            .and_then(|()| {
                let grant = Grant {
                    name: CONSOLE_USER,
                    role: RolesConfig::ADMIN,
                    scope: &[],
                    audience: Audience::Session,
                    ttl: SESSION_TTL,
                };
                Ok(self.tokens.issue(&grant, now)?.token)
            })
            .map_err(|error| refused(&error));
        let (outcome, detail) = match &token {
            Ok(_) => ("ok", "by a one-time link".to_owned()),
            Err(error) => (error.code, error.detail.clone()),
        };
        let record =
            self.audit_record(CONSOLE_USER, "session.create", CONSOLE_USER, outcome, detail);
        self.audit(record).await;
        token
    }

    pub(super) fn now(&self) -> SystemTime {
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        UNIX_EPOCH + Duration::from_millis(ms)
    }
}
