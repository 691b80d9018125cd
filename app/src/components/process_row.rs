//! One process in the list.

use leptos::prelude::*;

use super::process_list::Chosen;
use super::{Sparkline, Standing, StatusMark, process_word};
use crate::live::{ProcessSignal, use_live};
use crate::model::{Process, ProcessId};
use crate::text::args::join_args;
use crate::text::format::format_uptime;

/// A row that links to the process. Only what changes is redrawn.
#[component]
pub(crate) fn ProcessRow(
    /// The process.
    process: ProcessSignal,
    /// The process on screen.
    selected: Signal<Option<ProcessId>>,
    /// Those that were chosen, to do something to all of them.
    chosen: Chosen,
) -> impl IntoView {
    let clock = use_live().clock;
    // What never changes.
    let Process { id, project, script, args, .. } = process.get_untracked();
    let args = join_args(&args);
    let process = RwSignal::from(process);
    let status = Signal::derive(move || process.read().status);
    let age = move || {
        let (status, started, ended, created) = {
            let process = process.read();
            (process.status, process.started_at, process.ended_at, process.created_at)
        };
        match (status.is_ended(), started, ended) {
            (true, _, Some(ended)) => format!("{} ago", format_uptime(clock.now() - ended)),
            (false, Some(started), _) => format_uptime(clock.now() - started),
            _ => format!("{} ago", format_uptime(clock.now() - created)),
        }
    };
    let outcome = move || outcome_of(&process.read());
    let restarts = move || match process.read().attempts.len() {
        0 | 1 => None,
        2 => Some("1 restart".to_owned()),
        n => Some(format!("{} restarts", n - 1)),
    };
    let href = format!("/processes/{id}");
    let short = id.short().to_owned();
    let data_id = id.0.clone();
    let choice = StoredValue::new(id.clone());
    let is_chosen = move || choice.with_value(|id| chosen.read().contains(id));
    let choose = move |is_on: bool| {
        chosen.update(|chosen| {
            choice.with_value(|id| chosen.retain(|other| other != id));
            if is_on {
                chosen.push(choice.get_value());
            }
        });
    };
    let choice_label = format!("Choose {script}");
    let spark_id = id.clone();
    let is_selected = move || selected.read().as_ref() == Some(&id);
    view! {
        <li
            class="row"
            data-testid="process-row"
            data-id=data_id
            data-status=move || status.get().as_str()
        >
            <a href=href aria-current=move || is_selected().then_some("page")>
                <StatusMark status=move || status.get()/>
                <span class="row-title">
                    <span class="row-script">{script}</span>
                    <span class="row-args">{args}</span>
                </span>
                <span class="row-age">{age}</span>
                <span class="row-sub">
                    <span class="row-status" data-status=move || status.get().as_str()>
                        {move || process_word(&process.read())}
                    </span>
                    {outcome}
                    {restarts}
                    <Standing process/>
                    <Sparkline id=spark_id/>
                    <span>{project}</span>
                </span>
                <span class="row-id">{short}</span>
            </a>
            <input
                type="checkbox"
                class="row-choice"
                data-testid="row-choice"
                aria-label=choice_label
                prop:checked=is_chosen
                on:change:target=move |event| choose(event.target().checked())
            />
        </li>
    }
    .into_any()
}

/// How it ended, when that says more than the status.
fn outcome_of(process: &Process) -> Option<AnyView> {
    let text = match (&process.signal, process.exit_code) {
        _ if !process.status.is_ended() => return None,
        (Some(signal), _) => signal.clone(),
        (None, Some(code)) if code != 0 => format!("exit {code}"),
        _ => return None,
    };
    Some(view! { <span>{text}</span> }.into_any())
}
