//! The command palette (Ctrl-K): every act and every place, found by typing a part of its name.

use leptos::prelude::*;
use leptos::{ev, html};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast as _;

use super::shortcuts::click;
use super::{Starter, status_word};
use crate::later::{palette, shown};
use crate::live::use_live;
use crate::model::{Catalogue, Problem};
use crate::text::filter::Query;
use crate::text::markup::push_escaped;

/// How many are shown.
const SHOWN: usize = 12;

/// What choosing an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    /// Opens a page.
    Go(String),
    /// Starts a script: its project and its name.
    Start(String, String),
    /// Does what a button on the page does.
    Click(&'static str),
}

/// An entry: words, what stands beside them, what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Command {
    words: String,
    note: String,
    act: Act,
}

/// What can be done with a button that is on the page.
const BUTTONS: [(&str, &str); 6] = [
    ("Stop this process", "stop"),
    ("Restart this process", "restart"),
    ("Follow this log", "follow"),
    ("Change the theme", "theme"),
    ("Show the keys", "help"),
    ("Start with arguments", "start-open"),
];

/// Waits for Ctrl-K; the dialog itself comes when it is opened for the first time.
#[component]
pub(crate) fn Palette(
    /// Loads what can be started.
    catalogue: Resource<Result<Catalogue, Problem>>,
) -> impl IntoView {
    let opened = Trigger::new();
    let is_wanted = RwSignal::new(false);
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                event.prevent_default();
                if is_wanted.get_untracked() {
                    opened.notify();
                }
                is_wanted.maybe_update(|is_wanted| !std::mem::replace(is_wanted, true));
            }
        });
        on_cleanup(move || keys.remove());
    });
    move || {
        is_wanted
            .get()
            .then(|| Suspend::new(async move { shown(palette(catalogue, opened).await) }))
    }
}

/// The dialog.
#[component]
pub(crate) fn PaletteDialog(
    /// Loads what can be started.
    catalogue: Resource<Result<Catalogue, Problem>>,
    /// Tells of every opening but the first, with which this comes.
    opened: Trigger,
) -> impl IntoView {
    let live = use_live();
    let starter = Starter::expect();
    let navigate = StoredValue::new(use_navigate());
    let dialog = NodeRef::<html::Dialog>::new();
    let text = RwSignal::new(String::new());
    let place = RwSignal::new(0_usize);
    let is_open = RwSignal::new(false);

    let commands = Memo::new(move |_| {
        if !is_open.get() {
            return vec![];
        }
        let mut commands = places();
        let is_there = |testid: &str| {
            document()
                .query_selector(&format!("[data-testid={testid}]:not([disabled])"))
                .ok()
                .flatten()
        };
        for (words, testid) in BUTTONS {
            if is_there(testid).is_some() {
                commands.push(Command {
                    words: words.to_owned(),
                    note: String::new(),
                    act: Act::Click(testid),
                });
            }
        }
        let scripts = catalogue.get().and_then(Result::ok).unwrap_or_default();
        for script in scripts.projects.into_iter().flat_map(|project| project.scripts) {
            commands.push(Command {
                words: format!("Start {}", script.name),
                note: script.project.clone(),
                act: Act::Start(script.project, script.name),
            });
        }
        let query = text.read();
        let words: Vec<String> = query.split_whitespace().map(str::to_ascii_lowercase).collect();
        let fits = |command: &Command| {
            let all = format!("{} {}", command.words, command.note).to_ascii_lowercase();
            words.iter().all(|word| all.contains(word.as_str()))
        };
        commands.retain(fits);
        let found = live.processes.found(&Query::parse(&query));
        let room = SHOWN.saturating_sub(commands.len());
        for (id, project) in found.into_iter().take(room) {
            let Some(process) = live.processes.get(&id) else { continue };
            let words = process.with_untracked(|process| {
                format!("{}: {}", process.script, status_word(process.status))
            });
            let note = format!("{project} {}", id.short());
            commands.push(Command { words, note, act: Act::Go(format!("/processes/{id}")) });
        }
        commands.truncate(SHOWN);
        commands
    });
    let close = move || {
        is_open.set(false);
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let open = move || {
        text.set(String::new());
        place.set(0);
        is_open.set(true);
        if let Some(dialog) = dialog.get_untracked() {
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    };
    let run = move |at: usize| {
        let command = commands.read_untracked().get(at).cloned();
        close();
        match command.map(|command| command.act) {
            Some(Act::Go(url)) => navigate.with_value(|go| go(&url, Default::default())),
            Some(Act::Start(project, name)) => starter.start_plain(project, name),
            Some(Act::Click(testid)) => click(testid),
            None => {}
        }
    };
    Effect::new(move |_| {
        opened.track();
        open();
    });
    let keys = move |event: web_sys::KeyboardEvent| {
        let last = commands.read_untracked().len().saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => place.update(|place| *place = (*place + 1).min(last)),
            "ArrowUp" => place.update(|place| *place = place.saturating_sub(1)),
            "Enter" => run(place.get_untracked()),
            _ => return,
        }
        event.prevent_default();
    };
    let clicked = move |event: web_sys::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let item = target.and_then(|target| target.closest("[data-at]").ok().flatten());
        if let Some(at) = item.and_then(|item| item.get_attribute("data-at")?.parse().ok()) {
            run(at);
        }
    };
    let rows = move || {
        let chosen = place.get();
        let mut html = String::new();
        for (at, command) in commands.read().iter().enumerate() {
            html.push_str(&format!(
                "<li id=\"command-{at}\" role=\"option\" data-at=\"{at}\" aria-selected=\"{}\"><span>",
                at == chosen
            ));
            push_escaped(&mut html, &command.words);
            html.push_str("</span><small>");
            push_escaped(&mut html, &command.note);
            html.push_str("</small></li>");
        }
        html
    };
    view! {
        <dialog
            class="dialog palette"
            data-testid="palette"
            aria-label="Acts and places"
            node_ref=dialog
            on:close=move |_| is_open.set(false)
            on:keydown=keys
        >
            <input
                type="text"
                role="combobox"
                data-testid="palette-input"
                aria-label="Find an act or a place"
                aria-controls="commands"
                aria-expanded="true"
                aria-activedescendant=move || format!("command-{}", place.get())
                placeholder="Start, stop, go to …"
                autocomplete="off"
                spellcheck="false"
                prop:value=move || text.get()
                on:input:target=move |event| {
                    place.set(0);
                    text.set(event.target().value());
                }
            />
            <ul
                id="commands"
                role="listbox"
                aria-label="Acts and places"
                inner_html=rows
                on:click=clicked
            ></ul>
        </dialog>
    }
    .into_any()
}

fn places() -> Vec<Command> {
    let place = |words: &str, url: &str| Command {
        words: words.to_owned(),
        note: String::new(),
        act: Act::Go(url.to_owned()),
    };
    vec![place("Overview", "/"), place("Search all logs", "/search")]
}
