//! Starting a process: what is asked for, and the answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ProcessId, ProcessType, Status};

/// The body of `POST /api/processes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartRequest {
    /// The script's name.
    pub script_name: String,
    /// Appended to the script, each quoted.
    #[serde(default)]
    pub args: Vec<String>,
    /// Added to the clean environment; names must be on the allow-list.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of variables whose values are secrets, beside those that `run.secret_env` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_env: Vec<String>,
    /// Places in `args`, from 0, of those that are secrets; of `--name=value` the value is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_args: Vec<usize>,
    /// Job (default) or service; a script that looks like a server (`dev`, `start`, `serve`,
    /// `watch`, `preview`) is a service when nothing is said.
    #[serde(default, rename = "type")]
    pub kind: Option<ProcessType>,
    /// Needed only when more than one project has the script.
    #[serde(default)]
    pub project: Option<String>,
    /// Relative to the project's folder, and inside it.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Stop it after so many milliseconds; 0 or absent: never.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Kill it when it has written more than so many bytes.
    #[serde(default)]
    pub max_buffer: Option<u64>,
    /// What its tree may use: `maxMemory` (bytes, or a size such as `"512M"`), `maxCpu` (cores) and
    /// `maxPids`; within what `[limits]` allows, which holds where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub limits: Option<serde_json::Value>,
    /// The signal that asks it to end; `SIGTERM` when absent.
    #[serde(default)]
    pub kill_signal: Option<String>,
    /// How it is looked after: the keys of `[process.NAME]` in `runyard.toml` that name no command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub strategy: Option<serde_json::Value>,
}

/// The answer to `POST /api/processes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The new process.
    pub process_id: ProcessId,
    /// `None` while it is queued.
    pub pid: Option<i32>,
    /// `running`, or `queued`.
    pub status: Status,
}
