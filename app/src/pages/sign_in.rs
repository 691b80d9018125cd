//! Where one lands without a session.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::{Icon, IconName, ThemeButton};

/// How to get in. `?refused=1`: a link was followed and did not work.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let query = use_query_map();
    let refused = move || {
        query.read().get("refused").is_some().then(|| {
            view! {
                <p class="inline-alert" role="alert" data-testid="alert">
                    "This link was used already, or it is too old. Each link works once."
                </p>
            }
        })
    };
    view! {
        <Title text="Sign in · Runyard"/>
        <main class="plain" data-testid="sign-in">
            <div class="plain-head">
                <span class="brand"><Icon name=IconName::Prompt/>"Runyard"</span>
                <span class="spacer"></span>
                <ThemeButton/>
            </div>
            <h1>"Sign in"</h1>
            {refused}
            <p>"Runyard printed a link in its terminal when it started. Open it in this browser."</p>
            <p>"The link works once. Restart Runyard to get a new one; your processes go on meanwhile."</p>
        </main>
    }
    .into_any()
}
