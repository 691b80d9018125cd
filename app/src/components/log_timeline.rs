//! The log over time, in a strip above it: how much it said, and where the trouble was. It is a slider:
//! a click, a finger that is drawn along it and the arrow keys go there.

use leptos::html;
use leptos::prelude::*;

use super::log_pane::LogPane;
use super::tip::nearest;
use crate::live::{Request, RequestSlot, use_live};
use crate::model::{Process, Timeline, TimelineBucket};
use crate::text::format::format_count;

/// Below this there is nothing to find one's way in.
const FEWEST_LINES: i64 = 200;
/// The counts are taken anew when the log has grown by this, of what it was.
const GROWTH_PERCENT: i64 = 20;
/// How far the keys for pages go.
const PAGE: usize = 10;

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
    // Where somebody went, and to which line: it stands there while that line is in sight.
    let aimed = RwSignal::new(None::<(usize, i64)>);
    let here = Memo::new(move |_| {
        let (first, last) = pane.drawn.read().in_sight;
        let held = aimed.get().filter(|(_, idx)| (first..=last).contains(idx));
        held.map_or_else(|| place_of(&timeline.read(), first), |(place, _)| place)
    });
    let left = move || {
        // Nothing is said by the server, which does not count: the style sheet begins at the left.
        let count = timeline.read().buckets.len();
        (count > 0).then(|| {
            let share = here.get() * 1_000 / count;
            format!("{}.{}%", share / 10, share % 10)
        })
    };
    let last = move || timeline.read().buckets.len().saturating_sub(1);
    // Said of a place to those who do not see it.
    let words = move || {
        let timeline = timeline.read();
        let place = here.get();
        let bucket = timeline.buckets.get(place).copied().unwrap_or_default();
        let ts = timeline.from + timeline.bucket_ms * i64::try_from(place).unwrap_or(0);
        format!(
            "{}, {} lines, {} errors, {} warnings",
            clock.stamp(ts),
            format_count(bucket.lines),
            format_count(bucket.errors),
            format_count(bucket.warnings),
        )
    };
    let go = move |place: usize, is_back: bool| {
        let found = timeline.with_untracked(|timeline| said_near(timeline, place, is_back));
        if let Some((place, idx)) = found.filter(|found| aimed.get_untracked() != Some(*found)) {
            aimed.set(Some((place, idx)));
            pane.show(idx);
        }
    };
    let point = move |event: &web_sys::PointerEvent| {
        let count = timeline.with_untracked(|timeline| timeline.buckets.len());
        if let Some(strip) = strip.get_untracked()
            && let Some(place) = nearest(event.offset_x(), strip.client_width(), count)
        {
            go(place, false);
        }
    };
    let press = move |event: web_sys::PointerEvent| {
        if let Some(strip) = strip.get_untracked() {
            // Fails for a pointer that is gone already.
            let _ = strip.set_pointer_capture(event.pointer_id());
        }
        point(&event);
    };
    let key = move |event: web_sys::KeyboardEvent| {
        let place = here.get_untracked();
        let last = untrack(last);
        let (place, is_back) = match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => (place.checked_sub(1), true),
            "ArrowRight" | "ArrowUp" => (Some(place + 1), false),
            "PageDown" => (Some(place.saturating_sub(PAGE)), true),
            "PageUp" => (Some((place + PAGE).min(last)), false),
            "Home" => (Some(0), false),
            "End" => (None, true),
            _ => return,
        };
        event.prevent_default();
        if event.key() == "End" {
            // Behind the first line of the last place there may be many more.
            aimed.set(None);
            pane.follow();
        }
        if let Some(place) = place {
            go(place, is_back);
        }
    };
    view! {
        <div
            class="timeline"
            data-testid="timeline"
            role="slider"
            tabindex="0"
            aria-label="Log over time"
            aria-valuemin="0"
            aria-valuemax=last
            aria-valuenow=move || here.get()
            aria-valuetext=words
            title=label
            hidden=move || length.get() < FEWEST_LINES
            node_ref=strip
            on:pointerdown=press
            on:pointermove=move |event| {
                if event.buttons() != 0 {
                    point(&event);
                }
            }
            on:keydown=key
        >
            <div class="bars" inner_html=bars></div>
            <i class="here" style:left=left></i>
        </div>
    }
    .into_any()
}

