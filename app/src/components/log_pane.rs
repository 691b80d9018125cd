//! What the log viewer draws, and when.
//!
//! # Theory of operation
//!
//! Messages change the [`Feed`], which no view depends on, and ask for a frame. Once a frame,
//! however many messages came, [`LogPane::draw`] measures the scroll container, takes the rows in
//! sight out of the feed, and sets one signal with them; the viewer's keyed list does the rest. So
//! the cost of a frame does not grow with the number of lines, and a burst never freezes the page.
//!
//! While the end is in sight the viewer follows. Scrolling up holds the rows still; near an end of
//! what is loaded the next page of the history is asked for, and the row in sight stays where it is
//! when the page comes. The height of the content changes only in `draw`, which scrolls in the same
//! breath: a scroll event that finds the end out of sight was the reader's doing.
//!
//! Wrapped lines have heights that only the browser knows. Then fewer rows are kept, all of them are
//! drawn, and the browser keeps the row in sight in its place.

mod history;

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlDivElement;

use history::wanted_page;

use crate::live::{
    Feed, LineFilter, Live, ROW_PX, RequestSlot, Row, SizeWatch, Viewport, height_of,
};
use crate::model::{LogPage, ProcessId};

/// Rows in the first HTML, which knows no size: enough to fill a screen.
const FIRST_ROWS: usize = 60;
/// Rows drawn while following wrapped lines.
const WRAPPED_ROWS: usize = 300;

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Drawn {
    /// The rows in sight and a few around them.
    pub(super) rows: Vec<Arc<Row>>,
    /// Where the first of them is, in pixels from the top of the content.
    pub(super) top_px: i32,
    /// Whether the reader scrolled up.
    pub(super) is_held: bool,
    /// Entries that came since.
    pub(super) waiting: i64,
    /// The first row in sight, and the last: their indexes.
    pub(super) in_sight: (i64, i64),
}

/// A place to scroll to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// So far from the top, in pixels.
    Top(i32),
    /// The entry in the middle of what is in sight.
    Middle(i64),
}

/// The handles of one viewer. Copies are the same.
#[derive(Clone, Copy)]
pub(super) struct LogPane {
    live: Live,
    id: StoredValue<ProcessId>,
    feed: StoredValue<Feed>,
    is_frame_due: StoredValue<bool>,
    /// Where to scroll to with the next frame.
    scroll_to: StoredValue<Option<Goal>>,
    /// How far it was scrolled when that was last looked at.
    last_top: StoredValue<i32>,
    /// The page of the history that is under way.
    page: RequestSlot,
    /// Whether long lines are wrapped.
    pub(super) is_wrapped: RwSignal<bool>,
    /// What is shown.
    pub(super) filter: RwSignal<LineFilter>,
    /// What is drawn.
    pub(super) drawn: RwSignal<Drawn>,
    /// The element that scrolls.
    pub(super) container: NodeRef<html::Div>,
    /// The element in it that is as high as all rows.
    pub(super) content: NodeRef<html::Div>,
    /// The element in that with the rows that are drawn.
    pub(super) rows: NodeRef<html::Div>,
}

impl LogPane {
    /// A pane that begins with these entries: the newest, or those up to anywhere in a log that
    /// goes on to `next_idx`.
    pub(super) fn new(live: Live, id: ProcessId, page: LogPage, next_idx: Option<i64>) -> Self {
        let newest = page.entries.last().map_or(0, |entry| entry.idx + 1);
        let feed = Feed::new(page.entries, next_idx.unwrap_or(newest));
        let first = if feed.is_held() { 0 } else { feed.len().saturating_sub(FIRST_ROWS) };
        let rows = feed.slice(first, if feed.is_held() { feed.len() } else { FIRST_ROWS });
        let top_px = height_of(first);
        let drawn = Drawn { rows, top_px, is_held: feed.is_held(), ..Drawn::default() };
        Self {
            live,
            id: StoredValue::new(id),
            feed: StoredValue::new(feed),
            is_frame_due: StoredValue::new(false),
            scroll_to: StoredValue::new(None),
            last_top: StoredValue::new(0),
            page: RequestSlot::new(),
            is_wrapped: RwSignal::new(false),
            filter: RwSignal::default(),
            drawn: RwSignal::new(drawn),
            container: NodeRef::new(),
            content: NodeRef::new(),
            rows: NodeRef::new(),
        }
    }

    /// Follows the log until the owner is cleaned up, and shows the entry `line` first, if any. For
    /// effects.
    pub(super) fn start(self, line: Option<i64>) {
        let wake = Callback::new(move |()| self.schedule());
        self.live.follow(self.id.get_value(), self.feed, wake);
        on_cleanup(move || self.live.unfollow(self.feed));
        if let Some(line) = line {
            self.show(line);
        }
        self.schedule();
        if let Some(container) = self.container.get_untracked() {
            StoredValue::new_local(SizeWatch::new(&container, move || self.schedule()));
        }
    }

