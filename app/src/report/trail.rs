//! What was done to a process, and by whom.

use leptos::prelude::*;

use super::{Html, older_link};
use crate::admin::{audit_table, table_region};
use crate::model::AuditPage;
use crate::text::format::format_stamp;

/// The tab; times are `zone_min` minutes east of UTC.
pub(crate) fn render_trail(page: AuditPage, zone_min: i64) -> String {
    let AuditPage { lines, next_cursor } = page;
    let older = older_link(next_cursor.map(|cursor| format!("?before={cursor}")));
    if lines.is_empty() {
        let words = "The audit has no line about it that you may see.";
        return view! { <p class="empty">{words}</p>{older} }.html();
    }
    view! {
        {table_region("Audit", audit_table(lines, |at| format_stamp(at, zone_min)))}
        {older}
    }
    .html()
}
