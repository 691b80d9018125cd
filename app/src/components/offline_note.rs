//! Says below the bar, in words, that the server does not answer, and since when.

use leptos::prelude::*;

use crate::live::{Link, use_live};

/// The note; nothing while the server answers, or is only asked again.
#[component]
pub(crate) fn OfflineNote() -> impl IntoView {
    let live = use_live();
    // When it was there the last time.
    let lost_at = StoredValue::new(None::<i64>);
    let is_offline = Memo::new(move |_| {
        let link = live.link.get();
        if link == Link::Live {
            lost_at.set_value(None);
        } else if lost_at.with_value(Option::is_none) {
            lost_at.set_value(Some(live.clock.now_untracked()));
        }
        link.as_str() == "offline"
    });
    move || {
        let at = is_offline.get().then(|| lost_at.get_value()).flatten()?;
        let time = live.clock.time_of_day(at);
        let time = time.get(..8).unwrap_or_default().to_owned();
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
