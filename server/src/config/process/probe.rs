//! How a process is asked whether it is well, as it is written down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One question, asked again and again. Exactly one of `http`, `tcp`, `exec` and `log` is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeConfig {
    /// An address (http or https, with any certificate) that answers `GET` with a status below 400;
    /// `$PORT` is put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// An address and port that accepts connections; `$PORT` is put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// A program and its arguments that ends with 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<Vec<String>>,
    /// A text in a line of its output. For `ready` once; for `alive` at least once in each period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Seconds between two questions. Until the first success it is asked more often.
    pub period_s: f64,
    /// Seconds an answer may take.
    pub timeout_s: f64,
    /// So many failures in a row count.
    pub failures: u32,
    /// Seconds after the start within which a failure does not count.
    pub grace_s: f64,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            http: None,
            tcp: None,
            exec: None,
            log: None,
            period_s: 10.0,
            timeout_s: 1.0,
            failures: 3,
            grace_s: 5.0,
        }
    }
}

impl ProbeConfig {
    /// What it asks, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.http, &self.tcp, &self.exec, &self.log) {
            (Some(url), ..) => format!("GET {url}"),
            (_, Some(address), ..) => format!("tcp {address}"),
            (_, _, Some(command), _) => command.join(" "),
            (.., Some(text)) => format!("a line with {text:?}"),
            _ => "nothing".to_owned(),
        }
    }
}
