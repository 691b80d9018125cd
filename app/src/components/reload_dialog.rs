//! Reading `runyard.toml` again: first its differences, then, if one likes them, in force.

use leptos::html;
use leptos::prelude::*;

use crate::api::{preview_reload, reload};
use crate::live::use_live;
use crate::model::{ChangeKind, ConfigChange, ConfigDiff};

/// A button, and the dialog that it opens.
#[component]
pub(crate) fn ReloadDialog(
    /// Told after a reload.
    done: Callback<()>,
) -> impl IntoView {
    let live = use_live();
    let dialog = NodeRef::<html::Dialog>::new();
    let diff = RwSignal::new(None::<ConfigDiff>);
    let refusal = RwSignal::new(None::<String>);
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let look = move |_| {
        refusal.set(None);
        diff.set(None);
        leptos::task::spawn_local(async move {
            match preview_reload().await {
                Ok(found) => {
                    diff.try_set(Some(found));
                }
                Err(problem) => {
                    refusal.try_set(Some(problem.detail));
                }
            }
            if let Some(dialog) = dialog.get_untracked() {
                // Fails only when it is open already.
                let _ = dialog.show_modal();
            }
        });
    };
    let apply = move |_| {
        let Some(version) = diff.read_untracked().as_ref().map(|diff| diff.version.clone()) else {
            return;
        };
        leptos::task::spawn_local(async move {
            match reload(version).await {
                Ok(_) => {
                    close();
                    live.alerts.say("runyard.toml is in force".to_owned());
                    done.run(());
                }
                Err(problem) => {
                    refusal.try_set(Some(problem.detail));
                }
            }
        });
    };
    let has_changes = move || diff.read().as_ref().is_some_and(|diff| !diff.changes.is_empty());
    view! {
        <button type="button" class="button quiet" data-testid="reload" on:click=look>
            "Reload…"
        </button>
        <dialog class="dialog" data-testid="reload-dialog" aria-labelledby="reload-title" node_ref=dialog>
            <div class="dialog-head"><h2 id="reload-title">"Reload runyard.toml"</h2></div>
            {move || refusal.get().map(|words| view! {
                <p class="inline-alert" role="alert" data-testid="reload-refusal">{words}</p>
            })}
            {move || diff.get().map(|diff| view! { <Differences diff/> })}
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| close()>"Cancel"</button>
                <button
                    type="button"
                    class="button primary"
                    data-testid="reload-apply"
                    disabled=move || !has_changes()
                    on:click=apply
                >
                    "Put in force"
                </button>
            </div>
        </dialog>
    }
    .into_any()
}

/// A line that goes or comes; the mark in front says which.
fn difference(line: String) -> impl IntoView {
    let class = if line.starts_with('+') { "comes" } else { "goes" };
    view! { <span class=class>{line}"\n"</span> }
}

#[component]
fn Differences(diff: ConfigDiff) -> impl IntoView {
    let ConfigDiff { changes, needs_restart, .. } = diff;
    let is_empty = changes.is_empty();
    let rows = changes.into_iter().map(|change| {
        let ConfigChange { name, kind, lines } = change;
        let kind = match kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Changed => "changed",
        };
        view! {
            <h3>{format!("{name}: {kind}")}</h3>
            <pre class="diff" data-testid="diff">{lines.into_iter().map(difference).collect_view()}</pre>
        }
    });
    view! {
        {is_empty.then(|| view! { <p class="empty">"Nothing that is declared has changed."</p> })}
        {rows.collect_view()}
        {(!needs_restart.is_empty()).then(|| view! {
            <p class="hint">
                {format!("Changes in [{}] count after a restart of Runyard.", needs_restart.join("], ["))}
            </p>
        })}
    }
    .into_any()
}
