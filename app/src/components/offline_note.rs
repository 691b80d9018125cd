//! Says below the bar, in words, that the server does not answer, and since when.

use leptos::prelude::*;

use crate::live::{Link, use_live};

/// The note; nothing while the server answers, or is only asked again.
#[component]
pub(crate) fn OfflineNote() -> impl IntoView {
    let live = use_live();
    // When it was there the last time; nothing while it is.
    let lost_at = Memo::new(move |before: Option<&Option<i64>>| match live.link.get() {
        Link::Live => None,
        _ => before.copied().flatten().or_else(|| Some(live.clock.now_untracked())),
    });
    let is_offline = Memo::new(move |_| live.link.get().as_str() == "offline");
    move || {
        let at = lost_at.get().filter(|_| is_offline.get())?;
        let time = live.clock.time(at);
        Some(view! {
            <p class="offline-note" role="status" data-testid="offline-note">
                "The server does not answer: this is how things were at "{time}
                ". What runs goes on without it. "
                <button type="button" class="button quiet" on:click=move |_| live.retry()>
                    "Try now"
                </button>
            </p>
        })
    }
}
