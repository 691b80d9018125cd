//! What runs, what failed and why, and how full things are.

use leptos::prelude::*;

use super::Html;
use super::process_link::process_link;
use crate::model::{Point, Process};
use crate::text::format::{format_bytes, format_percent, format_uptime};
use crate::text::graph::share_of;

/// Shown of each list.
const SHOWN: usize = 12;
/// Shown of the busiest.
const BUSIEST: usize = 5;
/// Less that is free in the database is not worth a word.
const MENTIONED_BYTES: i64 = 1 << 20;

/// What there is to see for one who asks.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Now, in milliseconds since the epoch.
    pub now: i64,
    /// What runs, newest first.
    pub running: Vec<Process>,
    /// What waits for a slot or for another process.
    pub waiting: Vec<Process>,
    /// What failed or was lost since yesterday, newest first: the newest of them.
    pub failed: Vec<Process>,
    /// How many of them there are.
    pub failed_count: usize,
    /// Job slots in use and all of them; for those who may see Runyard as a whole.
    pub slots: Option<(usize, usize)>,
    /// What the database takes on the disk; for the same.
    pub space: Option<Space>,
    /// What logs take; for the same.
    pub logs: Option<LogReport>,
    /// What runs, with what it uses now, the busiest first.
    pub busy: Vec<(Process, Point)>,
}

/// What the database takes on the disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// The whole file.
    pub bytes: i64,
    /// What is free in it: it is used again before the file grows.
    pub free_bytes: i64,
}

/// What logs take, and what of it does not stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogReport {
    /// All of them, compressed.
    pub bytes: i64,
    /// What is removed of them within a day.
    pub due_bytes: i64,
    /// `logs.keep_days`; 0 is for ever.
    pub keep_days: u32,
    /// `logs.max_bytes`; 0 is without a bound.
    pub max_bytes: u64,
}

impl LogReport {
    /// What is kept and what goes, in words.
    fn words(&self) -> String {
        let most = i64::try_from(self.max_bytes).unwrap_or(i64::MAX);
        let kept = match (self.keep_days, most) {
            (0, 0) => return "kept for ever".to_owned(),
            (0, most) => format!("at most {}", format_bytes(most)),
            (1, 0) => "kept for a day".to_owned(),
            (days, 0) => format!("kept for {days} days"),
            (days, most) => format!("{days} days, at most {}", format_bytes(most)),
        };
        match self.due_bytes {
            0 => format!("{kept}; nothing goes within a day"),
            due => format!("{kept}; {} go within a day", format_bytes(due)),
        }
    }
}

/// The part of the start page beside the list.
#[must_use]
pub fn render_overview(overview: &Overview) -> String {
    let Overview { now, running, waiting, failed, failed_count, slots, space, logs, busy } =
        overview;
    let mut tiles = vec![
        Tile::count("Running", running.len(), "/?q=status:running"),
        Tile::count("Waiting", waiting.len(), "/?q=status:queued"),
        Tile::count("Failed in 24 hours", *failed_count, "/?q=status:failed"),
    ];
    tiles.extend(slots.map(|(used, all)| slot_tile(used, all)));
    tiles.extend(space.map(space_tile));
    tiles.extend(logs.map(|logs| log_tile(&logs)));
    let tiles = tiles.into_iter().map(Tile::view).collect_view();
    let nothing = |words: &'static str| view! { <p class="empty">{words}</p> }.into_any();
    let failed_rows = list("failed", failed, *failed_count, |process| failed_row(process, *now));
    let failed_list = failed_rows.unwrap_or_else(|| nothing("Nothing failed."));
    let waiting_rows =
        list("waiting", waiting, waiting.len(), |process| row(process, process.created_at, *now));
    let busiest = busy.get(..BUSIEST).unwrap_or(busy);
    let busy_rows = list("busy", busiest, 0, |(process, point)| busy_row(process, *point));
    let mut longest: Vec<_> = running.iter().collect();
    longest.sort_by_key(|process| process.started_at);
    let started = |process: &Process| process.started_at.unwrap_or(process.created_at);
    let running_rows =
        list("running", &longest, longest.len(), |process| row(process, started(process), *now));
    let running_list =
        running_rows.unwrap_or_else(|| nothing("Nothing runs. Start a script from the list."));
    view! {
        <div class="tiles" data-testid="tiles">{tiles}</div>
        {section("Failed since yesterday", failed_list)}
        {waiting_rows.map(|rows| section("Next in line", rows))}
        {busy_rows.map(|rows| section("Busiest now", rows))}
        {section("Running longest", running_list)}
    }
    .html()
}

fn section(title: &'static str, content: AnyView) -> AnyView {
    let id = title.to_lowercase().replace(' ', "-");
    let label = id.clone();
    view! {
        <section aria-labelledby=label>
            <h2 id=id>{title}</h2>
            {content}
        </section>
    }
    .into_any()
}

/// The first of them as rows, and how many of `count` there are besides; nothing when there are none.
fn list<T>(
    testid: &'static str,
    all: &[T],
    count: usize,
    row: impl Fn(&T) -> AnyView,
) -> Option<AnyView> {
    if all.is_empty() {
        return None;
    }
    let rows = all.iter().take(SHOWN).map(row).collect_view();
    let more = count.saturating_sub(SHOWN);
    let more = (more > 0).then(|| view! { <li class="more">{format!("and {more} more")}</li> });
    Some(view! { <ul class="reports" data-testid=testid>{rows}{more}</ul> }.into_any())
}

