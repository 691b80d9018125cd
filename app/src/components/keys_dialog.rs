//! The page of help: the keys that work everywhere, and whether single ones do.

use leptos::html;
use leptos::prelude::*;

use super::check_field::CheckField;
use super::shortcuts::{KEY, has_single_keys};
use super::{Icon, IconName};

/// Each with what it does.
const KEYS: &str = "\
    <dt><kbd>Ctrl K</kbd></dt><dd>every act and place</dd>\
    <dt><kbd>/</kbd></dt><dd>search</dd>\
    <dt><kbd>j</kbd><kbd>k</kbd></dt><dd>next and previous process</dd>\
    <dt><kbd>f</kbd><kbd>G</kbd></dt><dd>follow the log, at its end</dd>\
    <dt><kbd>g</kbd></dt><dd>the first line</dd>\
    <dt><kbd>Enter</kbd><kbd>Shift Enter</kbd></dt><dd>in a search: the next line that fits, the previous</dd>\
    <dt><kbd>Esc</kbd></dt><dd>leave the search, choose no line</dd>\
    <dt><kbd>s</kbd></dt><dd>start a script</dd>\
    <dt><kbd>?</kbd></dt><dd>these keys</dd>";

/// The dialog.
#[component]
pub(crate) fn KeysDialog(
    /// Tells of every opening but the first, with which this comes.
    opened: Trigger,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let is_on = RwSignal::new(true);
    Effect::new(move |_| {
        opened.track();
        if let Some(dialog) = dialog.get() {
            is_on.set(has_single_keys());
            // Fails only when it is open already.
            let _ = dialog.show_modal();
        }
    });
    let switch = move |is_wanted: bool| {
        is_on.set(is_wanted);
        let storage = window().local_storage().ok().flatten();
        // A browser that keeps nothing has them on again with the next page.
        let _ = storage.map(|storage| {
            if is_wanted { storage.remove_item(KEY) } else { storage.set_item(KEY, "off") }
        });
    };
    view! {
        <dialog class="dialog" data-testid="help-dialog" aria-labelledby="help-title" node_ref=dialog>
            <form method="dialog">
                <div class="dialog-head">
                    <h2 id="help-title">"Keys"</h2>
                    <button class="icon-button" aria-label="Close"><Icon name=IconName::Close/></button>
                </div>
            </form>
            <dl class="keys" inner_html=KEYS></dl>
            <CheckField testid="single-keys" words="Single keys are shortcuts" is_on set=switch/>
        </dialog>
    }
    .into_any()
}
