//! What the tree of a process may use, and what holds it to that.

use serde::{Deserialize, Serialize};

/// What the tree of a process may use; a limit that is not set is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<i64>,
    /// What holds it to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_by: Option<Means>,
    /// Thousandths of a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cpu_milli: Option<u32>,
    /// What holds it to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_by: Option<Means>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pids: Option<u32>,
    /// What holds it to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_by: Option<Means>,
}

/// What holds a tree to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// The kernel, by a control group.
    Cgroup,
    /// Runyard looks every half second, and ends a tree that uses more.
    Sampling,
    /// Nothing: it takes a controller that Runyard was not given.
    Nothing,
}

impl Means {
    /// In words, in brackets behind a figure.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Cgroup => "by control group",
            Self::Sampling => "sampled",
            Self::Nothing => "not in force",
        }
    }
}
