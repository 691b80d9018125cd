//! The form of the start dialog.

use leptos::prelude::*;

use super::Starter;
use super::arg_fields::{ArgFields, args_of};
use super::env_rows::{EnvPair, EnvRows, collect_env};
use crate::model::{Catalogue, Project, Script, StartRequest};
use crate::text::args::split_args;

/// What `<option>` carries for a script.
fn value_of(project: &str, script: &str) -> String {
    format!("{project}:{script}")
}

/// Script, arguments, environment, and the button that starts.
#[component]
pub(crate) fn StartForm(
    /// What can be started.
    catalogue: Catalogue,
) -> impl IntoView {
    let starter = Starter::expect();
    let scripts: Vec<Script> = catalogue
        .projects
        .iter()
        .flat_map(|project| project.scripts.clone())
        .filter(|script| script.can_start)
        .collect();
    let first = scripts.first().map(|script| value_of(&script.project, &script.name));
    let scripts = StoredValue::new(scripts);
    let chosen = RwSignal::new(first.unwrap_or_default());
    let args = RwSignal::new(String::new());
    let filled_in = RwSignal::new(Vec::new());
    let env = RwSignal::new(vec![EnvPair::after(&[])]);
    let refusal = RwSignal::new(None::<String>);

    Effect::new(move |_| {
        if let Some((project, script)) = starter.asked() {
            chosen.set(value_of(&project, &script));
        }
        args.set(String::new());
        env.update(|rows| *rows = vec![EnvPair::after(rows)]);
        refusal.set(None);
    });

    let script = move || {
        let chosen = chosen.read();
        scripts.with_value(|scripts| {
            scripts
                .iter()
                .find(|script| value_of(&script.project, &script.name) == *chosen)
                .cloned()
        })
    };
    let request = move || -> Result<StartRequest, String> {
        let Script { project, name, args: specs, .. } = script().ok_or("choose a script")?;
        let args = match specs {
            Some(specs) => args_of(&specs, &filled_in.read_untracked()),
            None => split_args(&args.read_untracked()).map_err(|error| error.to_string())?,
        };
        let env = collect_env(&env.read_untracked())?;
        Ok(StartRequest {
            script_name: name,
            project: Some(project),
            args,
            env: env.values,
            secret_env: env.secret,
            ..StartRequest::default()
        })
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        refusal.set(None);
        match untrack(request) {
            Ok(request) => starter.start(request, move |problem| {
                if problem.status == 401 {
                    starter.report(&problem);
                }
                refusal.set(Some(problem.detail));
            }),
            Err(words) => refusal.set(Some(words)),
        }
    };
    view! {
        <form on:submit=submit>
            <label class="field">
                <span>"Script"</span>
                <select
                    data-testid="start-script"
                    prop:value=move || chosen.get()
                    on:change:target=move |event| chosen.set(event.target().value())
                >
                    {catalogue.projects.into_iter().map(script_group).collect_view()}
                </select>
            </label>
            <code class="command">{move || script().map(|script| script.command)}</code>
            {move || match script().and_then(|script| script.args) {
                Some(specs) => {
                    filled_in.set(vec![String::new(); specs.len()]);
                    view! { <ArgFields specs values=filled_in/> }.into_any()
                }
                None => view! { <FreeArgs args/> }.into_any(),
            }}
            <EnvRows env/>
            {move || {
                refusal.get().map(|words| {
                    view! { <p class="inline-alert" role="alert" data-testid="alert">{words}</p> }
                })
            }}
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| starter.close()>
                    "Cancel"
                </button>
                <button
                    type="submit"
                    class="button primary"
                    data-testid="start-submit"
                    disabled=move || starter.is_busy()
                >
                    {move || if starter.is_busy() { "Starting…" } else { "Start" }}
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn script_group(project: Project) -> impl IntoView {
    let startable = project.scripts.into_iter().filter(|script| script.can_start);
    let options = startable.map(|script| {
        let value = value_of(&script.project, &script.name);
        view! { <option value=value>{script.name}</option> }
    });
    view! { <optgroup label=project.name>{options.collect_view()}</optgroup> }
}

/// Any arguments, as one types them.
#[component]
fn FreeArgs(args: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="field">
            <span>"Arguments"</span>
            <input
                type="text"
                class="mono"
                data-testid="start-args"
                placeholder="--port 4000 'two words'"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                prop:value=move || args.get()
                on:input:target=move |event| args.set(event.target().value())
            />
        </label>
        <ArgsPreview args/>
    }
    .into_any()
}

/// The arguments one by one, as they will be given.
#[component]
fn ArgsPreview(args: RwSignal<String>) -> impl IntoView {
    let chips = move || match split_args(&args.read()) {
        Ok(args) if args.is_empty() => ().into_any(),
        Ok(args) => {
            let chips = args.into_iter().map(|arg| view! { <code class="chip">{arg}</code> });
            view! { <p class="chips" aria-label="Arguments as given">{chips.collect_view()}</p> }
                .into_any()
        }
        Err(error) => view! { <p class="hint">{error.to_string()}</p> }.into_any(),
    };
    view! { <div aria-live="polite">{chips}</div> }.into_any()
}
