//! The bell: what ended while nobody looked, and whether the browser tells of it, too.

use leptos::prelude::*;

use super::menu::Menu;
use super::{IconName, status_word};
use crate::live::{Notice, use_live};
use crate::text::markup::push_escaped;

/// A menu in the bar.
#[component]
pub(crate) fn NoticeList() -> impl IntoView {
    let live = use_live();
    let notices = live.notices;
    let rows = move || {
        let mut html = String::new();
        for Notice { id, script, status, reason, at } in notices.shown() {
            html.push_str(&format!(
                "<a role=menuitem href=\"/processes/{id}\" data-testid=notice data-id=\"{id}\"><b>"
            ));
            push_escaped(&mut html, &script);
            html.push_str(&format!(
                "</b><span class=outcome data-status={}>{}, {}</span><small>",
                status.as_str(),
                status_word(status),
                live.clock.stamp(at),
            ));
            push_escaped(&mut html, &reason);
            html.push_str("</small></a>");
        }
        html
    };
    let count = move || notices.shown().len();
    view! {
        <div class="notices" data-testid="notices" data-count=count>
            <Menu name="Notices" icon=IconName::Bell testid="notices-menu">
                <p class="empty" hidden=move || count() != 0>
                    "What ends while you are elsewhere is listed here."
                </p>
                <div inner_html=rows></div>
                <button
                    type="button"
                    role="menuitem"
                    data-testid="notices-clear"
                    hidden=move || count() == 0
                    on:click=move |_| notices.clear()
                >
                    "Clear"
                </button>
                <label class="menu-field">
                    <input
                        type="checkbox"
                        data-testid="notices-loud"
                        prop:checked=move || notices.is_loud()
                        on:change:target=move |event| notices.set_loud(event.target().checked())
                    />
                    <span>"The browser tells me, too"</span>
                </label>
            </Menu>
        </div>
    }
    .into_any()
}
