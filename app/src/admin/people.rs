//! Who may come in, and with which role.

use leptos::prelude::*;

use super::frame::{Frame, document};
use super::table_region::table_region;
use super::time::utc;
use crate::model::{RoleInfo, User};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct PeoplePage {
    /// Around it.
    pub frame: Frame,
    /// By name.
    pub users: Vec<User>,
    /// By name.
    pub roles: Vec<RoleInfo>,
}

/// The page of `/people`.
#[must_use]
pub fn render_people(page: PeoplePage) -> String {
    let PeoplePage { frame, users, roles } = page;
    let own = frame.me.name.clone();
    let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    let rows = users.into_iter().map(|user| row(user, &names, &own).into_any()).collect_view();
    let about_roles = roles.into_iter().map(|role| {
        view! {
            <dt>{role.name}</dt>
            {role.rules.into_iter().map(|rule| view! { <dd><code>{rule}</code></dd> }).collect_view()}
        }
    });
    let content = view! {
        <form method="post" action="/people" class="inline-form">
            <label class="field">
                <span>"Name"</span>
                <input
                    name="name"
                    required
                    maxlength="100"
                    autocomplete="off"
                    data-testid="user-name"
                />
            </label>
            <label class="field">
                <span>"Role"</span>
                <select name="role" data-testid="user-role">{options(&names, "viewer")}</select>
            </label>
            <label class="field">
                <span>"First password, 12 characters or more"</span>
                <input
                    type="password"
                    name="password"
                    required
                    minlength="12"
                    autocomplete="new-password"
                    data-testid="user-password"
                />
            </label>
            <button class="button primary" data-testid="user-create">"Add"</button>
        </form>
        {table_region("People", view! { <table class="table" data-testid="people">
                <thead>
                    <tr>
                        <th>"Name"</th><th>"Role"</th><th>"Known by"</th><th>"Sessions"</th>
                        <th>"Added"</th><td></td>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table> })}
        <section>
            <h2>"Roles"</h2>
            <p>"They stand in runyard.toml, under [roles]."</p>
            <dl class="roles">{about_roles.collect_view()}</dl>
        </section>
    };
    document(frame, "People", content.into_any())
}

fn options(roles: &[String], chosen: &str) -> impl IntoView + use<> {
    let option = |role: &String| {
        let is_chosen = role == chosen;
        view! { <option value=role.clone() selected=is_chosen>{role.clone()}</option> }
    };
    roles.iter().map(option).collect_view()
}

fn row(user: User, roles: &[String], own: &str) -> impl IntoView + use<> {
    let action = format!("/people/{}", user.id);
    let is_oneself = user.name == own;
    let keep = if user.is_disabled { "let-in" } else { "keep-out" };
    let keep_words = if user.is_disabled { "Let in" } else { "Keep out" };
    let known_by = match (user.source.as_str(), user.has_password) {
        ("local", true) => "password".to_owned(),
        ("local", false) => "link".to_owned(),
        (issuer, _) => issuer.to_owned(),
    };
    let role = if is_oneself {
        view! { {user.role.clone()} }.into_any()
    } else {
        view! {
            <form method="post" action=action.clone()>
                <select name="role" aria-label="Role">{options(roles, &user.role)}</select>
                <button class="button" name="act" value="role">"Change"</button>
            </form>
        }
        .into_any()
    };
    let acts = (!is_oneself).then(|| {
        view! {
            <form method="post" action=action.clone() class="acts">
                <input
                    type="password"
                    name="password"
                    aria-label="Another password"
                    placeholder="Another password"
                    minlength="12"
                    autocomplete="new-password"
                />
                <button class="button" name="act" value="password">"Set"</button>
                <button class="button" name="act" value=keep data-testid="user-keep" formnovalidate>
                    {keep_words}
                </button>
                <button
                    class="button danger"
                    name="act"
                    value="delete"
                    data-testid="user-delete"
                    formnovalidate
                >
                    "Remove"
                </button>
            </form>
        }
    });
    let out = user.is_disabled.then(|| view! { <span class="badge">"kept out"</span> });
    let name = user.name.clone();
    view! {
        <tr data-testid="user-row" data-name=name>
            <td data-label="Name">{user.name}" "{out}</td>
            <td data-label="Role">{role}</td>
            <td data-label="Known by">{known_by}</td>
            <td data-label="Sessions">{user.sessions}</td>
            <td data-label="Added">{utc(user.created_at)}" by "{user.created_by}</td>
            <td>{acts}</td>
        </tr>
    }
}
