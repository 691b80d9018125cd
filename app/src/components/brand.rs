//! The name in the bar, which leads to the list of all processes.

use leptos::prelude::*;

use super::{Icon, IconName};

/// The link.
#[component]
pub(crate) fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/" aria-label="Runyard, all processes">
            <Icon name=IconName::Prompt/>
            <span>"Runyard"</span>
        </a>
    }
    .into_any()
}
