//! The frame of the signed-in pages: what can be started and what was, beside the page itself.

use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_query_map};

use crate::api::{get_user_name, list_processes, list_scripts};
use crate::components::{
    AlertList, CatalogueList, OfflineNote, Palette, ProcessList, Sparks, StartDialog, Starter, Tip,
    TipBox, TopBar,
};
use crate::later::{declared_panel, shown};
use crate::live::Live;
use crate::model::ProcessId;

/// As many come at once at most, as far as anybody waits for them.
const NEWEST: u32 = 20;

/// List at the left, page at the right; on a phone one of them.
#[component]
pub(crate) fn Layout() -> impl IntoView {
    let live = Live::provide();
    Starter::provide();
    Sparks::provide();
    Tip::provide();
    Effect::new(move |_| live.start());

    let user = Resource::new(|| (), |()| async { get_user_name().await.ok() });
    let catalogue = Resource::new(|| (), |()| list_scripts());
    // A page further down is asked for by those without scripts.
    let older = use_query_map().read_untracked().get("older");
    let first_page = Resource::new(|| (), move |()| list_processes(None, None, older.clone()));

    // Only the browser asks for what is declared, so only there it has a place.
    let is_declared = RwSignal::new(false);
    Effect::new(move |_| {
        catalogue.with(|catalogue| {
            if let Some(Ok(catalogue)) = catalogue {
                is_declared.update(|is_declared| *is_declared |= catalogue.has_declared);
            }
        });
    });

    // What came with a schedule since the catalogue was asked for is among the newest.
    Effect::new(move |_| {
        live.processes.track_turns();
        let mut left = NEWEST;
        live.processes.look_through(|process| {
            if process.schedule.is_some() {
                is_declared.set(true);
            }
            left -= 1;
            left > 0
        });
    });

    let path = use_location().pathname;
    let selected = Memo::new(move |_| {
        let path = path.read();
        let id = path.strip_prefix("/processes/")?.split('/').next()?;
        Some(ProcessId(id.to_owned()))
    });
    let view = move || if path.read().len() > 1 { "detail" } else { "list" };
    view! {
        <div class="shell" data-view=view>
            <TopBar user/>
            <OfflineNote/>
            <aside class="side" aria-label="Scripts and processes">
                <details class="catalogue" open>
                    <summary><h2>"Scripts"</h2></summary>
                    <Suspense fallback=|| view! { <p class="empty">"Loading…"</p> }>
                        {move || Suspend::new(async move {
                            match catalogue.await {
                                Ok(catalogue) => view! { <CatalogueList catalogue/> }.into_any(),
                                Err(problem) => view! {
                                    <p class="inline-alert" role="alert">{problem.detail}</p>
                                }.into_any(),
                            }
                        })}
                    </Suspense>
                </details>
                {move || is_declared.get().then(|| Suspend::new(async {
                    shown(declared_panel().await)
                }))}
                <ProcessList first_page selected/>
            </aside>
            <main class="main"><Outlet/></main>
            <StartDialog catalogue/>
            <Palette catalogue/>
            <AlertList/>
            <TipBox/>
        </div>
    }
    .into_any()
}
