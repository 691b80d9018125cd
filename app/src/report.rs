//! What the server renders from many logs and processes: an overview, two runs side by side, and what
//! stands behind the tabs of a process.
//!
//! All of it is HTML that changes nothing by itself, so nothing of it is in the browser's module.

mod attempts;
mod compare;
mod configuration;
mod overview;
mod process_link;
mod trail;

pub(crate) use attempts::render_attempts;
pub use compare::{ComparePage, CompareRow, render_compare};
pub(crate) use configuration::render_configuration;
pub use overview::{LogReport, Overview, Space, render_overview};
pub(crate) use trail::render_trail;

use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

/// A view as HTML.
trait Html: RenderHtml + Sized {
    /// Without the marks by which a browser takes a view over: nobody takes these over, and no text
    /// has them unescaped.
    fn html(self) -> String {
        self.to_html().replace("<!>", "")
    }
}

impl<T: RenderHtml> Html for T {}

/// A link to the next page of something, below it.
fn older_link(query: Option<String>) -> Option<AnyView> {
    query.map(|query| {
        view! { <p class="older"><a href=query data-testid="older">"Older"</a></p> }.into_any()
    })
}
