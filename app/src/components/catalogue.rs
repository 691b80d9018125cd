//! What can be started, by project, with a button that starts it at once.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

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
    // One project needs no headline of its own.
    let is_named = projects.len() > 1;
    let count: usize = projects.iter().map(|project| project.scripts.len()).sum();
    let none = (count == 0).then(|| {
        view! { <p class="empty">"No project has a script that can be started."</p> }
    });
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
                on:input:target=move |event| show_found(&event.target().value())
            />
        }
    });
    let all = projects.into_iter().map(|project| view! { <ProjectScripts project is_named/> });
    view! {
        {field}
        {none}
        {all.collect_view()}
    }
    .into_any()
}

/// Shows the scripts that have every word of `needle`, and hides the others. They are many and never
/// change, so none of them has to know of it.
fn show_found(needle: &str) {
    let words: Vec<String> = needle.split_whitespace().map(str::to_lowercase).collect();
    let Ok(all) = document().query_selector_all(".script") else { return };
    for at in 0..all.length() {
        let script = all.item(at).and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(script) = script {
            let text = script.text_content().unwrap_or_default().to_lowercase();
            script.set_hidden(!words.iter().all(|word| text.contains(word.as_str())));
        }
    }
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
    let (label, full_name) = (format!("Start {name}"), name.clone());
    let label_args = format!("args… of {name}: start it with arguments");
    let key = StoredValue::new((project, name.clone()));
    view! {
        <li
            class="script"
            data-testid="script-row"
            data-script=data_script
            data-project=data_project
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
