//! What can be started, by project, with a button that starts it at once.

use leptos::prelude::*;

use super::{Icon, IconName, Starter};
use crate::model::{Catalogue, Project, Script};

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
    projects
        .into_iter()
        .map(|project| view! { <ProjectScripts project is_named/> })
        .collect_view()
        .into_any()
}

#[component]
fn ProjectScripts(project: Project, is_named: bool) -> impl IntoView {
    let Project { name, path, runner, scripts, problem } = project;
    let head = is_named.then(|| {
        view! {
            <h3 class="project" title=format!("{path}, run with {runner}")>{name}</h3>
        }
    });
    let problem = problem.map(|problem| view! { <p class="inline-alert">{problem}</p> });
    let rows = scripts.into_iter().map(|script| view! { <ScriptRow script/> }).collect_view();
    view! {
        {head}
        {problem}
        <ul class="scripts">{rows}</ul>
    }
    .into_any()
}

#[component]
fn ScriptRow(script: Script) -> impl IntoView {
    let starter = Starter::expect();
    let Script { project, name, command, can_start, .. } = script;
    let (data_script, data_project) = (name.clone(), project.clone());
    let (form_script, form_project) = (name.clone(), project.clone());
    let title = command.clone();
    let label = format!("Start {name}");
    let label_args = format!("args… of {name}: start it with arguments");
    let key = StoredValue::new((project, name.clone()));
    view! {
        <li
            class="script"
            data-testid="script-row"
            data-script=data_script
            data-project=data_project
        >
            <span class="script-name">{name}</span>
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
