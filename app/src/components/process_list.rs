//! Every process, newest first or by project, with search as you type. Only the rows in sight are
//! drawn, so that thousands cost no more than a screenful.

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use super::list_window::{InSight, Item, cut_out, items_of};
use super::needle_field::Typing;
use super::process_row::ProcessRow;
use crate::api::list_processes;
use crate::later::{bulk_bar, shown};
use crate::live::{SizeWatch, use_live};
use crate::model::{Problem, ProcessId, ProcessList as Page};
use crate::text::filter::{Query, percent_encode};

/// The processes that were chosen, to do something to all of them.
pub(crate) type Chosen = RwSignal<Vec<ProcessId>>;

/// The list, begun with the first page.
#[component]
pub(crate) fn ProcessList(
    /// Loads the newest processes.
    first_page: Resource<Result<Page, Problem>>,
    /// The process on screen.
    #[prop(into)]
    selected: Signal<Option<ProcessId>>,
) -> impl IntoView {
    let live = use_live();
    let params = use_query_map();
    // On the page of the log search, `q` is that one's.
    let is_mine = use_location().pathname.get_untracked() != "/search";
    let asked = params.read_untracked().get("q").filter(|_| is_mine);
    let asked = asked.unwrap_or_default();
    // The search goes over all processes, and without scripts there is nobody to ask later.
    let cursor = params.read_untracked().get("older");
    let search = Query::parse(&asked);
    let found = Resource::new(
        || (),
        move |()| {
            let (search, cursor) = (search.clone(), cursor.clone());
            async move {
                if search.is_empty() {
                    return Ok(Page::default());
                }
                list_processes(search.word(), search.status(), cursor).await
            }
        },
    );
    let query = RwSignal::new(asked);
    let is_grouped = RwSignal::new(false);
    search_older(query);
    let typed = move |text: String| {
        keep_in_address(&text);
        query.set(text);
    };
    view! {
        <section class="processes" aria-label="Processes">
            <form class="section-head" role="search" aria-label="Processes" action="/" on:submit=|event| event.prevent_default()>
                <div class="section-title">
                    <h2>"Processes"</h2>
                    <button
                        type="button"
                        class="button quiet"
                        data-testid="group"
                        aria-pressed=move || is_grouped.get().to_string()
                        on:click=move |_| is_grouped.update(|is| *is = !*is)
                    >
                        "By project"
                    </button>
                </div>
                <input
                    type="search"
                    name="q"
                    data-testid="search"
                    data-shortcut="/"
                    placeholder="Search, or status:failed project:web"
                    aria-label="Search processes"
                    autocomplete="off"
                    spellcheck="false"
                    value=query.get_untracked()
                    on:input:target=move |event| typed(event.target().value())
                />
            </form>
            <Suspense fallback=|| view! { <p class="empty">"Loading…"</p> }>
                {move || Suspend::new(async move {
                    let found = found.await;
                    match first_page.await.and_then(|page| Ok((page, found?))) {
                        Ok((page, found)) => {
                            let text = query.get_untracked();
                            let behind = if Query::parse(&text).is_empty() { &page } else { &found };
                            let older = older_href(behind.next_cursor.as_deref(), &text);
                            live.processes.add_page(page);
                            live.processes.add_found(found.processes);
                            view! { <Rows query is_grouped selected older/> }.into_any()
                        }
                        Err(problem) => {
                            view! { <p class="inline-alert" role="alert">{problem.detail}</p> }.into_any()
                        }
                    }
                })}
            </Suspense>
        </section>
    }
    .into_any()
}

