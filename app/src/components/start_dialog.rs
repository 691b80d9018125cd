//! Starting: at once from the list of scripts, or from a dialog with arguments and environment.

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::{Icon, IconName};
use crate::api::start_process;
use crate::later::{shown, start_form};
use crate::live::{Live, use_live};
use crate::model::{Catalogue, Problem, ProcessId, StartRequest};

/// Project and name of a script.
pub(crate) type ScriptKey = (String, String);

/// The one way to start something from a page. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Starter {
    live: Live,
    dialog: NodeRef<html::Dialog>,
    /// What the dialog was opened for. Set, also to the same, whenever it is opened.
    asked: RwSignal<Option<ScriptKey>>,
    /// Whether it was opened ever; before, its form is not there.
    is_wanted: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    show: Callback<ProcessId>,
}

impl Starter {
    /// Makes one and puts it into the context. For components below the router.
    pub(crate) fn provide() -> Self {
        let navigate = use_navigate();
        let starter = Self {
            live: use_live(),
            dialog: NodeRef::new(),
            asked: RwSignal::new(None),
            is_wanted: RwSignal::new(false),
            is_busy: RwSignal::new(false),
            show: Callback::new(move |id| {
                navigate(&format!("/processes/{id}"), Default::default());
            }),
        };
        provide_context(starter);
        starter
    }

    /// The layout's.
    pub(crate) fn expect() -> Self {
        use_context::<Self>().unwrap_or_else(Self::provide)
    }

    /// Opens the dialog, with this script chosen.
    pub(crate) fn open(self, script: Option<ScriptKey>) {
        self.asked.set(script);
        // Told only once, or the form would be made anew.
        self.is_wanted.maybe_update(|is_wanted| !std::mem::replace(is_wanted, true));
        if let Some(dialog) = self.dialog.get_untracked() {
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    }

    /// Closes the dialog.
    pub(crate) fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.close();
        }
    }

    /// What the dialog was opened for; tells of every opening.
    pub(super) fn asked(self) -> Option<ScriptKey> {
        self.asked.get()
    }

    /// Whether a start is under way.
    pub(crate) fn is_busy(self) -> bool {
        self.is_busy.get()
    }

    /// Shows a problem in the corner, or the way to sign in again.
    pub(super) fn report(self, problem: &Problem) {
        self.live.alerts.report(problem);
    }

    /// Starts a script without arguments; a problem is shown in the corner.
    pub(crate) fn start_plain(self, project: String, name: String) {
        let request =
            StartRequest { script_name: name, project: Some(project), ..StartRequest::default() };
        self.start(request, move |problem| self.report(&problem));
    }

    /// Starts and opens the new process, or hands the problem on.
    pub(super) fn start(self, request: StartRequest, refused: impl Fn(Problem) + 'static) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        leptos::task::spawn_local(async move {
            match start_process(request).await {
                Ok(started) => {
                    self.close();
                    self.show.run(started.process_id);
                }
                Err(problem) => refused(problem),
            }
            self.is_busy.try_set(false);
        });
    }
}

/// The dialog. The browser closes it on Escape and keeps the focus inside.
#[component]
pub(crate) fn StartDialog(
    /// Loads what can be started.
    catalogue: Resource<Result<Catalogue, Problem>>,
) -> impl IntoView {
    let starter = Starter::expect();
    view! {
        <dialog
            class="dialog"
            data-testid="start-dialog"
            aria-labelledby="start-title"
            node_ref=starter.dialog
        >
            <div class="dialog-head">
                <h2 id="start-title">"Start a script"</h2>
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Close"
                    on:click=move |_| starter.close()
                >
                    <Icon name=IconName::Close/>
                </button>
            </div>
            {move || starter.is_wanted.get().then(|| Suspend::new(async move {
                match catalogue.await {
                    Ok(catalogue) => shown(start_form(catalogue).await),
                    Err(problem) => {
                        view! { <p class="inline-alert" role="alert">{problem.detail}</p> }.into_any()
                    }
                }
            }))}
        </dialog>
    }
    .into_any()
}
