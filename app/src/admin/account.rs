//! One's own account: the password, and signing out elsewhere.

use leptos::prelude::*;

use super::frame::{Frame, document};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct AccountPage {
    /// Around it.
    pub frame: Frame,
    /// Whether a person asks, who has a password here; not a token.
    pub is_person: bool,
}

/// The page of `/account`.
#[must_use]
pub fn render_account(page: AccountPage) -> String {
    let AccountPage { frame, is_person } = page;
    let has_password = frame.me.has_password;
    let current = has_password.then(|| {
        view! {
            <label class="field">
                <span>"Present password"</span>
                <input
                    type="password"
                    name="current"
                    required
                    autocomplete="current-password"
                    data-testid="password-current"
                />
            </label>
        }
    });
    let words = if has_password {
        "Your other sessions end when you change it."
    } else {
        "You came in by a link and have no password yet. Set one to sign in from anywhere."
    };
    let role = frame.me.role.clone();
    let name = frame.me.name.clone();
    let content = view! {
        <p>"You are "<b>{name.clone()}</b>", with the role "<b>{role}</b>"."</p>
        {is_person.then(|| view! {
            <section>
                <h2>"Password"</h2>
                <p>{words}</p>
                <form method="post" action="/account/password">
                    // For password managers, which keep it by the name.
                    <input type="hidden" name="username" value=name autocomplete="username"/>
                    {current}
                    <label class="field">
                        <span>"New password, 12 characters or more"</span>
                        <input
                            type="password"
                            name="new"
                            required
                            minlength="12"
                            autocomplete="new-password"
                            data-testid="password-new"
                        />
                    </label>
                    <button class="button primary" data-testid="password-submit">
                        "Change password"
                    </button>
                </form>
            </section>
            <section>
                <h2>"Other browsers"</h2>
                <p>"Ends every session of yours but this one, with its open pages."</p>
                <form method="post" action="/account/sign-out">
                    <button class="button danger" data-testid="sign-out-elsewhere">
                        "Sign out everywhere else"
                    </button>
                </form>
            </section>
        })}
    };
    document(frame, "Account", content.into_any())
}
