//! The start page: the list, and on a wide screen a hint beside it.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::{Icon, IconName};

/// What to do first.
#[component]
pub(crate) fn Home() -> impl IntoView {
    view! {
        <Title text="Processes · Runyard"/>
        <div class="welcome">
            <Icon name=IconName::Prompt/>
            <h1>"Choose a process to see its log"</h1>
            <p>
                "Start a script with "<span class="key"><Icon name=IconName::Play/></span>
                ", or with arguments and environment from its “args…”. Every line it writes is kept."
            </p>
        </div>
    }
}
