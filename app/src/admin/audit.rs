//! Who did what.

use leptos::prelude::*;

use super::frame::{Frame, document};
use super::table_region::table_region;
use super::time::utc;
use crate::model::{AuditEntry, AuditPage};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct AuditView {
    /// Around it.
    pub frame: Frame,
    /// The lines.
    pub page: AuditPage,
    /// What was asked for: text, who, act, outcome.
    pub q: String,
    /// See `q`.
    pub actor: String,
    /// See `q`.
    pub action: String,
    /// See `q`.
    pub outcome: String,
    /// The query of these lines, without cursor and limit, as it stands in an address.
    pub query: String,
}

/// Acts by the beginning of their names.
const ACTIONS: [&str; 8] =
    ["process", "process.start", "process.end", "log", "session", "token", "user", "audit"];

/// The page of `/audit`.
#[must_use]
pub fn render_audit(view: AuditView) -> String {
    let AuditView { frame, page, q, actor, action, outcome, query } = view;
    let export = |format: &str| format!("/api/audit/export?format={format}{query}");
    let older = page.next_cursor.map(|cursor| {
        view! {
            <p><a href=format!("/audit?cursor={cursor}{query}") data-testid="audit-older">"Older"</a></p>
        }
    });
    let is_empty = page.lines.is_empty().then(|| view! { <p class="empty">"No such line."</p> });
    let (csv, json) = (export("csv"), export("json"));
    let actions = ACTIONS.map(|name| {
        let is_chosen = name == action;
        view! { <option value=name selected=is_chosen>{name}</option> }
    });
    let outcomes = ["ok", "refused"].map(|name| {
        let is_chosen = name == outcome;
        view! { <option value=name selected=is_chosen>{name}</option> }
    });
    let content = view! {
        <form method="get" action="/audit" class="inline-form" role="search">
            <label class="field">
                <span>"Text"</span>
                <input type="search" name="q" value=q data-testid="audit-q"/>
            </label>
            <label class="field"><span>"Who"</span><input name="actor" value=actor/></label>
            <label class="field">
                <span>"Act"</span>
                <select name="action"><option value="">"any"</option>{actions.collect_view()}</select>
            </label>
            <label class="field">
                <span>"Outcome"</span>
                <select name="outcome"><option value="">"any"</option>{outcomes.collect_view()}</select>
            </label>
            <button class="button primary">"Search"</button>
            <span class="spacer"></span>
            <a class="button" href=csv download data-testid="audit-csv">"CSV"</a>
            <a class="button" href=json download data-testid="audit-json">"JSON"</a>
        </form>
        {table_region("Audit", table(page.lines, utc))}
        {is_empty}
        {older}
    };
    document(frame, "Audit", content.into_any())
}

/// Lines of the audit; `stamp` writes their times.
pub(crate) fn table(lines: Vec<AuditEntry>, stamp: impl Fn(i64) -> String) -> AnyView {
    let rows = lines.into_iter().map(|line| row(line, &stamp)).collect_view();
    view! {
        <table class="table" data-testid="audit">
            <thead>
                <tr>
                    <th>"When"</th><th>"Who"</th><th>"From"</th><th>"Act"</th><th>"On"</th>
                    <th>"Outcome"</th><th>"More"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(line: AuditEntry, stamp: &impl Fn(i64) -> String) -> AnyView {
    let on = if line.process_id.is_empty() {
        view! { {line.target} }.into_any()
    } else {
        let name = format!("{}/{}", line.project, line.script);
        let words = if line.script.is_empty() { line.process_id.clone() } else { name };
        view! { <a href=format!("/processes/{}", line.process_id)>{words}</a> }.into_any()
    };
    let end = match (line.exit_code, line.signal) {
        (_, Some(signal)) => format!(", ended by {signal}"),
        (Some(code), None) => format!(", exit {code}"),
        (None, None) => String::new(),
    };
    let pid = line.pid.map(|pid| format!("pid {pid}{end}"));
    let (action, actor, outcome) = (line.action.clone(), line.actor.clone(), line.outcome.clone());
    view! {
        <tr
            data-testid="audit-row"
            data-action=action
            data-actor=actor
            data-outcome=outcome
        >
            <td data-label="When">{stamp(line.at)}</td>
            <td data-label="Who">{line.actor}" "<small>{line.via}</small></td>
            <td data-label="From">{line.address}</td>
            <td data-label="Act">{line.action}</td>
            <td data-label="On">{on}</td>
            <td data-label="Outcome">{line.outcome}</td>
            <td data-label="More" class="wide">{line.detail}" "<small>{pid}</small></td>
        </tr>
    }
    .into_any()
}
