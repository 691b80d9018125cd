//! An act that was refused to a browser without scripts.

use leptos::prelude::*;

use super::frame::{Frame, document};

/// The refusal, which the frame shows, and the way `back`.
#[must_use]
pub fn render_refused(frame: Frame, back: &str) -> String {
    let back = back.to_owned();
    document(frame, "Not done", view! { <p><a href=back>"Back"</a></p> }.into_any())
}
