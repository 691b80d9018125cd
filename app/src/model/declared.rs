//! What is declared in `runyard.toml`, and what of it changes when the file is read again.

use serde::{Deserialize, Serialize};

use super::{ProcessId, ProcessType};

/// A `[process.NAME]`, or a process whose start gave it a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeclaredProcess {
    /// Its name.
    pub name: String,
    /// Whether the file has it; otherwise `name` is a script's, and `live` is what waits for its times.
    pub is_declared: bool,
    /// The project it belongs to.
    pub project: String,
    /// Job or service.
    #[serde(rename = "type")]
    pub kind: ProcessType,
    /// Whether it is started together with Runyard.
    pub autostart: bool,
    /// How many of it run.
    pub replicas: u32,
    /// What it waits for, in words: `db to be ready`.
    pub depends_on: Vec<String>,
    /// When it is started by itself, as it is written.
    pub schedule: Option<String>,
    /// The time zone of the schedule.
    pub timezone: Option<String>,
    /// Its next times, at most five, in milliseconds since the epoch.
    pub next_times: Vec<i64>,
    /// Those of its processes that have not ended.
    pub live: Vec<ProcessId>,
}

impl DeclaredProcess {
    /// What tells it from all others: its name, or the process that waits for its times, as a script may be
    /// started with several schedules.
    #[must_use]
    pub fn key(&self) -> String {
        let of = self.live.first().filter(|_| !self.is_declared);
        of.map_or_else(|| self.name.clone(), |id| id.0.clone())
    }
}

/// The answer to `GET /api/declared`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeclaredList {
    /// By name.
    pub processes: Vec<DeclaredProcess>,
}

/// Slots for jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// How many jobs run at the same time.
    pub slots: u32,
    /// How many run now.
    pub used: u32,
    /// How many wait.
    pub waiting: u32,
    /// Nothing is started from it until it is resumed.
    pub is_paused: bool,
}

/// The answer to `GET /api/pools`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PoolList {
    /// By name.
    pub pools: Vec<Pool>,
}

/// What became of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

/// One difference between the file and what is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigChange {
    /// `process.api`, `pools`.
    pub name: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// The lines that go (`-`) and come (`+`).
    pub lines: Vec<String>,
}

/// What reading the file again would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigDiff {
    /// Empty: nothing.
    pub changes: Vec<ConfigChange>,
    /// Sections that changed, and count only after a restart of Runyard.
    pub needs_restart: Vec<String>,
    /// Names these changes: a reload that gives it is refused when the file changed meanwhile.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_script_may_have_several_schedules() {
        let one = |is_declared, id: &str| DeclaredProcess {
            name: "build".into(),
            is_declared,
            project: "site".into(),
            kind: ProcessType::ShortLived,
            autostart: false,
            replicas: 1,
            depends_on: vec![],
            schedule: Some("0 3 * * *".into()),
            timezone: None,
            next_times: vec![],
            live: vec![ProcessId(id.into())],
        };
        assert_eq!([one(true, "a"), one(true, "b")].map(|it| it.key()), ["build", "build"]);
        assert_eq!([one(false, "a"), one(false, "b")].map(|it| it.key()), ["a", "b"]);
    }
}
