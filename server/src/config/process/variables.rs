//! The names of variables in a declaration.

use super::{ProcessConfig, Wrong};
use crate::config::run::check_patterns;

impl ProcessConfig {
    /// Whether each is a name that a variable can have.
    pub(super) fn check_env(&self) -> Result<(), Wrong> {
        let is_bad = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
        let bad = |key, message| Err(Wrong { key, message });
        if let Some(name) = self.env.keys().find(is_bad) {
            return bad("env", format!("{name:?} is no name that a variable can have"));
        }
        if let Some(name) = self.env_file.keys().find(is_bad) {
            return bad("env_file", format!("{name:?} is no name that a variable can have"));
        }
        check_patterns(&self.secret_env).or_else(|message| bad("secret_env", message))
    }
}
