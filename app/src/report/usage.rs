//! CPU and memory of a process and all that it started, over the last quarter of an hour.

use leptos::prelude::*;

use super::Html;
use crate::model::{Figures, Point};
use crate::text::format::{format_bytes, format_clock, format_uptime};
use crate::text::graph::path_of;

const WIDTH: i64 = 900;
const HEIGHT: i64 = 160;

/// The tab; times are `zone_min` minutes east of UTC.
pub(crate) fn render_usage(figures: &Figures, zone_min: i64) -> String {
    let points = &figures.points;
    if points.len() < 2 {
        let words = "While it runs it is looked at every two seconds, and a quarter of an hour is \
                     kept. There is nothing to show yet.";
        return view! { <p class="empty">{words}</p> }.html();
    }
    view! {
        {chart("CPU", "cpu", points, |point| point.cpu_milli, 100, cpu_words, zone_min)}
        {chart("Memory", "rss", points, |point| point.rss_bytes, 1, format_bytes, zone_min)}
    }
    .html()
}

/// `12.5 %` of one core.
fn cpu_words(milli: i64) -> String {
    format!("{}.{} %", milli / 10, milli % 10)
}

/// One figure over time. Its top is the greatest value, `least` at least.
fn chart(
    name: &'static str,
    class: &'static str,
    points: &[Point],
    of: fn(&Point) -> i64,
    least: i64,
    words: fn(i64) -> String,
    zone_min: i64,
) -> AnyView {
    let values = || points.iter().map(of);
    let peak = values().max().unwrap_or(0);
    let mean = values().sum::<i64>() / i64::try_from(points.len()).unwrap_or(1).max(1);
    let newest = values().next_back().unwrap_or(0);
    let line = path_of(points, (peak + peak / 8).max(least), of, WIDTH, HEIGHT);
    let area = format!("{line}V{HEIGHT}H0z");
    let view_box = format!("0 0 {WIDTH} {HEIGHT}");
    let (first, last) = (points.first(), points.last());
    let clock = |point: Option<&Point>| {
        let text = format_clock(point.map_or(0, |point| point.ts), zone_min);
        text.get(..8).unwrap_or_default().to_owned()
    };
    let span = last.map_or(0, |last| last.ts) - first.map_or(0, |first| first.ts);
    let label = format!(
        "{name} over {}: now {}, mean {}, peak {}",
        format_uptime(span),
        words(newest),
        words(mean),
        words(peak)
    );
    let facts = [("Now", newest), ("Mean", mean), ("Peak", peak)];
    let facts =
        facts.map(|(name, value)| view! { <div><dt>{name}</dt><dd>{words(value)}</dd></div> });
    view! {
        <figure class=format!("chart {class}") data-testid=format!("chart-{class}")>
            <figcaption>
                <h2>{name}</h2>
                <dl class="facts">{facts.into_iter().collect_view()}</dl>
            </figcaption>
            <svg viewBox=view_box preserveAspectRatio="none" role="img" aria-label=label>
                <path class="area" d=area></path>
                <path class="curve" d=line></path>
            </svg>
            <div class="axis"><span>{clock(first)}</span><span>{clock(last)}</span></div>
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessId;

    #[test]
    fn the_chart_says_in_words_what_it_draws() {
        let point = |(at, cpu_milli): (i64, i64)| Point {
            ts: at * 2_000,
            cpu_milli,
            rss_bytes: 1_048_576 * (at + 1),
        };
        let points = (0..).zip([0, 250, 500]).map(point).collect();
        let figures = Figures { process_id: ProcessId("p".into()), every_ms: 2_000, points };
        let html = render_usage(&figures, 60);
        assert!(html.contains("CPU over 4 s: now 50.0 %, mean 25.0 %, peak 50.0 %"), "{html}");
        assert!(html.contains("Memory over 4 s: now 3.0 MiB, mean 2.0 MiB"), "{html}");
        assert!(html.contains("<span>01:00:00</span><span>01:00:04</span>"), "{html}");
        assert!(html.contains("M0 159L450 89L900 19V160H0z"), "{html}");
    }

    #[test]
    fn one_look_is_no_chart() {
        let figures =
            Figures { process_id: ProcessId("p".into()), every_ms: 2_000, points: vec![] };
        assert!(render_usage(&figures, 0).contains("nothing to show yet"));
    }
}
