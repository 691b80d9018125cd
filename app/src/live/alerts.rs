//! What went wrong, shown until it is dismissed or old.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::Problem;

/// How many are shown at once; older ones give way.
const MAX_SHOWN: usize = 3;
const SHOWN_FOR: Duration = Duration::from_secs(12);

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    /// Unique and rising.
    pub(crate) key: u32,
    /// The server's words.
    pub(crate) text: String,
}

/// The messages on screen, oldest first. A handle: copies are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alerts {
    shown: RwSignal<Vec<Alert>>,
    next: StoredValue<u32>,
}

impl Alerts {
    pub(super) fn new() -> Self {
        Self { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    /// The messages on screen.
    pub(crate) fn shown(self) -> Vec<Alert> {
        self.shown.get()
    }

    /// Shows a problem in the server's words. Without a session nothing else can be done than to
    /// sign in again, so that page is opened.
    pub(crate) fn report(self, problem: &Problem) {
        if problem.status == 401 {
            // Refused only by a page that is being left already.
            let _ = window().location().set_href("/sign-in");
        } else {
            self.say(problem.detail.clone());
        }
    }

    /// Shows a text. For the browser: a timer takes it away again.
    pub(crate) fn say(self, text: String) {
        let key = self.next.try_update_value(|next| {
            *next = next.wrapping_add(1);
            *next
        });
        let Some(key) = key else { return };
        self.shown.update(|shown| {
            shown.retain(|alert| alert.text != text);
            shown.push(Alert { key, text });
            let over = shown.len().saturating_sub(MAX_SHOWN);
            shown.drain(..over);
        });
        set_timeout(move || self.dismiss(key), SHOWN_FOR);
    }

    /// Takes a message away.
    pub(crate) fn dismiss(self, key: u32) {
        self.shown.try_update(|shown| shown.retain(|alert| alert.key != key));
    }
}
