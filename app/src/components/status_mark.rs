//! A status by shape and colour. The word is always beside it, so neither is needed to read it.

use leptos::prelude::*;

use crate::model::{Process, Status};

/// The status in one or two words.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::BackingOff => "backing off",
        other => other.as_str(),
    }
}

/// The status of a process in one or two words.
pub(crate) fn process_word(process: &Process) -> &'static str {
    match process.status {
        // It rests between its times, and has not failed.
        Status::BackingOff if process.schedule.is_some() => "scheduled",
        status => status_word(status),
    }
}

fn path(status: Status) -> &'static str {
    match status {
        // Three dots: in the queue.
        Status::Queued => "M3 8h.01M8 8h.01M13 8h.01",
        // An hourglass.
        Status::Waiting => "M4 3h8L4 13h8z",
        // A ring with a gap.
        Status::Starting => "M8 3a5 5 0 1 1-5 5",
        // A disc.
        Status::Running => "M8 4.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6z",
        // An open square.
        Status::Stopping => "M4 4h8v8H4z",
        // An arrow around.
        Status::BackingOff => "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
        // A filled square.
        Status::Stopped => "M5 5h6v6H5z",
        // A tick.
        Status::Completed => "m3 8.5 3.2 3.2L13 5",
        // A cross.
        Status::Failed => "m4 4 8 8m0-8-8 8",
        // A question mark.
        Status::Lost => "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.6 8 9 8 10m0 2.8v.01",
    }
}

/// The mark of a status that may change.
#[component]
pub(crate) fn StatusMark(
    /// The status now.
    status: impl Fn() -> Status + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let is_filled = move || matches!(status(), Status::Running | Status::Stopped);
    view! {
        <svg
            class="mark"
            class:filled=is_filled
            data-status=move || status().as_str()
            viewBox="0 0 16 16"
            aria-hidden="true"
        >
            <path d=move || path(status())></path>
        </svg>
    }
    .into_any()
}
