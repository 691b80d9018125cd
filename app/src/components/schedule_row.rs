//! A scheduled process: how long until it is started, and its next times.

use leptos::prelude::*;

use crate::live::use_live;
use crate::model::DeclaredProcess;
use crate::text::format::format_uptime;

/// The row; it opens on all the times that are known.
#[component]
pub(super) fn ScheduleRow(
    /// What is declared.
    one: DeclaredProcess,
) -> impl IntoView {
    let clock = use_live().clock;
    let DeclaredProcess { name, schedule, timezone, next_times, .. } = one;
    let data_name = name.clone();
    let zone = timezone.unwrap_or_else(|| "UTC".to_owned());
    let rule = format!("{} {zone}", schedule.unwrap_or_default());
    let times = StoredValue::new(next_times);
    let countdown = move || {
        let now = clock.now();
        let next = times.with_value(|times| times.iter().copied().find(|at| *at > now))?;
        Some(format!("in {}", format_uptime(next - now + 999)))
    };
    let all = move || {
        let stamp = |at: &i64| view! { <li>{clock.stamp(*at)}</li> };
        times.with_value(|times| times.iter().map(stamp).collect_view())
    };
    view! {
        <li data-testid="schedule" data-name=data_name>
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
