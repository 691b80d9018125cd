//! The log viewer: the newest lines of a process, following its end.

use std::sync::Arc;

use leptos::prelude::*;

use super::log_line::view_row;
use super::log_pane::LogPane;
use super::{Icon, IconName};
use crate::live::{Row, use_live};
use crate::model::{LogPage, ProcessId};
use crate::text::format::format_count;

/// The viewer of one process.
#[component]
pub(crate) fn LogView(
    /// Whose log.
    id: ProcessId,
    /// Its newest entries, as the page was loaded.
    page: LogPage,
) -> impl IntoView {
    let live = use_live();
    let pane = LogPane::new(page.entries);
    let drawn = pane.drawn;
    let raw = format!("/api/processes/{id}/logs?format=text");
    let raw_newest = format!("{raw}&tail=10000");
    Effect::new(move |_| pane.start(live, id.clone()));

    let earlier_link = move || {
        let before = drawn.read().earlier;
        (before > 0).then(|| {
            let href = format!("{raw}&limit=10000&before={before}");
            let words = format!("{} earlier lines", format_count(before));
            view! { <a href=href target="_blank" rel="external">{words}</a> }
        })
    };
    let follow_words = move || match drawn.read().waiting {
        0 => "Follow".to_owned(),
        1 => "1 new line".to_owned(),
        n => format!("{} new lines", format_count(n)),
    };
    let row = move |row: Arc<Row>| view_row(&row, live.clock);
    view! {
        <section class="log" aria-label="Log">
            <div class="log-head">
                <h2>"Log"</h2>
                {earlier_link}
                <span class="spacer"></span>
                <a href=raw_newest target="_blank" rel="external">"Raw log"</a>
            </div>
            <div class="log-frame">
                <div
                    class="log-scroll"
                    role="log"
                    aria-live="off"
                    aria-label="Log lines"
                    tabindex="0"
                    data-testid="log"
                    node_ref=pane.container
                    on:scroll=move |_| pane.scrolled()
                >
                    <div class="log-content" node_ref=pane.content>
                        <div
                            class="log-rows"
                            style:transform=move || format!("translateY({}px)", drawn.read().top_px)
                        >
                            <For each=move || drawn.read().rows.clone() key=|row| row.key() children=row/>
                        </div>
                    </div>
                </div>
                <p class="log-empty" hidden=move || !drawn.read().rows.is_empty()>
                    "No output yet."
                </p>
                <button
                    type="button"
                    class="button follow"
                    data-testid="follow"
                    hidden=move || !drawn.read().is_held
                    on:click=move |_| pane.follow()
                >
                    <span>{follow_words}</span>
                    <Icon name=IconName::Down/>
                </button>
            </div>
        </section>
    }
    .into_any()
}
