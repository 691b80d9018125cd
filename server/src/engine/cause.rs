//! Who or what started an attempt.

use app::model::CauseKind;

/// Who or what started an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What kind.
    pub kind: CauseKind,
    /// A name: of the person, the token, the process that needs it, the file, how it ended before.
    pub by: String,
}

impl Cause {
    /// A cause.
    #[must_use]
    pub fn new(kind: CauseKind, by: impl Into<String>) -> Self {
        Self { kind, by: by.into() }
    }

    /// Runyard itself, which takes up what it left.
    pub(super) fn recovery() -> Self {
        Self::new(CauseKind::Recovery, "runyard, after its own restart")
    }

    /// In words: `started by admin`.
    #[must_use]
    pub fn words(&self) -> String {
        let by = &self.by;
        match self.kind {
            CauseKind::Person | CauseKind::Token | CauseKind::Recovery => {
                format!("started by {by}")
            }
            CauseKind::Schedule => format!("started by its schedule, {by}"),
            CauseKind::Retry => format!("tried again: {by}"),
            CauseKind::Restart => format!("restarted: {by}"),
            CauseKind::Watch => format!("restarted: {by} changed"),
            CauseKind::Dependency => format!("started for {by}"),
            CauseKind::Autostart => "started together with runyard".to_owned(),
        }
    }
}
