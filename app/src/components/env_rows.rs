//! Environment variables as rows of name and value.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::check_field::CheckField;
use super::{Icon, IconName};

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnvPair {
    key: usize,
    name: RwSignal<String>,
    value: RwSignal<String>,
    is_secret: RwSignal<bool>,
}

/// What the rows say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Env {
    /// Every variable.
    pub(super) values: BTreeMap<String, String>,
    /// Those whose values are to be shown nowhere.
    pub(super) secret: Vec<String>,
}

impl EnvPair {
    /// An empty row to come after `rows`, or instead of them: its key is new, so that what is
    /// shown of an old row does not stand for it.
    pub(super) fn after(rows: &[Self]) -> Self {
        let key = rows.last().map_or(0, |row| row.key + 1);
        Self {
            key,
            name: RwSignal::default(),
            value: RwSignal::default(),
            is_secret: RwSignal::default(),
        }
    }
}

/// The variables of the rows that have a name.
///
/// # Errors
/// What is wrong with a row, in words.
pub(super) fn collect_env(rows: &[EnvPair]) -> Result<Env, String> {
    rows_to_env(rows.iter().map(|row| {
        (row.name.get_untracked(), row.value.get_untracked(), row.is_secret.get_untracked())
    }))
}

fn rows_to_env(rows: impl Iterator<Item = (String, String, bool)>) -> Result<Env, String> {
    let mut env = Env::default();
    for (name, value, is_secret) in rows {
        let name = name.trim().to_owned();
        if name.is_empty() {
            if value.is_empty() {
                continue;
            }
            return Err(match is_secret {
                true => "a secret has no name".to_owned(),
                false => format!("the value {value:?} has no name"),
            });
        }
        if name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(format!(
                "{name:?} cannot be a name: letters, digits and _ can, and no digit first"
            ));
        }
        if env.values.contains_key(&name) {
            return Err(format!("{name} is given twice"));
        }
        if is_secret {
            env.secret.push(name.clone());
        }
        env.values.insert(name, value);
    }
    Ok(env)
}

/// The rows, with buttons to add and remove one.
#[component]
pub(super) fn EnvRows(
    /// The rows.
    env: RwSignal<Vec<EnvPair>>,
) -> impl IntoView {
    let add = move |_| {
        env.update(|rows| rows.push(EnvPair::after(rows)));
    };
    let row = move |EnvPair { key, name, value, is_secret }: EnvPair| {
        let remove = move |_| env.update(|rows| rows.retain(|row| row.key != key));
        view! {
            <div class="env-row">
                <input
                    type="text"
                    class="mono"
                    data-testid="start-env-name"
                    aria-label="Name"
                    placeholder="NAME"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    prop:value=move || name.get()
                    on:input:target=move |event| name.set(event.target().value())
                />
                <span aria-hidden="true">"="</span>
                <input
                    type=move || if is_secret.get() { "password" } else { "text" }
                    class="mono"
                    data-testid="start-env-value"
                    aria-label="Value"
                    placeholder="value"
                    autocomplete=move || if is_secret.get() { "new-password" } else { "off" }
                    autocapitalize="off"
                    spellcheck="false"
                    prop:value=move || value.get()
                    on:input:target=move |event| value.set(event.target().value())
                />
                <CheckField
                    testid="start-env-secret"
                    words="secret"
                    title="Shown nowhere: not in the log, nor in the audit"
                    is_on=is_secret
                    set=move |is_on| is_secret.set(is_on)
                />
                <button type="button" class="icon-button" aria-label="Remove" on:click=remove>
                    <Icon name=IconName::Close/>
                </button>
            </div>
        }
    };
    view! {
        <fieldset class="field">
            <legend>"Environment"</legend>
            {move || env.get().into_iter().map(row).collect_view()}
            <button type="button" class="button quiet" on:click=add>
                <Icon name=IconName::Plus/>
                <span>"Variable"</span>
            </button>
        </fieldset>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::rows_to_env;

    fn collect(rows: &[(&str, &str)]) -> Result<usize, String> {
        let rows =
            rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned(), false));
        rows_to_env(rows).map(|env| env.values.len())
    }

    #[test]
    fn empty_rows_are_passed_over() {
        assert_eq!(collect(&[("", ""), (" PORT ", "1"), ("", "")]), Ok(1));
        assert_eq!(collect(&[("EMPTY", "")]), Ok(1));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (rows, words) in [
            (&[("", "1")][..], "has no name"),
            (&[("A B", "1")], "cannot be a name"),
            (&[("1A", "1")], "no digit first"),
            (&[("A", "1"), ("A", "2")], "A is given twice"),
        ] {
            assert!(collect(rows).unwrap_err().contains(words), "{rows:?}");
        }
    }

    #[test]
    fn secrets_are_named_and_never_quoted() {
        let row =
            |name: &str, value: &str, is_secret| (name.to_owned(), value.to_owned(), is_secret);
        let env = rows_to_env([row(" A ", "1", true), row("B", "2", false)].into_iter()).unwrap();
        assert_eq!((env.values.len(), env.secret), (2, vec!["A".to_owned()]));
        let refused = rows_to_env([row("", "hunter2", true)].into_iter()).unwrap_err();
        assert_eq!(refused, "a secret has no name");
    }
}
