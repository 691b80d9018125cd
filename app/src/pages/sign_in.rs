//! Where one lands without a session.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::{Icon, IconName, ThemeButton};

/// How to get in. `?refused=` says what did not work: a link, a password, or too many tries.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let query = use_query_map();
    let refused = move || {
        let query = query.read();
        let words = match query.get("refused")?.as_str() {
            "password" => "The name or the password is wrong.".to_owned(),
            "wait" => {
                let wait_s: u32 = query.get("s").and_then(|s| s.parse().ok()).unwrap_or(1);
                format!("Too many tries. Try again in {wait_s} s.")
            }
            _ => "This link was used already, or it is too old. Each link works once.".to_owned(),
        };
        Some(view! { <p class="inline-alert" role="alert" data-testid="alert">{words}</p> })
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
            // A form of the browser's own: it works before, and without, any script.
            <form method="post" action="/sign-in">
                <label class="field">
                    <span>"Name"</span>
                    <input name="name" required autocomplete="username" autocapitalize="off"/>
                </label>
                <label class="field">
                    <span>"Password"</span>
                    <input
                        type="password"
                        name="password"
                        required
                        autocomplete="current-password"
                    />
                </label>
                <button class="button primary" data-testid="sign-in-submit">"Sign in"</button>
            </form>
            <p>
                "Or open the link that Runyard printed in its terminal when it started. It works once;
                restart Runyard to get a new one. Your processes go on meanwhile."
            </p>
        </main>
    }
    .into_any()
}
