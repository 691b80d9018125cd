//! The log over time, in a strip above it: how much it said, and where the trouble was. A click goes
//! there.

use leptos::html;
use leptos::prelude::*;

use super::log_pane::LogPane;
use crate::live::{Request, RequestSlot, use_live};
use crate::model::{Process, Timeline, TimelineBucket};
use crate::text::format::format_count;

/// Below this there is nothing to find one's way in.
const FEWEST_LINES: i64 = 200;
/// The counts are taken anew when the log has grown by this, of what it was.
const GROWTH_PERCENT: i64 = 20;

/// The strip.
#[component]
pub(super) fn LogTimeline(pane: LogPane, process: RwSignal<Process>) -> impl IntoView {
    let clock = use_live().clock;
    let timeline = RwSignal::new(Timeline::default());
    let request = RequestSlot::new();
    let strip = NodeRef::<html::Div>::new();
    // What the process is said to have while it runs is as of its last change; what is drawn is newer.
    let length = Memo::new(move |before: Option<&i64>| {
        let length = process.read().next_idx.max(pane.drawn.read().in_sight.1 + 1);
        let before = before.copied().unwrap_or(0);
        if length > before + before * GROWTH_PERCENT / 100 { length } else { before }
    });
    Effect::new(move |_| {
        if length.get() >= FEWEST_LINES {
            request.put(Request::get_json(&pane.url("/timeline"), move |answer| {
                // Without it the log can be read as well.
                if let Ok(answer) = answer {
                    timeline.try_set(answer);
                }
            }));
        }
    });
    let bars = move || timeline.with(bars_html);
    let label = move || {
        let timeline = timeline.read();
        let sum = |of: fn(&TimelineBucket) -> i64| timeline.buckets.iter().map(of).sum::<i64>();
        format!(
            "{} lines from {} on, {} errors, {} warnings",
            format_count(sum(|bucket| bucket.lines)),
            clock.stamp(timeline.from),
            format_count(sum(|bucket| bucket.errors)),
            format_count(sum(|bucket| bucket.warnings)),
        )
    };
    let here = move || {
        let timeline = timeline.read();
        let first = pane.drawn.read().in_sight.0;
        let place =
            timeline.buckets.iter().rposition(|b| b.first_idx.is_some_and(|idx| idx <= first));
        let place = i32::try_from(place.unwrap_or(0)).unwrap_or(0);
        let count = i32::try_from(timeline.buckets.len().max(1)).unwrap_or(1);
        format!("{}%", f64::from(place) * 100.0 / f64::from(count))
    };
    let go = move |event: web_sys::MouseEvent| {
        let Some(strip) = strip.get_untracked() else { return };
        let (x, width) = (event.offset_x().max(0), strip.client_width().max(1));
        let timeline = timeline.read_untracked();
        let count = i32::try_from(timeline.buckets.len()).unwrap_or(0);
        let place = usize::try_from((x * count / width).min(count - 1)).unwrap_or(0);
        let idx = timeline.buckets.iter().skip(place).find_map(|bucket| bucket.first_idx);
        if let Some(idx) = idx {
            pane.show(idx);
        }
    };
    view! {
        <div
            class="timeline"
            data-testid="timeline"
            role="img"
            aria-label=label
            title=label
            hidden=move || length.get() < FEWEST_LINES
            node_ref=strip
            on:click=go
        >
            <div class="bars" inner_html=bars></div>
            <i class="here" style:left=here></i>
        </div>
    }
    .into_any()
}

/// A bar for every bucket: its height is how much was said, its foot how much of that was trouble.
fn bars_html(timeline: &Timeline) -> String {
    let most = timeline.buckets.iter().map(|bucket| bucket.lines).max().unwrap_or(0).max(1);
    let mut out = String::new();
    for bucket in &timeline.buckets {
        if bucket.lines == 0 {
            out.push_str("<i></i>");
            continue;
        }
        // A single error among thousands of lines has to be seen.
        let share = |count: i64| if count == 0 { 0 } else { (count * 100 / bucket.lines).max(25) };
        out.push_str(&format!(
            "<i style=\"--h:{}%;--e:{}%;--w:{}%\"></i>",
            (bucket.lines * 100 / most).max(6),
            share(bucket.errors),
            share(bucket.warnings),
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_error_is_seen() {
        let bucket = |lines, errors| TimelineBucket { lines, errors, ..TimelineBucket::default() };
        let buckets = vec![bucket(1_000, 1), bucket(0, 0), bucket(10, 0)];
        let html = bars_html(&Timeline { from: 0, bucket_ms: 1, buckets });
        assert_eq!(
            html,
            "<i style=\"--h:100%;--e:25%;--w:0%\"></i><i></i><i style=\"--h:6%;--e:0%;--w:0%\"></i>"
        );
    }
}
