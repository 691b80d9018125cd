//! CPU and memory of a process and all that it started, over the last quarter of an hour. The pointer,
//! the finger or the arrow keys say a value and its time.

use leptos::prelude::*;

use super::tip::index_under;
use super::usage::every_two_seconds;
use crate::api::process_figures;
use crate::live::{Clock, use_live};
use crate::model::{Figures, Point, Process};
use crate::text::format::{format_bytes, format_percent, format_uptime};
use crate::text::graph::{area_of, path_of, share_of, top_of_bytes, top_of_cpu};

/// Of the drawing, in its own units; the style sheet stretches it.
const WIDTH: i64 = 900;
const HEIGHT: i64 = 160;

/// What a chart shows of a point, and how.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// In addresses and for the style sheet.
    class: &'static str,
    of: fn(&Point) -> i64,
    /// The value at the upper edge, for a greatest one.
    top: fn(i64) -> i64,
    words: fn(i64) -> String,
}

const CPU: Kind = Kind {
    name: "CPU",
    class: "cpu",
    of: |point| point.cpu_milli,
    top: top_of_cpu,
    words: format_percent,
};
const MEMORY: Kind = Kind {
    name: "Memory",
    class: "rss",
    of: |point| point.rss_bytes,
    top: top_of_bytes,
    words: format_bytes,
};

/// What a chart says besides its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summary {
    newest: i64,
    mean: i64,
    peak: i64,
}

impl Kind {
    fn summarize(self, points: &[Point]) -> Summary {
        let values = || points.iter().map(self.of);
        Summary {
            newest: values().next_back().unwrap_or(0),
            mean: values().sum::<i64>() / count_of(points).max(1),
            peak: values().max().unwrap_or(0),
        }
    }

    /// All of it in words, for those who do not see the line.
    fn label(self, points: &[Point], summary: Summary) -> String {
        let span = points.last().map_or(0, |p| p.ts) - points.first().map_or(0, |p| p.ts);
        let Summary { newest, mean, peak } = summary;
        let [newest, mean, peak] = [newest, mean, peak].map(self.words);
        let (name, span) = (self.name, format_uptime(span));
        format!("{name} over {span}: now {newest}, mean {mean}, peak {peak}")
    }
}

/// The tab: both charts, and what comes while they are looked at and it runs.
#[component]
pub(crate) fn Charts(
    /// Whose.
    process: RwSignal<Process>,
    /// As they were loaded.
    figures: Figures,
) -> impl IntoView {
    let clock = use_live().clock;
    let points = RwSignal::new(figures.points);
    let is_looked_at = Memo::new(move |_| process.read().pid.is_some());
    let ask = move || {
        let id = process.read_untracked().id.clone();
        leptos::task::spawn_local(async move {
            // The next look may come; until then stands what is known.
            if let Ok(fresh) = process_figures(id).await {
                points.try_set(fresh.points);
            }
        });
    };
    Effect::new(move |_| {
        if is_looked_at.get() {
            every_two_seconds(ask);
        }
    });
    // The same moment is marked in both.
    let looked_at = RwSignal::new(None);
    let is_drawn = Memo::new(move |_| points.read().len() > 1);
    view! {
        <section class="page tab" aria-label="Figures" data-testid="tab-page">
            {move || if is_drawn.get() {
                view! {
                    <Chart kind=CPU points looked_at clock/>
                    <Chart kind=MEMORY points looked_at clock/>
                }.into_any()
            } else {
                view! { <p class="empty">
                    "While it runs it is looked at every two seconds, and a quarter of an hour is kept.
                    There is nothing to show yet."
                </p> }.into_any()
            }}
        </section>
    }
    .into_any()
}

