//! What a process was started with.

use serde::{Deserialize, Serialize};

use super::ProcessType;

/// What is shown in the place of a secret.
pub const SECRET_COVER: &str = "***";

/// The answer to `GET /api/processes/:id/configuration`: that of the newest attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProcessConfiguration {
    /// The command as people would type it.
    pub command_line: String,
    /// The program that is executed, absolute.
    pub program: String,
    /// Its arguments, its own name first.
    pub argv: Vec<String>,
    /// The folder that it runs in.
    pub cwd: String,
    /// Job or service.
    #[serde(rename = "type")]
    pub kind: ProcessType,
    /// The name of `[process.NAME]` that declares it.
    pub declared: Option<String>,
    /// The signal that asks it to end.
    pub kill_signal: String,
    /// It is stopped after so many milliseconds.
    pub timeout_ms: Option<u64>,
    /// It is killed after so many bytes of output, when the start says so.
    pub max_buffer: Option<u64>,
    /// How it is looked after: `restart.when` and the like.
    pub rules: Vec<ConfigurationValue>,
    /// Its environment. Only values that cannot be a secret are told.
    pub env: Vec<ConfigurationValue>,
    /// The hash that attempts with this configuration carry.
    pub config_hash: Option<String>,
}

/// A name with its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationValue {
    /// The name.
    pub name: String,
    /// `None`: it is set, and not told.
    pub value: Option<String>,
}
