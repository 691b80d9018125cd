//! Where one lands without a session.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::{Icon, IconName, ThemeButton};

/// The provider where people can sign in, as they know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInWith(pub String);

/// How to get in. `?refused=` says what did not work: a link, a password, or too many tries.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let query = use_query_map();
    let refused = move || {
        let query = query.read();
        if query.get("left").is_some() {
            return Some(alert(
                "You are signed out here. The provider could not be asked: there you may still be \
                 signed in."
                    .to_owned(),
            ));
        }
        let words = match query.get("refused")?.as_str() {
            "password" => "The name or the password is wrong.".to_owned(),
            "wait" => {
                let wait_s: u32 = query.get("s").and_then(|s| s.parse().ok()).unwrap_or(1);
                format!("Too many tries. Try again in {wait_s} s.")
            }
            "state" => {
                "This sign-in took too long, was finished before, or began in another browser. \
                 Try again."
                    .to_owned()
            }
            "provider" => "The sign-in was refused. Try again.".to_owned(),
            "unavailable" => "The sign-in cannot be reached at the moment. Try again.".to_owned(),
            "role" => {
                "You are known, but none of your groups has a role here. Ask an admin.".to_owned()
            }
            "out" => "Your account is kept out. Ask an admin.".to_owned(),
            _ => "This link was used already, or it is too old. Each link works once.".to_owned(),
        };
        Some(alert(words))
    };
    // Only the server knows it. What is there stays as it came when the browser takes the page over,
    // so the shape must be the same without it.
    let provider = use_context::<Option<SignInWith>>().flatten();
    let has_none = provider.is_none();
    let words = provider.map(|SignInWith(label)| format!("Sign in with {label}"));
    let provider = view! {
        <p hidden=has_none>
            <a class="button primary" href="/sign-in/oidc" rel="external" data-testid="sign-in-provider">
                {words.unwrap_or_default()}
            </a>
        </p>
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
            {provider}
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

fn alert(words: String) -> AnyView {
    view! { <p class="inline-alert" role="alert" data-testid="alert">{words}</p> }.into_any()
}