/// One figure over time.
#[component]
fn Chart(
    kind: Kind,
    points: RwSignal<Vec<Point>>,
    looked_at: RwSignal<Option<usize>>,
    clock: Clock,
) -> impl IntoView {
    let Kind { name, class, of, top, words } = kind;
    let summary = Memo::new(move |_| kind.summarize(&points.read()));
    let top = Memo::new(move |_| top(summary.get().peak));
    let line = Memo::new(move |_| path_of(&points.read(), top.get(), of, WIDTH, HEIGHT));
    let time_of = move |at: Option<&Point>| clock.time(at.map_or(0, |point| point.ts));
    // Of the point that is looked at: how far from the left and from the top, and its words.
    let look = Memo::new(move |_| {
        let (points, at) = (points.read(), looked_at.get()?);
        let at = at.min(points.len().checked_sub(1)?);
        let point = points.get(at)?;
        let across = share_of(i64::try_from(at).ok()?, (count_of(&points) - 1).max(1));
        let down = share_of(top.get() - of(point), top.get());
        Some((across, down, format!("{} · {}", words(of(point)), time_of(Some(point)))))
    });
    let move_to = move |event: web_sys::PointerEvent| {
        looked_at.set(index_under(&event, points.read_untracked().len()));
    };
    // A finger that is lifted leaves what it has shown.
    let leave = move |event: web_sys::PointerEvent| {
        if event.pointer_type() == "mouse" {
            looked_at.set(None);
        }
    };
    let last = move || points.read().len().saturating_sub(1);
    let fact = |name, value: fn(Summary) -> i64| {
        view! { <div><dt>{name}</dt><dd>{move || words(value(summary.get()))}</dd></div> }
    };
    view! {
        <figure class=format!("chart {class}") data-testid=format!("chart-{class}")>
            <figcaption>
                <h2>{name}</h2>
                <dl class="facts">
                    {fact("Now", |summary| summary.newest)}
                    {fact("Mean", |summary| summary.mean)}
                    {fact("Peak", |summary| summary.peak)}
                </dl>
            </figcaption>
            <div class="plot" on:pointermove=move_to on:pointerleave=leave>
                <svg
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=move || kind.label(&points.read(), summary.get())
                >
                    <path class="grid" d=format!("M0 {}H{WIDTH}", HEIGHT / 2)></path>
                    <path class="area" d=move || area_of(&line.read(), HEIGHT)></path>
                    <path class="curve" d=move || line.get()></path>
                </svg>
                <span class="scale" aria-hidden="true">{move || words(top.get())}</span>
                <span class="scale half" aria-hidden="true">{move || words(top.get() / 2)}</span>
                // For the keyboard, the finger and those who listen: a value of which one hears its time.
                <input
                    type="range"
                    class="look"
                    data-testid=format!("look-{class}")
                    min="0"
                    max=last
                    prop:value=move || looked_at.get().unwrap_or(last()).to_string()
                    aria-label=format!("{name} at a time")
                    aria-valuetext=move || look.get().map(|(.., words)| words)
                    on:focus=move |_| looked_at.update(|at| *at = at.or(Some(last())))
                    on:blur=move |_| looked_at.set(None)
                    on:input:target=move |event| looked_at.set(event.target().value().parse().ok())
                />
                {move || look.get().map(|(across, down, words)| view! {
                    <div
                        class="looked-at"
                        data-testid=format!("looked-at-{class}")
                        style=("--across", across)
                        style=("--down", down)
                    >
                        <i></i>
                        <output>{words}</output>
                    </div>
                })}
            </div>
            <div class="axis">
                <span>{move || time_of(points.read().first())}</span>
                <span>{move || time_of(points.read().last())}</span>
            </div>
        </figure>
    }
    .into_any()
}

fn count_of(points: &[Point]) -> i64 {
    i64::try_from(points.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look every two seconds: so much CPU, and a MiB more each time.
    fn points(cpu_milli: &[i64]) -> Vec<Point> {
        let point = |(at, cpu_milli): (i64, &i64)| Point {
            ts: at * 2_000,
            cpu_milli: *cpu_milli,
            rss_bytes: 1_048_576 * (at + 1),
        };
        (0..).zip(cpu_milli).map(point).collect()
    }

    #[test]
    fn the_chart_says_in_words_what_it_draws() {
        let points = points(&[500, 0, 250]);
        let summary = CPU.summarize(&points);
        assert_eq!(summary, Summary { newest: 250, mean: 250, peak: 500 });
        let label = CPU.label(&points, summary);
        assert_eq!(label, "CPU over 4 s: now 25.0 %, mean 25.0 %, peak 50.0 %");
        let label = MEMORY.label(&points, MEMORY.summarize(&points));
        assert_eq!(label, "Memory over 4 s: now 3.0 MiB, mean 2.0 MiB, peak 3.0 MiB");
    }

    #[test]
    fn of_nothing_all_is_nothing() {
        assert_eq!(CPU.summarize(&[]), Summary::default());
        let label = CPU.label(&[], Summary::default());
        assert_eq!(label, "CPU over 0 s: now 0.0 %, mean 0.0 %, peak 0.0 %");
    }

    /// The tab as the server renders it.
    #[cfg(feature = "ssr")]
    fn render(points: Vec<Point>) -> String {
        use leptos::tachys::view::RenderHtml;

        let owner = Owner::new();
        owner.with(|| {
            let process = RwSignal::new(Process::default());
            let process_id = process.read_untracked().id.clone();
            let figures = Figures { process_id, every_ms: 2_000, points };
            view! { <Charts process figures/> }.to_html().replace("<!>", "")
        })
    }

    #[test]
    #[cfg(feature = "ssr")]
    fn one_look_is_no_chart() {
        let html = render(points(&[10]));
        assert!(html.contains("nothing to show yet") && !html.contains("<svg"), "{html}");
        let html = render(points(&[0, 250, 500]));
        assert!(html.contains("CPU over 4 s: now 50.0 %, mean 25.0 %, peak 50.0 %"), "{html}");
        assert!(html.contains("M0 159L450 80L900 1V160H0z"), "{html}");
        assert!(html.contains("<span>00:00:00</span><span>00:00:04</span>"), "{html}");
    }
}
