//! The way back to the list, on a screen that has room for one of the two.

use leptos::prelude::*;

use super::{Icon, IconName};

/// The link; the style sheet hides it where the list is in sight.
#[component]
pub(crate) fn BackLink() -> impl IntoView {
    view! {
        <a class="back" href="/">
            <Icon name=IconName::Back/>
            <span>"Processes"</span>
        </a>
    }
}