/// A figure at the top of the page.
#[derive(Default)]
struct Tile {
    name: &'static str,
    value: String,
    /// What else there is to say of it.
    note: Option<String>,
    /// Where there is more of it.
    href: Option<&'static str>,
    /// How full it is.
    share: Option<String>,
    testid: Option<&'static str>,
}

impl Tile {
    /// How many processes are in a state; the list shows which.
    fn count(name: &'static str, count: usize, href: &'static str) -> Self {
        Self { name, value: count.to_string(), href: Some(href), ..Self::default() }
    }

    fn view(self) -> AnyView {
        let Self { name, value, note, href, share, testid } = self;
        let note = note.map(|note| view! { <dd class="tile-note">{note}</dd> });
        let meter = share.map(|share| {
            view! { <svg class="meter" aria-hidden="true"><rect width=share height="100%"></rect></svg> }
        });
        let inner = view! { <dl><dt>{name}</dt><dd>{value}</dd>{note}</dl>{meter} };
        match href {
            Some(href) => view! { <a class="tile" href=href rel="external">{inner}</a> }.into_any(),
            None => view! { <div class="tile" data-testid=testid>{inner}</div> }.into_any(),
        }
    }
}

fn slot_tile(used: usize, all: usize) -> Tile {
    let share = share_of(used.try_into().unwrap_or(i64::MAX), all.try_into().unwrap_or(i64::MAX));
    let value = format!("{used} of {all}");
    Tile { name: "Job slots in use", value, share: Some(share), ..Tile::default() }
}

fn space_tile(space: Space) -> Tile {
    // What is less is used again at once.
    let free = Some(space.free_bytes).filter(|free| *free >= MENTIONED_BYTES);
    let note = free.map(|free| format!("{} of it free", format_bytes(free)));
    Tile { name: "Database", value: format_bytes(space.bytes), note, ..Tile::default() }
}

fn log_tile(logs: &LogReport) -> Tile {
    let (value, note) = (format_bytes(logs.bytes), Some(logs.words()));
    Tile { name: "Logs", value, note, testid: Some("log-usage"), ..Tile::default() }
}

fn busy_row(process: &Process, point: Point) -> AnyView {
    let cpu = format!("{} CPU", format_percent(point.cpu_milli));
    view! {
        <li>
            {process_link(process, "/figures", None)}
            <span class="reason">{process.project.clone()}</span>
            <span class="ago">{cpu}</span>
            <span class="ago">{format_bytes(point.rss_bytes)}</span>
        </li>
    }
    .into_any()
}

fn failed_row(process: &Process, now: i64) -> AnyView {
    let compare = format!("/processes/{}/compare#first", process.id);
    let ago = process.ended_at.map(|ended| format!("{} ago", format_uptime(now - ended)));
    view! {
        <li>
            {process_link(process, "", None)}
            <span class="reason">{process.reason.clone()}</span>
            <a href=compare rel="external">"Compare"</a>
            <span class="ago">{ago}</span>
        </li>
    }
    .into_any()
}

/// A process since some time, with why it is as it is.
fn row(process: &Process, since: i64, now: i64) -> AnyView {
    view! {
        <li>
            {process_link(process, "", None)}
            <span class="reason">{process.reason.clone()}</span>
            <span class="ago">{format_uptime(now - since)}</span>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_how_many_more_there_are() {
        let overview = Overview {
            waiting: vec![Process::default(); SHOWN + 2],
            space: Some(Space { bytes: 8 << 20, free_bytes: 2 << 20 }),
            slots: Some((1, 4)),
            ..Overview::default()
        };
        let html = render_overview(&overview);
        assert!(html.contains("and 2 more") && html.contains("Next in line"), "{html}");
        assert!(
            html.contains("2.0 MiB of it free") && html.contains("<rect width=\"25.0%\""),
            "{html}"
        );
        assert!(html.contains("Nothing failed.") && !html.contains("Busiest"), "{html}");
    }

    #[test]
    fn what_failed_is_counted_beyond_what_is_listed() {
        let failed = vec![Process::default(); 2];
        let overview = Overview { failed, failed_count: 1_234, ..Overview::default() };
        let html = render_overview(&overview).replace("<!>", "");
        assert!(html.contains("<dd>1234</dd>") && html.contains("and 1222 more"), "{html}");
    }

    #[test]
    fn what_stays_and_what_goes_is_said() {
        let words = |keep_days, max_bytes, due_bytes| {
            LogReport { bytes: 1, due_bytes, keep_days, max_bytes }.words()
        };
        assert_eq!(words(0, 0, 0), "kept for ever");
        assert_eq!(words(30, 0, 0), "kept for 30 days; nothing goes within a day");
        assert_eq!(words(0, 1 << 30, 1_536), "at most 1.0 GiB; 1.5 KiB go within a day");
        assert_eq!(words(7, 1 << 20, 0), "7 days, at most 1.0 MiB; nothing goes within a day");
    }
}
