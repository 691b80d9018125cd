//! The bell: what ended while nobody looked, and whether the browser tells of it, too.

use leptos::prelude::*;

use super::check_field::CheckField;
use super::menu::Menu;
use super::shortcuts::click;
use super::{Icon, IconName, status_word};
use crate::later::{notice_list, shown};
use crate::live::{Notice, use_live};
use crate::text::markup::push_escaped;

/// The bell in the bar, with how many there are; what it opens comes with the first click.
#[component]
pub(crate) fn NoticeBell() -> impl IntoView {
    let notices = use_live().notices;
    let is_wanted = RwSignal::new(false);
    let content = move || {
        if is_wanted.get() {
            return Suspend::new(async move { shown(notice_list().await) }).into_any();
        }
        view! {
            <button
                type="button"
                class="button"
                data-testid="notices-menu"
                on:click=move |_| is_wanted.set(true)
            >
                <Icon name=IconName::Bell/>
                <span>"Notices"</span>
            </button>
        }
        .into_any()
    };
    view! {
        <div class="notices" data-testid="notices" data-count=move || notices.shown().len()>
            {content}
        </div>
    }
    .into_any()
}

/// The menu, which opens when it comes.
#[component]
pub(crate) fn NoticeList() -> impl IntoView {
    let live = use_live();
    let notices = live.notices;
    Effect::new(|_| request_animation_frame(|| click("notices-menu")));
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
                <CheckField
                    testid="notices-loud"
                    words="The browser tells me, too"
                    is_on=Signal::derive(move || notices.is_loud())
                    set=move |is_on| notices.set_loud(is_on)
                />
            </Menu>
    }
    .into_any()
}
