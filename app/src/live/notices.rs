//! What ended while nobody looked: while the page was hidden, closed, or cut off from the server.

use leptos::ev;
use leptos::prelude::*;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::clock::now_ms;
use crate::model::{Process, ProcessId, Status};

/// How many are kept; older ones give way.
const MOST: usize = 50;
/// Where the browser remembers when the page was looked at last.
const SEEN_KEY: &str = "runyard-seen";
/// Where it remembers that it is to tell of notices itself.
const BROWSER_KEY: &str = "runyard-notify";
/// Somebody looks: nothing ends unseen.
const PRESENT: i64 = i64::MAX;

/// One process that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Which.
    pub(crate) id: ProcessId,
    /// Its script.
    pub(crate) script: String,
    /// How it ended.
    pub(crate) status: Status,
    /// Why.
    pub(crate) reason: String,
    /// When, in milliseconds since the epoch.
    pub(crate) at: i64,
}

/// The notices, newest first. A handle: copies are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notices {
    shown: RwSignal<Vec<Notice>>,
    /// Until when somebody looked.
    seen: StoredValue<i64>,
    /// Whether the browser tells of them, too.
    is_loud: RwSignal<bool>,
}

impl Notices {
    pub(super) fn new() -> Self {
        Self {
            shown: RwSignal::new(Vec::new()),
            seen: StoredValue::new(PRESENT),
            is_loud: RwSignal::new(false),
        }
    }

    /// Begins to watch whether somebody looks. For effects.
    pub(super) fn start(self) {
        let stored = |key| storage().and_then(|storage| storage.get_item(key).ok().flatten());
        self.is_loud.set(stored(BROWSER_KEY).is_some() && is_granted());
        // On a first visit nothing was missed.
        let seen = stored(SEEN_KEY).and_then(|at| at.parse().ok());
        self.seen.set_value(seen.unwrap_or_else(now_ms));
        let watch = window_event_listener(ev::visibilitychange, move |_| {
            if document().hidden() { self.leave() } else { self.come_back() }
        });
        on_cleanup(move || watch.remove());
    }

    /// What ends from now on is not seen.
    pub(super) fn leave(self) {
        if self.seen.get_value() == PRESENT {
            let now = now_ms();
            self.seen.set_value(now);
            // A browser that keeps nothing tells of nothing that ended while the page was closed.
            let _ = storage().map(|storage| storage.set_item(SEEN_KEY, &now.to_string()));
        }
    }

    /// Somebody looks, at what is up to date.
    pub(super) fn come_back(self) {
        if !document().hidden() {
            self.seen.set_value(PRESENT);
        }
    }

    /// Takes a process as it is now.
    pub(super) fn look_at(self, process: &Process) {
        let Some(at) = ended_unseen(process, self.seen.get_value()) else { return };
        let Process { id, script, status, reason, .. } = process.clone();
        let notice = Notice { id, script, status, reason, at };
        if self.shown.with_untracked(|shown| shown.contains(&notice)) {
            return;
        }
        if self.is_loud.get_untracked() && document().hidden() {
            tell(&notice);
        }
        self.shown.update(|shown| {
            shown.insert(0, notice);
            shown.truncate(MOST);
        });
    }

    /// Newest first.
    pub(crate) fn shown(self) -> Vec<Notice> {
        self.shown.get()
    }

    /// They were read.
    pub(crate) fn clear(self) {
        self.shown.update(Vec::clear);
    }

    /// Whether the browser tells of them, too.
    pub(crate) fn is_loud(self) -> bool {
        self.is_loud.get()
    }

    /// Has the browser tell of them, if its owner lets it, or not any more.
    pub(crate) fn set_loud(self, is_wanted: bool) {
        self.is_loud.set(is_wanted);
        let storage = storage();
        if !is_wanted {
            let _ = storage.map(|storage| storage.remove_item(BROWSER_KEY));
            return;
        }
        leptos::task::spawn_local(async move {
            let Ok(asked) = Notification::request_permission() else { return };
            // It is looked up below what was answered.
            let _ = wasm_bindgen_futures::JsFuture::from(asked).await;
            self.is_loud.try_set(is_granted());
            if is_granted() {
                let _ = storage.map(|storage| storage.set_item(BROWSER_KEY, "on"));
            }
        });
    }
}

/// When it ended, if nobody looked then.
fn ended_unseen(process: &Process, seen: i64) -> Option<i64> {
    let at = process.ended_at.filter(|_| process.status.is_ended())?;
    (at > seen).then_some(at)
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn is_granted() -> bool {
    Notification::permission() == NotificationPermission::Granted
}

fn tell(notice: &Notice) {
    let options = NotificationOptions::new();
    options.set_body(&notice.reason);
    // One for each process: a newer one takes its place.
    options.set_tag(notice.id.as_str());
    let title = format!("{} {}", notice.script, notice.status.as_str());
    // Refused where the system has no place for them; the list has it.
    let _ = Notification::new_with_options(&title, &options);
}

#[cfg(test)]
mod tests {
    use super::super::sample_process;
    use super::*;

    #[test]
    fn only_what_ended_after_the_last_look_was_missed() {
        let ended = |status, at| Process { ended_at: Some(at), ..sample_process("a", status) };
        assert_eq!(ended_unseen(&ended(Status::Failed, 11), 10), Some(11));
        assert_eq!(ended_unseen(&ended(Status::Failed, 10), 10), None);
        assert_eq!(ended_unseen(&ended(Status::Failed, 11), PRESENT), None);
        // It ended, and runs again.
        assert_eq!(ended_unseen(&ended(Status::Running, 11), 10), None);
        assert_eq!(ended_unseen(&sample_process("a", Status::Lost), 10), None);
    }
}
