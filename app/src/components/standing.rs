//! What a status does not tell by itself: readiness, the place in the line, and what comes next.

use leptos::prelude::*;

use crate::live::use_live;
use crate::model::{Breaker, Process, Status};
use crate::text::format::format_uptime;

/// Marks beside the status; nothing when there is nothing to say.
#[component]
pub(crate) fn Standing(
    /// The process.
    process: RwSignal<Process>,
) -> impl IntoView {
    let clock = use_live().clock;
    let ready = move || process.read().ready;
    let position = move || process.read().position;
    let breaker = move || match process.read().breaker {
        Some(Breaker::Open) => Some("breaker open"),
        Some(Breaker::HalfOpen) => Some("trial"),
        _ => None,
    };
    let next = move || {
        let (status, next_at, is_timed) = {
            let process = process.read();
            (process.status, process.next_at?, process.schedule.is_some())
        };
        let left = format_uptime(next_at - clock.now() + 999);
        match status {
            Status::BackingOff if is_timed => Some(format!("next run in {left}")),
            Status::BackingOff => Some(format!("next try in {left}")),
            Status::Stopping => Some(format!("killed in {left}")),
            _ => None,
        }
    };
    view! {
        <span class="standing">
            {move || ready().map(|is_ready| view! {
                <span class="tag" data-testid="ready" data-ready=is_ready.to_string()>
                    {if is_ready { "ready" } else { "not ready" }}
                </span>
            })}
            {move || position().map(|place| view! {
                <span class="tag" data-testid="position">{format!("#{place} in line")}</span>
            })}
            {move || breaker().map(|words| view! {
                <span class="tag warn" data-testid="breaker">{words}</span>
            })}
            {move || next().map(|words| view! {
                <span class="tag" data-testid="countdown">{words}</span>
            })}
        </span>
    }
    .into_any()
}
