//! What can be allowed or denied.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One kind of act. Roles give and deny these on patterns of project and script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// See a script, its processes, and what the audit says of them.
    View,
    /// Read what a process wrote.
    ReadLogs,
    /// Start a script.
    Start,
    /// Ask a process to end.
    Stop,
    /// Send a signal to a process.
    Signal,
    /// Write to the standard input of a process.
    Stdin,
    /// Change what a script is.
    Edit,
    /// Manage people, tokens and sessions, and read the whole audit.
    Admin,
}

impl Verb {
    /// Every verb, the most harmless first.
    pub const ALL: [Self; 8] = [
        Self::View,
        Self::ReadLogs,
        Self::Start,
        Self::Stop,
        Self::Signal,
        Self::Stdin,
        Self::Edit,
        Self::Admin,
    ];

    /// The name in rules and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::ReadLogs => "read-logs",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Signal => "signal",
            Self::Stdin => "stdin",
            Self::Edit => "edit",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|verb| verb.as_str()).collect();
            format!("{text:?} is no verb: one of {}, or all", all.join(", "))
        })
    }
}
