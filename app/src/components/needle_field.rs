//! What the boxes share in which people search: typing is waited for, and the switch to expressions.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use crate::live::Needle;

/// How long typing has to pause.
const TYPING_PAUSE: Duration = Duration::from_millis(200);

/// What waits for a pause in the typing. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Typing(StoredValue<Option<TimeoutHandle>>);

impl Typing {
    /// Nothing waits.
    pub(crate) fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// Does it once typing pauses, and what waited before not at all. For the browser.
    pub(crate) fn pauses(self, work: impl FnOnce() + 'static) {
        self.goes_on();
        self.0.set_value(set_timeout_with_handle(work, TYPING_PAUSE).ok());
    }

    /// What waits is not done.
    pub(crate) fn goes_on(self) {
        if let Some(timer) = self.0.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }
}

/// Makes a needle a regular expression, or a text again.
#[component]
pub(crate) fn RegexToggle(
    /// What is searched for.
    needle: RwSignal<Needle>,
    /// Told of a change.
    changed: Callback<()>,
    /// Of the button.
    testid: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button toggle"
            aria-label="Regular expression"
            title="Regular expression"
            data-testid=testid
            aria-pressed=move || needle.read().is_regex.to_string()
            on:click=move |_| {
                needle.update(|needle| needle.is_regex = !needle.is_regex);
                changed.run(());
            }
        >
            ".*"
        </button>
    }
    .into_any()
}
