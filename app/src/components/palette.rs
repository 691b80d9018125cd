//! The command palette (Ctrl-K): every act and every place, found by typing a part of its name.

use leptos::prelude::*;
use leptos::{ev, html};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast as _;

use super::Starter;
use super::act::act;
use super::command::{Buttons, Deed, NARROWING, find_buttons, find_commands};
use super::shortcuts::{click, fill, press};
use crate::api::signal_process;
use crate::later::{palette, shown};
use crate::live::{Request, RequestSlot, use_live};
use crate::model::{Catalogue, Me, Problem};
use crate::text::markup::push_escaped;

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

    let buttons = RwSignal::new(Buttons::default());
    // Until the server says so, nobody is.
    let is_admin = RwSignal::new(false);
    let asked = RequestSlot::new();

    let commands = Memo::new(move |_| {
        if !is_open.get() {
            return vec![];
        }
        let (text, buttons) = (text.read(), buttons.read());
        let find = |scripts: &Catalogue| {
            find_commands(&text, &buttons, is_admin.get(), scripts, live.processes)
        };
        catalogue.with(|loaded| match loaded {
            Some(Ok(scripts)) => find(scripts),
            _ => find(&Catalogue::default()),
        })
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
        buttons.set(find_buttons());
        is_open.set(true);
        if let Some(dialog) = dialog.get_untracked() {
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    };
    let run = move |at: usize| {
        let command = commands.read_untracked().get(at).cloned();
        close();
        match command.map(|command| command.deed) {
            Some(Deed::Go(url)) => navigate.with_value(|go| go(&url, Default::default())),
            Some(Deed::Leave(url)) => {
                // Fails only for what is no address.
                let _ = window().location().assign(url);
            }
            Some(Deed::Start(project, name)) => starter.start_plain(project, name),
            Some(Deed::Do(id, what)) => {
                leptos::task::spawn_local(async move { act(live, id, what).await });
            }
            Some(Deed::Click(testid)) => click(&testid),
            Some(Deed::Press(testid)) => press(&testid),
            Some(Deed::Signal(id, signal)) => leptos::task::spawn_local(async move {
                if let Err(problem) = signal_process(id, signal.to_owned()).await {
                    live.alerts.report(&problem);
                }
            }),
            Some(Deed::Fill(testid, text)) => fill(testid, &text),
            Some(Deed::Clear) => NARROWING.iter().for_each(|testid| fill(testid, "")),
            None => {}
        }
    };
    Effect::new(move |_| {
        opened.track();
        open();
    });
    Effect::new(move |_| {
        asked.put(Request::get_json("/api/me", move |me: Result<Me, Problem>| {
            is_admin.try_set(me.is_ok_and(|me| me.is_admin()));
        }));
    });
    let list = NodeRef::<html::Ul>::new();
    let step = move |by: isize, last: usize| {
        place.update(|place| *place = place.saturating_add_signed(by).min(last));
        // Once the rows are drawn anew.
        request_animation_frame(move || {
            let list = list.try_get_untracked().flatten();
            let chosen = list.and_then(|list| list.query_selector("[aria-selected=true]").ok()?);
            if let Some(chosen) = chosen {
                let nearest = web_sys::ScrollIntoViewOptions::new();
                nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
                chosen.scroll_into_view_with_scroll_into_view_options(&nearest);
            }
        });
    };
    let keys = move |event: web_sys::KeyboardEvent| {
        let last = commands.read_untracked().len().saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => step(1, last),
            "ArrowUp" => step(-1, last),
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
            // Told late: it may be open again.
            on:close=move |_| is_open.set(dialog.get_untracked().is_some_and(|dialog| dialog.open()))
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
                node_ref=list
                inner_html=rows
                on:click=clicked
            ></ul>
            {move || commands.read().is_empty().then(|| view! { <p class="empty">"Nothing has this name."</p> })}
        </dialog>
    }
    .into_any()
}
