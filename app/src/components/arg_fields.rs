//! The arguments of a script that says which it takes, as a form.

use leptos::prelude::*;

use crate::model::{ArgKind, ArgSpec};

/// One field for each argument; `values` has what was filled in, in the order of `specs`.
#[component]
pub(super) fn ArgFields(
    /// What the script takes.
    specs: Vec<ArgSpec>,
    /// What was filled in.
    values: RwSignal<Vec<String>>,
) -> impl IntoView {
    let fields = specs.into_iter().enumerate().map(|(place, spec)| {
        let set = move |value: String| {
            values.update(|values| {
                if let Some(held) = values.get_mut(place) {
                    *held = value;
                }
            });
        };
        let ArgSpec { name, kind, is_required, choices, pattern } = spec;
        let testid = format!("arg-{name}");
        let input = match kind {
            ArgKind::Switch => view! {
                <input
                    type="checkbox"
                    data-testid=testid
                    on:change:target=move |event| {
                        set(if event.target().checked() { "on".to_owned() } else { String::new() });
                    }
                />
            }
            .into_any(),
            ArgKind::Choice => {
                let options = choices.into_iter().map(|choice| {
                    let value = choice.clone();
                    view! { <option value=value>{choice}</option> }
                });
                view! {
                    <select
                        data-testid=testid
                        required=is_required
                        on:change:target=move |event| set(event.target().value())
                    >
                        <option value="">"choose"</option>
                        {options.collect_view()}
                    </select>
                }
                .into_any()
            }
            ArgKind::Text | ArgKind::Number | ArgKind::Pattern | ArgKind::Secret => view! {
                <input
                    class="mono"
                    type=if kind == ArgKind::Secret { "password" } else { "text" }
                    data-testid=testid
                    required=is_required
                    inputmode=(kind == ArgKind::Number).then_some("decimal")
                    title=pattern.clone()
                    pattern=pattern
                    autocomplete=if kind == ArgKind::Secret { "new-password" } else { "off" }
                    on:input:target=move |event| set(event.target().value())
                />
            }
            .into_any(),
        };
        view! { <label class="field"><span>{name}</span>{input}</label> }.into_any()
    });
    fields.collect_view().into_any()
}

/// The arguments that a filled-in form stands for. An empty field is one that was left out.
pub(super) fn args_of(specs: &[ArgSpec], values: &[String]) -> Vec<String> {
    let filled = specs.iter().zip(values).filter(|(_, value)| !value.is_empty());
    filled
        .flat_map(|(spec, value)| match spec.kind {
            ArgKind::Switch => vec![spec.name.clone()],
            _ if spec.name.starts_with("--") => vec![spec.name.clone(), value.clone()],
            _ => vec![value.clone()],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_the_arguments_that_were_filled_in() {
        let spec = |name: &str, kind| ArgSpec {
            name: name.into(),
            kind,
            is_required: false,
            choices: vec![],
            pattern: None,
        };
        let specs = [
            spec("target", ArgKind::Text),
            spec("--tag", ArgKind::Text),
            spec("--dry-run", ArgKind::Switch),
            spec("--quiet", ArgKind::Switch),
        ];
        let values = ["two words", "v1", "on", ""].map(str::to_owned);
        assert_eq!(args_of(&specs, &values), ["two words", "--tag", "v1", "--dry-run"]);
        assert!(args_of(&specs, &vec![String::new(); 4]).is_empty());
    }
}
