//! What is around a table: it scrolls when it is wider than the page, also by the keyboard. Where there is
//! little room the rows are cards: a cell then says by its `data-label` what it is.

use leptos::prelude::*;

/// The region around `table`, by its name.
pub(crate) fn table_region(name: impl Into<String>, table: impl IntoView + 'static) -> AnyView {
    let name = name.into();
    view! { <div class="table-scroll" tabindex="0" role="region" aria-label=name>{table}</div> }
        .into_any()
}
