//! Every process, newest first, with search as you type.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use super::process_row::ProcessRow;
use crate::api::list_processes;
use crate::live::use_live;
use crate::model::{Problem, ProcessId, ProcessList as Page};

/// How long typing has to pause before the server is asked for what is not loaded here.
const TYPING_PAUSE: Duration = Duration::from_millis(250);

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
    let query = RwSignal::new(String::new());
    search_older(query);
    view! {
        <section class="processes" aria-label="Processes">
            <div class="section-head">
                <h2>"Processes"</h2>
                <input
                    type="search"
                    data-testid="search"
                    placeholder="Search script, project, args, id, status"
                    aria-label="Search processes"
                    autocomplete="off"
                    spellcheck="false"
                    on:input:target=move |event| query.set(event.target().value())
                />
            </div>
            <Suspense fallback=|| view! { <p class="empty">"Loading…"</p> }>
                {move || Suspend::new(async move {
                    match first_page.await {
                        Ok(page) => {
                            live.processes.add_page(page);
                            view! { <Rows query selected/> }.into_any()
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
fn Rows(query: RwSignal<String>, selected: Signal<Option<ProcessId>>) -> impl IntoView {
    let live = use_live();
    let shown = Memo::new(move |_| live.processes.ids(&query.read()));
    let row = move |id: ProcessId| {
        live.processes.get(&id).map(|process| view! { <ProcessRow process selected/> })
    };
    let empty = move || {
        shown.read().is_empty().then(|| {
            let words = if query.read().trim().is_empty() {
                "Nothing was started yet. Start a script and it appears here."
            } else {
                "No process fits this search."
            };
            view! { <p class="empty">{words}</p> }
        })
    };
    let load_older = move |cursor: String| {
        leptos::task::spawn_local(async move {
            match list_processes(None, Some(cursor)).await {
                Ok(page) => live.processes.add_page(page),
                Err(problem) => live.alerts.report(&problem),
            }
        });
    };
    let older = move || {
        live.processes.older().map(|cursor| {
            let load = move |_| load_older(cursor.clone());
            view! {
                <button type="button" class="button quiet wide" on:click=load>
                    "Load older processes"
                </button>
            }
        })
    };
    view! {
        <ul class="rows" data-testid="process-list">
            <For each=move || shown.get() key=ProcessId::clone children=row/>
        </ul>
        {empty}
        {older}
    }
    .into_any()
}

/// Asks the server for matches among the processes that are not loaded, once typing pauses.
fn search_older(query: RwSignal<String>) {
    let live = use_live();
    let pending = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let q = query.get();
        if let Some(timer) = pending.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        if q.trim().is_empty() || live.processes.older().is_none() {
            return;
        }
        let ask = move || {
            leptos::task::spawn_local(async move {
                match list_processes(Some(q), None).await {
                    Ok(found) => live.processes.add_found(found.processes),
                    Err(problem) => live.alerts.report(&problem),
                }
            });
        };
        pending.set_value(set_timeout_with_handle(ask, TYPING_PAUSE).ok());
    });
}