#[component]
fn Rows(
    query: RwSignal<String>,
    is_grouped: RwSignal<bool>,
    selected: Signal<Option<ProcessId>>,
    older: Option<String>,
) -> impl IntoView {
    let live = use_live();
    let chosen: Chosen = RwSignal::default();
    let is_choosing = Memo::new(move |_| !chosen.read().is_empty());
    let scroller = NodeRef::<html::Div>::new();
    // How far it is scrolled and how high it is; nothing on the server, which draws all it has.
    let view = RwSignal::new(None::<(i32, i32)>);
    let measure = move || {
        if let Some(scroller) = scroller.try_get_untracked().flatten() {
            view.try_set(Some((scroller.scroll_top(), scroller.client_height())));
        }
    };
    Effect::new(move |_| {
        if let Some(scroller) = scroller.get() {
            StoredValue::new_local(SizeWatch::new(&scroller, measure));
        }
    });
    let items = Memo::new(move |_| {
        items_of(live.processes, &Query::parse(&query.read()), is_grouped.get())
    });
    let in_sight = Memo::new(move |_| items.with(|items| cut_out(items, view.get())));
    let loading = StoredValue::new(false);
    Effect::new(move |_| {
        if in_sight.read().is_end && view.read().is_some() {
            load_older(loading);
        }
    });
    let row = move |item: Item| match item {
        Item::Project(name) => view! { <li class="group">{name}</li> }.into_any(),
        Item::Process(id) => live
            .processes
            .get(&id)
            .map(|process| view! { <ProcessRow process selected chosen/> })
            .into_any(),
    };
    let empty = move || {
        items.read().is_empty().then(|| {
            let words = if query.read().trim().is_empty() {
                "Nothing was started yet. Start a script and it appears here."
            } else {
                "No process fits this search."
            };
            view! { <p class="empty">{words}</p> }
        })
    };
    let px = move |of: fn(&InSight) -> i32| {
        move || view.read().map(|_| format!("{}px", of(&in_sight.read())))
    };
    view! {
        <div class="rows-scroll" node_ref=scroller on:scroll=move |_| measure()>
            <ul
                class="rows"
                data-testid="process-list"
                style:padding-top=px(|sight| sight.top_px)
                style:height=px(|sight| sight.height_px)
            >
                <For each=move || in_sight.read().items.clone() key=Item::clone children=row/>
            </ul>
            {empty}
            // Scrolling brings them; without scripts it is a link.
            {older.map(|href| view! {
                <p class="older-page"><a href=href data-testid="older-processes">"Older processes"</a></p>
            })}
        </div>
        {move || is_choosing.get().then(|| Suspend::new(async move {
            shown(bulk_bar(chosen).await)
        }))}
    }
    .into_any()
}

/// Where the next page of the list is; `older` is a cursor, which is an id.
fn older_href(older: Option<&str>, query: &str) -> Option<String> {
    let word = percent_encode(query);
    older.map(|older| format!("/?q={word}&older={older}"))
}

/// Loads the next page, unless one is under way.
fn load_older(loading: StoredValue<bool>) {
    let live = use_live();
    let Some(cursor) = live.processes.older() else { return };
    if loading.try_update_value(|loading| std::mem::replace(loading, true)) != Some(false) {
        return;
    }
    leptos::task::spawn_local(async move {
        let page = list_processes(None, None, Some(cursor)).await;
        // Before what follows from the page asks for the next one.
        loading.try_set_value(false);
        match page {
            Ok(page) => live.processes.add_page(page),
            Err(problem) => live.alerts.report(&problem),
        }
    });
}

/// The address names the search, so that it can be sent to somebody.
fn keep_in_address(text: &str) {
    let path = window().location().pathname().unwrap_or_default();
    if path == "/search" {
        return;
    }
    let query = if text.trim().is_empty() {
        String::new()
    } else {
        format!("?q={}", String::from(js_sys::encode_uri_component(text)))
    };
    let _ = window().history().map(|history| {
        let url = format!("{path}{query}");
        history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url))
    });
}

/// Asks the server for matches among the processes that are not loaded, once typing pauses.
fn search_older(text: RwSignal<String>) {
    let live = use_live();
    let typing = Typing::new();
    Effect::new(move |_| {
        let query = Query::parse(&text.read());
        typing.goes_on();
        if query.is_empty() || live.processes.older().is_none() {
            return;
        }
        let ask = move || {
            leptos::task::spawn_local(async move {
                match list_processes(query.word(), query.status(), None).await {
                    Ok(found) => live.processes.add_found(found.processes),
                    Err(problem) => live.alerts.report(&problem),
                }
            });
        };
        typing.pauses(ask);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_that_of_the_same_search() {
        let href = older_href(Some("0190-a"), "status:failed a&b");
        assert_eq!(href.as_deref(), Some("/?q=status%3Afailed%20a%26b&older=0190-a"));
        assert_eq!(older_href(None, "x"), None);
    }
}
