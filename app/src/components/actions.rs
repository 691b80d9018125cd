//! What can be done to a process: stop, restart, signal.

use leptos::prelude::*;

use super::act::{Act, act};
use super::menu::Menu;
use super::{Icon, IconName};
use crate::api::signal_process;
use crate::live::use_live;
use crate::model::{Process, ProcessId, Status, Verb};

/// The signals of the menu, and what programs usually do on them.
pub(super) const SIGNALS: [(&str, &str); 7] = [
    ("SIGHUP", "reload"),
    ("SIGINT", "as Ctrl+C"),
    ("SIGQUIT", "quit, dump core"),
    ("SIGUSR1", "the program's own"),
    ("SIGUSR2", "the program's own"),
    ("SIGTERM", "ask to end"),
    ("SIGKILL", "end at once"),
];

/// The buttons of one process.
#[component]
pub(crate) fn Actions(
    /// The process.
    process: RwSignal<Process>,
    /// What one may do to it.
    verbs: Vec<Verb>,
) -> impl IntoView {
    let may = move |verb| verbs.contains(&verb);
    let (may_start, may_stop) = (may(Verb::Start), may(Verb::Stop));
    let may_signal = may(Verb::Signal);
    let live = use_live();
    let id = StoredValue::new(process.read_untracked().id.clone());
    let is_busy = RwSignal::new(false);
    let is_ended = move || process.read().status.is_ended();
    let run = move |event: web_sys::SubmitEvent, what: Act| {
        event.prevent_default();
        is_busy.set(true);
        leptos::task::spawn_local(async move {
            act(live, id.get_value(), what).await;
            is_busy.try_set(false);
        });
    };
    // One that waits has nothing to stop yet.
    let stop_word = move || match process.read().status {
        Status::Queued | Status::Waiting => "Cancel",
        _ => "Stop",
    };
    // One that pauses, or whose breaker is open, is tried before its time.
    let restart_word = move || match process.read().status {
        Status::BackingOff => "Try now",
        status if status.is_ended() => "Start again",
        _ => "Restart",
    };
    // Forms, so that they work without scripts.
    let action = move |name| format!("/processes/{}/{name}", id.get_value());
    view! {
        <div class="actions" role="group" aria-label="Actions">
            <form method="post" action=action("stop") on:submit=move |event| run(event, Act::Stop)>
                <button
                    class="button danger"
                    data-testid="stop"
                    disabled=move || !may_stop || is_ended() || is_busy.get()
                >
                    <Icon name=IconName::Stop/>
                    <span>{stop_word}</span>
                </button>
            </form>
            <form method="post" action=action("restart") on:submit=move |event| run(event, Act::Restart)>
                <button
                    class="button"
                    data-testid="restart"
                    disabled=move || !may_start || (!may_stop && !is_ended()) || is_busy.get()
                >
                    <Icon name=IconName::Restart/>
                    <span>{restart_word}</span>
                </button>
            </form>
            <SignalMenu
                id
                is_enabled=Signal::derive(move || may_signal && process.read().pid.is_some())
            />
        </div>
    }
    .into_any()
}

#[component]
fn SignalMenu(id: StoredValue<ProcessId>, is_enabled: Signal<bool>) -> impl IntoView {
    let live = use_live();
    let send = move |signal: &'static str| {
        leptos::task::spawn_local(async move {
            if let Err(problem) = signal_process(id.get_value(), signal.to_owned()).await {
                live.alerts.report(&problem);
            }
        });
    };
    let items = SIGNALS.map(|(signal, use_of_it)| {
        view! {
            <button
                type="button"
                role="menuitem"
                data-testid=format!("signal-{signal}")
                on:click=move |_| send(signal)
            >
                <span class="signal-name">{signal}</span>
                <span class="signal-use">{use_of_it}</span>
            </button>
        }
    });
    view! {
        <Menu name="Signal" icon=IconName::Signal testid="signal-menu" is_enabled>
            <div role="menu" aria-label="Signals">{items.into_iter().collect_view()}</div>
        </Menu>
    }
    .into_any()
}
