//! What went wrong, in the corner of the page.

use leptos::prelude::*;

use super::{Icon, IconName};
use crate::live::{Alert, use_live};

/// The messages on screen; screen readers say them as they come.
#[component]
pub(crate) fn AlertList() -> impl IntoView {
    let alerts = use_live().alerts;
    let row = move |Alert { key, text }: Alert| {
        view! {
            <li class="alert" role="alert" data-testid="alert">
                <span>{text}</span>
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Dismiss"
                    on:click=move |_| alerts.dismiss(key)
                >
                    <Icon name=IconName::Close/>
                </button>
            </li>
        }
    };
    view! {
        <ul class="alerts" aria-live="assertive">
            {move || alerts.shown().into_iter().map(row).collect_view()}
        </ul>
    }
    .into_any()
}
