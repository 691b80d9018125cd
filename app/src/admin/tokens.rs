//! Tokens for programs.

use leptos::prelude::*;

use super::frame::{Frame, document};
use super::table_region::table_region;
use super::time::utc;
use crate::model::Token;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct TokensPage {
    /// Around it.
    pub frame: Frame,
    /// Newest first.
    pub tokens: Vec<Token>,
    /// The roles that a new one may have.
    pub roles: Vec<String>,
    /// The token that was just made: shown this once.
    pub made: Option<String>,
    /// Milliseconds since the epoch.
    pub now_ms: i64,
}

/// Days that a new token may be good for.
const DAYS: [u32; 5] = [1, 7, 30, 90, 365];

/// The page of `/tokens`.
#[must_use]
pub fn render_tokens(page: TokensPage) -> String {
    let TokensPage { frame, tokens, roles, made, now_ms } = page;
    let made = made.map(|token| {
        view! {
            <section class="made" data-testid="token-made">
                <p>"This is the token. Copy it now: it is not kept, and is not shown again."</p>
                <code class="secret" data-testid="token-text">{token}</code>
            </section>
        }
    });
    let own = frame.me.role.clone();
    let roles = roles.into_iter().map(|role| {
        let is_own = role == own;
        let value = role.clone();
        view! { <option value=value selected=is_own>{role}</option> }
    });
    let days = DAYS.map(|days| {
        let words = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        view! { <option value=days selected={days == 30}>{words}</option> }
    });
    let rows = tokens.into_iter().map(|token| row(token, now_ms)).collect_view();
    let content = view! {
        {made}
        <form method="post" action="/tokens" class="inline-form">
            <label class="field">
                <span>"Name"</span>
                <input name="name" required maxlength="100" data-testid="token-name"/>
            </label>
            <label class="field">
                <span>"Role"</span>
                <select name="role" data-testid="token-role">{roles.collect_view()}</select>
            </label>
            <label class="field">
                <span>"Only (rules, one a line)"</span>
                <textarea
                    name="scope"
                    rows="1"
                    placeholder="start on site/test"
                    data-testid="token-scope"
                ></textarea>
            </label>
            <label class="field">
                <span>"Good for"</span>
                <select name="days">{days.into_iter().collect_view()}</select>
            </label>
            <button class="button primary" data-testid="token-create">"Make a token"</button>
        </form>
        {table_region("Tokens", view! { <table class="table" data-testid="tokens">
                <thead>
                    <tr>
                        <th>"Name"</th><th>"Role"</th><th>"Only"</th><th>"Made by"</th>
                        <th>"Last used"</th><th>"Ends"</th><td></td>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table> })}
    };
    document(frame, "Tokens", content.into_any())
}

fn row(token: Token, now_ms: i64) -> impl IntoView {
    let action = format!("/tokens/{}/revoke", token.id);
    let state = match token.revoked_at {
        Some(at) => view! { <td>"taken back "{utc(at)}</td> }.into_any(),
        None if token.expires_at <= now_ms => view! { <td>"has ended"</td> }.into_any(),
        None => view! {
            <td>
                <form method="post" action=action>
                    <button class="button danger" data-testid="token-revoke">"Take back"</button>
                </form>
            </td>
        }
        .into_any(),
    };
    let name = token.name.clone();
    view! {
        <tr data-testid="token-row" data-name=name>
            <td data-label="Name">{token.name}</td>
            <td data-label="Role">{token.role}</td>
            <td data-label="Only" class="wide">{token.scope.join("; ")}</td>
            <td data-label="Made by">{token.user.unwrap_or_else(|| "the command line".to_owned())}</td>
            <td data-label="Last used">{token.last_used_at.map_or_else(|| "never".to_owned(), utc)}</td>
            <td data-label="Ends">{utc(token.expires_at)}</td>
            {state}
        </tr>
    }
}
