//! A scheduled process: how long until it is started, and its next times.

use leptos::prelude::*;

use crate::live::use_live;
use crate::model::DeclaredList;
use crate::text::format::format_uptime;

/// The row; it opens on all the times that are known.
#[component]
pub(super) fn ScheduleRow(
    /// Of the process, as its `key` says.
    key: String,
    /// All that is declared, as it is now.
    declared: RwSignal<DeclaredList>,
) -> impl IntoView {
    let clock = use_live().clock;
    let one =
        Memo::new(move |_| declared.read().processes.iter().find(|one| one.key() == key).cloned());
    let name = move || one.read().as_ref().map(|one| one.name.clone());
    let rule = move || {
        let one = one.get()?;
        let zone = one.timezone.unwrap_or_else(|| "UTC".to_owned());
        Some(format!("{} {zone}", one.schedule.unwrap_or_default()))
    };
    let times = move || one.get().map(|one| one.next_times).unwrap_or_default();
    let countdown = move || {
        let now = clock.now();
        let next = times().into_iter().find(|at| *at > now)?;
        Some(format!("in {}", format_uptime(next - now + 999)))
    };
    let all = move || {
        let stamp = |at: i64| view! { <li>{clock.stamp(at)}</li> };
        times().into_iter().map(stamp).collect_view()
    };
    view! {
        <li data-testid="schedule" data-name=name>
            <details class="schedule">
                <summary>
                    <span class="declared-name">{name}</span>
                    <span class="declared-next" data-testid="schedule-next">{countdown}</span>
                </summary>
                <code>{rule}</code>
                <ol data-testid="schedule-times">{all}</ol>
            </details>
        </li>
    }
    .into_any()
}