/// The bucket that a line is in.
fn place_of(timeline: &Timeline, idx: i64) -> usize {
    let is_before = |bucket: &TimelineBucket| bucket.first_idx.is_some_and(|first| first <= idx);
    timeline.buckets.iter().rposition(is_before).unwrap_or(0)
}

/// The bucket nearest to a place in which something was said, on its way, and its first line.
fn said_near(timeline: &Timeline, place: usize, is_back: bool) -> Option<(usize, i64)> {
    let said = |(at, bucket): (usize, &TimelineBucket)| Some((at, bucket.first_idx?));
    let buckets = || timeline.buckets.iter().enumerate();
    let before = || buckets().take(place + 1).rev().find_map(said);
    let after = || buckets().skip(place).find_map(said);
    if is_back { before().or_else(after) } else { after().or_else(before) }
}

/// A bar for every bucket, as a drawing that the style sheet stretches: its height is how much was said,
/// its foot how much of that was trouble.
fn bars_html(timeline: &Timeline) -> String {
    let most = timeline.buckets.iter().map(|bucket| bucket.lines).max().unwrap_or(0).max(1);
    let [mut all, mut warnings, mut errors, mut gaps] = [const { String::new() }; 4];
    for (at, bucket) in timeline.buckets.iter().enumerate() {
        gaps.push_str(&format!("M{at} 0V100"));
        if bucket.lines == 0 {
            continue;
        }
        let height = (bucket.lines * 100 / most).max(6);
        // A single error among thousands of lines has to be seen.
        let share = |count: i64| if count == 0 { 0 } else { (count * 100 / bucket.lines).max(25) };
        let foot = |percent: i64| height * percent.min(100) / 100;
        let (red, amber) = (share(bucket.errors), share(bucket.warnings));
        for (path, height) in [
            (&mut all, height),
            (&mut warnings, if amber == 0 { 0 } else { foot(red + amber) }),
            (&mut errors, foot(red)),
        ] {
            if height > 0 {
                path.push_str(&format!("M{at} 100v-{height}h1v{height}z"));
            }
        }
    }
    format!(
        "<svg viewBox=\"0 0 {} 100\" preserveAspectRatio=\"none\"><path d=\"{all}\"/>\
         <path class=\"warn\" d=\"{warnings}\"/><path class=\"error\" d=\"{errors}\"/>\
         <path class=\"gaps\" d=\"{gaps}\"/></svg>",
        timeline.buckets.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_said_nothing_is_passed_over() {
        let bucket = |first_idx| TimelineBucket { first_idx, ..TimelineBucket::default() };
        let buckets = [Some(0), None, None, Some(40), Some(90), None].map(bucket).to_vec();
        let timeline = Timeline { from: 0, bucket_ms: 1, buckets };
        let near = |place, is_back| said_near(&timeline, place, is_back);
        assert_eq!(near(1, false), Some((3, 40)));
        assert_eq!(near(2, true), Some((0, 0)));
        assert_eq!(near(5, false), Some((4, 90)));
        assert_eq!(near(9, true), Some((4, 90)));
        assert_eq!([0, 39, 40, 500].map(|idx| place_of(&timeline, idx)), [0, 0, 3, 4]);
        assert_eq!(said_near(&Timeline::default(), 0, false), None);
    }

    #[test]
    fn a_single_error_is_seen() {
        let bucket = |lines, errors| TimelineBucket { lines, errors, ..TimelineBucket::default() };
        let buckets = vec![bucket(1_000, 1), bucket(0, 0), bucket(10, 0)];
        let html = bars_html(&Timeline { from: 0, bucket_ms: 1, buckets });
        let path = |class: &str, d: &str| format!("<path{class} d=\"{d}\"/>");
        for part in [
            path("", "M0 100v-100h1v100zM2 100v-6h1v6z"),
            path(" class=\"warn\"", ""),
            path(" class=\"error\"", "M0 100v-25h1v25z"),
        ] {
            assert!(html.contains(&part), "{html}");
        }
        assert!(!html.contains("style="), "{html}");
    }
}
