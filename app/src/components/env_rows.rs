//! Environment variables as rows of name and value.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{Icon, IconName};

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnvPair {
    key: usize,
    name: RwSignal<String>,
    value: RwSignal<String>,
}

impl EnvPair {
    /// An empty row to come after `rows`, or instead of them: its key is new, so that what is
    /// shown of an old row does not stand for it.
    pub(super) fn after(rows: &[Self]) -> Self {
        let key = rows.last().map_or(0, |row| row.key + 1);
        Self { key, name: RwSignal::default(), value: RwSignal::default() }
    }
}

/// The variables of the rows that have a name.
///
/// # Errors
/// What is wrong with a row, in words.
pub(super) fn collect_env(rows: &[EnvPair]) -> Result<BTreeMap<String, String>, String> {
    rows_to_env(rows.iter().map(|row| (row.name.get_untracked(), row.value.get_untracked())))
}

fn rows_to_env(
    rows: impl Iterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, String> {
    let mut env = BTreeMap::new();
    for (name, value) in rows {
        let name = name.trim().to_owned();
        if name.is_empty() {
            if value.is_empty() {
                continue;
            }
            return Err(format!("the value {value:?} has no name"));
        }
        if name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(format!(
                "{name:?} cannot be a name: letters, digits and _ can, and no digit first"
            ));
        }
        if env.contains_key(&name) {
            return Err(format!("{name} is given twice"));
        }
        env.insert(name, value);
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
    let row = move |EnvPair { key, name, value }: EnvPair| {
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
                    type="text"
                    class="mono"
                    data-testid="start-env-value"
                    aria-label="Value"
                    placeholder="value"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    prop:value=move || value.get()
                    on:input:target=move |event| value.set(event.target().value())
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
        let rows = rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        rows_to_env(rows).map(|env| env.len())
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
}
