//! What can be started, by project, with a button that starts it at once.

use leptos::prelude::*;

use super::{Icon, IconName, Starter};
use crate::model::{Catalogue, Project, Script};

/// So many scripts are found by looking.
const MANY: usize = 12;

/// Every project with its scripts.
#[component]
pub(crate) fn CatalogueList(
    /// What the server found.
    catalogue: Catalogue,
) -> impl IntoView {
    let projects = catalogue.projects;
    if projects.is_empty() {
        return view! { <p class="empty">"No project has a script that can be started."</p> }
            .into_any();
    }
    // One project needs no headline of its own.
    let is_named = projects.len() > 1;
    let count: usize = projects.iter().map(|project| project.scripts.len()).sum();
    let needle = RwSignal::new(String::new());
    let field = (count > MANY).then(|| {
        view! {
            <input
                type="search"
                class="script-filter"
                data-testid="script-filter"
                placeholder=format!("Find one of {count} scripts")
                aria-label="Find a script"
                autocomplete="off"
                spellcheck="false"
                on:input:target=move |event| needle.set(event.target().value().trim().to_lowercase())
            />
        }
    });
    let all =
        projects.into_iter().map(|project| view! { <ProjectScripts project is_named needle/> });
    view! {
        {field}
        {all.collect_view()}
    }
    .into_any()
}

#[component]
fn ProjectScripts(project: Project, is_named: bool, needle: RwSignal<String>) -> impl IntoView {
    let Project { name, path, runner, scripts, problem } = project;
    let head = is_named.then(|| {
        view! {
            <h3 class="project" title=format!("{path}, run with {runner}")>{name}</h3>
        }
    });
    let problem = problem.map(|problem| view! { <p class="inline-alert">{problem}</p> });
    let rows =
        scripts.into_iter().map(|script| view! { <ScriptRow script needle/> }).collect_view();
    view! {
        {head}
        {problem}
        <ul class="scripts">{rows}</ul>
    }
    .into_any()
}

#[component]
fn ScriptRow(script: Script, needle: RwSignal<String>) -> impl IntoView {
    let starter = Starter::expect();
    let Script { project, name, command, can_start, .. } = script;
    let all = StoredValue::new(format!("{name} {command} {project}").to_lowercase());
    let is_hidden = move || {
        let needle = needle.read();
        all.with_value(|all| !needle.split_whitespace().all(|word| all.contains(word)))
    };
    let (data_script, data_project) = (name.clone(), project.clone());
    let (form_script, form_project) = (name.clone(), project.clone());
    let title = command.clone();
    let (label, full_name) = (format!("Start {name}"), name.clone());
    let label_args = format!("args… of {name}: start it with arguments");
    let key = StoredValue::new((project, name.clone()));
    view! {
        <li
            class="script"
            data-testid="script-row"
            data-script=data_script
            data-project=data_project
            hidden=is_hidden
        >
            <span class="script-name" title=full_name>{name}</span>
            <code class="script-command" title=title>{command}</code>
            <button
                type="button"
                class="button quiet"
                aria-label=label_args
                disabled=!can_start
                on:click=move |_| starter.open(Some(key.get_value()))
            >
                "args…"
            </button>
            // A form, so that it works without scripts.
            <form
                method="post"
                action="/start"
                on:submit=move |event| {
                    event.prevent_default();
                    let (project, name) = key.get_value();
                    starter.start_plain(project, name);
                }
            >
                <input type="hidden" name="project" value=form_project/>
                <input type="hidden" name="script" value=form_script/>
                <button
                    class="icon-button accent"
                    data-testid="script-start"
                    aria-label=label.clone()
                    title=label
                    disabled=move || !can_start || starter.is_busy()
                >
                    <Icon name=IconName::Play/>
                </button>
            </form>
        </li>
    }
    .into_any()
}