    /// The rows from one index to another, when all of them are loaded.
    pub(super) fn rows_between(self, first: i64, last: i64) -> Option<Vec<Arc<Row>>> {
        let rows = self.feed.try_with_value(|feed| {
            let is_loaded = feed.covers(first) && feed.covers(last);
            let (from, end) = (feed.place_of(first), feed.place_of(last + 1));
            is_loaded.then(|| feed.slice(from, end.saturating_sub(from)))
        });
        rows.flatten()
    }

    /// The address of this log's door, for what stands behind `logs`.
    pub(super) fn url(self, tail: &str) -> String {
        format!("/api/processes/{}/logs{tail}", self.id.get_value())
    }

    /// The filter, as the end of a query.
    pub(super) fn filter_query(self) -> String {
        self.filter.try_with_untracked(LineFilter::query).unwrap_or_default()
    }

    /// Changes what is shown.
    pub(super) fn change_filter(self, change: impl FnOnce(&mut LineFilter)) {
        let mut filter = self.filter.get_untracked();
        change(&mut filter);
        if self.filter.with_untracked(|before| *before == filter) {
            return;
        }
        self.filter.set(filter.clone());
        self.page.put(None);
        self.feed.try_update_value(|feed| feed.set_filter(filter));
        self.schedule();
    }

    /// The reader or [`LogPane::draw`] scrolled.
    pub(super) fn scrolled(self) {
        let Some(container) = self.container.get_untracked() else { return };
        let viewport = viewport_of(&container);
        let is_at_end = viewport.is_at_end(container.scroll_height());
        let before = self.last_top.try_update_value(|top| std::mem::replace(top, viewport.top));
        // The end can go out of sight because something else grew: only going up is leaving it.
        let is_upward = before.is_some_and(|before| viewport.top < before);
        self.feed.try_update_value(|feed| {
            if is_at_end {
                feed.reach_end();
            } else if is_upward {
                feed.hold();
            }
        });
        self.schedule();
    }

    /// Goes to the end and follows.
    pub(super) fn follow(self) {
        self.page.put(None);
        self.feed.try_update_value(Feed::follow);
        self.schedule();
    }

    /// Asks for a frame, once.
    pub(super) fn schedule(self) {
        let was_due = self.is_frame_due.try_update_value(|due| std::mem::replace(due, true));
        if was_due == Some(false) {
            request_animation_frame(move || self.draw());
        }
    }

    fn draw(self) {
        self.is_frame_due.try_set_value(false);
        let container = self.container.try_get_untracked().flatten();
        let content = self.content.try_get_untracked().flatten();
        let (Some(container), Some(content)) = (container, content) else { return };
        let is_wrapped = self.is_wrapped.get_untracked();
        let scroll_to = self.scroll_to.try_update_value(Option::take).flatten();
        let result = self.feed.try_update_value(|feed| {
            feed.refresh();
            place(&content, "--height", height_of(feed.len()));
            match scroll_to {
                _ if !feed.is_held() => container.set_scroll_top(container.scroll_height()),
                Some(Goal::Top(top)) if !is_wrapped => container.set_scroll_top(top),
                Some(Goal::Middle(idx)) if !is_wrapped => {
                    let middle = container.client_height() / 2 - ROW_PX;
                    container.set_scroll_top((height_of(feed.place_of(idx)) - middle).max(0));
                }
                _ => {}
            }
            self.last_top.try_set_value(container.scroll_top());
            let viewport = viewport_of(&container);
            let (first, count) =
                if is_wrapped { wrapped_rows(feed) } else { viewport.rows(feed.len()) };
            let wanted = wanted_page(feed, &container, is_wrapped, first, count);
            let in_sight = viewport.in_sight(feed.len());
            let key_at = |place| feed.row(place).map_or(0, |row| row.key());
            let drawn = Drawn {
                rows: feed.slice(first, count),
                top_px: if is_wrapped { 0 } else { height_of(first) },
                is_held: feed.is_held(),
                waiting: feed.waiting(),
                in_sight: (key_at(in_sight.0), key_at(in_sight.1)),
            };
            (drawn, wanted)
        });
        let Some((drawn, wanted)) = result else { return };
        if let Some(rows) = self.rows.try_get_untracked().flatten() {
            place(&rows, "--top", drawn.top_px);
        }
        let is_following = !drawn.is_held;
        if self.drawn.with_untracked(|before| *before != drawn) {
            self.drawn.set(drawn);
            if is_wrapped && is_following {
                // The rows are drawn after this, and only then is their height known.
                queue_microtask(move || container.set_scroll_top(container.scroll_height()));
            }
        }
        if let Some(wanted) = wanted {
            self.ask(wanted);
        }
    }
}

/// Tells the style sheet a length. A policy forbids styles in the page itself, so what is served has none.
fn place(element: &HtmlDivElement, property: &str, px: i32) {
    // Fails only for a name that is no property.
    let _ = web_sys::HtmlElement::style(element).set_property(property, &format!("{px}px"));
}

/// All rows while they are held; the newest while they are followed.
fn wrapped_rows(feed: &Feed) -> (usize, usize) {
    let count = if feed.is_held() { feed.len() } else { feed.len().min(WRAPPED_ROWS) };
    (feed.len() - count, count)
}

fn viewport_of(container: &HtmlDivElement) -> Viewport {
    Viewport { top: container.scroll_top(), height: container.client_height() }
}
