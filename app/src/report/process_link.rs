//! The way to a process: its state, its name, its arguments.

use leptos::prelude::*;

use crate::components::StatusMark;
use crate::model::Process;
use crate::text::args::join_args;

/// The link to a tab of it (`/figures`, or nothing for its log), with what else it says.
pub(super) fn process_link(process: &Process, tab: &str, more: Option<AnyView>) -> AnyView {
    let href = format!("/processes/{}{tab}", process.id);
    let status = process.status;
    view! {
        <a href=href class="report-name">
            <StatusMark status=move || status/>
            <b>{process.script.clone()}</b>
            <code>{join_args(&process.args)}</code>
            {more}
        </a>
    }
    .into_any()
}
