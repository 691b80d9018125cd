//! One process: its state, what can be done to it, and its log.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};

use crate::api::{allowed_verbs, get_process, process_figures, process_tab, tail_log};
use crate::components::{
    Actions, BackLink, Charts, FIGURES, Facts, Icon, IconName, LineForm, LogView, Standing,
    StatusMark, TabView, Tabs, parse_lines, process_word,
};
use crate::live::use_live;
use crate::model::{Figures, LogPage, Problem, Process, ProcessId, Verb};
use crate::text::args::join_args;

/// Entries loaded with the page: as many as the viewer keeps.
const TAIL: u32 = 1_000;

/// The lines that an address names: the first and the last.
type Lines = Option<(i64, i64)>;

/// What an address asks for besides the process: a tab with where its page begins, or lines of the log.
type Asked = (String, Option<i64>, Lines);

/// What stands below the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Content {
    Log(LogPage),
    /// One may see the process and not its log.
    NoLog,
    Figures(Figures),
    /// Of a tab, written by the server.
    Html(String),
}

/// The process, what one may do to it, what is to be seen of it.
type Loaded = (Process, Vec<Verb>, Content, Asked);

async fn load((id, asked): (ProcessId, Asked)) -> Result<Loaded, Problem> {
    let (tab, before, lines) = &asked;
    let verbs = allowed_verbs(id.clone()).await?;
    let content = if tab == FIGURES {
        Content::Figures(process_figures(id.clone()).await?)
    } else if !tab.is_empty() {
        // The server does not know its reader's clock: the browser asks again.
        Content::Html(process_tab(id.clone(), tab.clone(), *before, 0).await?)
    } else if verbs.contains(&Verb::ReadLogs) {
        Content::Log(tail_log(id.clone(), TAIL, lines.map(|(first, _)| first)).await?)
    } else {
        Content::NoLog
    };
    Ok((get_process(id).await?, verbs, content, asked))
}

/// The page of `/processes/:id` and of its tabs.
#[component]
pub(crate) fn ProcessPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| ProcessId(params.read().get("id").unwrap_or_default()));
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let (params, query) = (params.read(), query.read());
        let tab = params.get("tab").unwrap_or_default();
        let before = query.get("before").and_then(|before| before.parse().ok());
        let lines = query.get("line").and_then(|line| parse_lines(&line));
        (tab, before, lines)
    });
    let loaded = Resource::new(move || (id.get(), asked.get()), load);
    view! {
        <Transition fallback=|| view! { <p class="empty">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(loaded) => view! { <ProcessDetail loaded/> }.into_any(),
                    Err(problem) => view! { <Missing problem/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Missing(problem: Problem) -> impl IntoView {
    view! {
        <Title text="Not found · Runyard"/>
        <div class="welcome">
            <Icon name=IconName::Search/>
            <h1>{problem.title}</h1>
            <p role="alert" data-testid="alert">{problem.detail}</p>
            <p><a class="button" href="/">"All processes"</a></p>
        </div>
    }
    .into_any()
}

#[component]
fn ProcessDetail(loaded: Loaded) -> impl IntoView {
    let (process, verbs, content, (tab, before, lines)) = loaded;
    let Process { id, project, script, args, .. } = process.clone();
    let process = RwSignal::from(use_live().processes.open(process));
    let status = Signal::derive(move || process.read().status);
    let title = {
        let script = script.clone();
        move || format!("{script}: {} · Runyard", process_word(&process.read()))
    };
    let compare = format!("/processes/{id}/compare#first");
    let (data_id, full_id) = (id.0.clone(), id.0.clone());
    view! {
        <Title text=title/>
        <article class="detail" data-testid="detail" data-id=data_id>
            <header class="detail-head">
                <div class="detail-title">
                    <BackLink/>
                    <h1>{script}</h1>
                    <code class="detail-args">{join_args(&args)}</code>
                    <span class="spacer"></span>
                    <Actions process verbs/>
                </div>
                <p class="detail-state">
                    <span
                        class="badge"
                        data-testid="status"
                        data-status=move || status.get().as_str()
                    >
                        <StatusMark status=move || status.get()/>
                        {move || process_word(&process.read())}
                    </span>
                    <span class="reason" data-testid="reason">
                        {move || process.read().reason.clone()}
                    </span>
                    <Standing process/>
                </p>
                <Facts process/>
                <div class="detail-more">
                    <span>{project}</span>
                    <code class="detail-id">{full_id}</code>
                    <a
                        href=compare
                        rel="external"
                        data-testid="compare-link"
                        hidden=move || !status.get().is_ended()
                    >
                        "Compare with the last success"
                    </a>
                </div>
                <Tabs process current=StoredValue::new(tab.clone())/>
            </header>
            {match content {
                Content::Log(page) => {
                    view! { <LogView id page process lines/> <LineForm process/> }.into_any()
                }
                Content::Figures(figures) => view! { <Charts process figures/> }.into_any(),
                Content::Html(html) => view! { <TabView process tab before html/> }.into_any(),
                Content::NoLog => {
                    view! { <p class="empty">"Your role does not allow to read this log."</p> }.into_any()
                }
            }}
        </article>
    }
    .into_any()
}
