//! What the log viewer draws, and when.
//!
//! # Theory of operation
//!
//! Messages change the [`Feed`], which no view depends on, and ask for a frame. Once a frame,
//! however many messages came, [`LogPane::draw`] measures the scroll container, takes the rows in
//! sight out of the feed, and sets one signal with them; the viewer's keyed list does the rest. So
//! the cost of a frame does not grow with the number of lines, and a burst never freezes the page.
//!
//! While the end is in sight the viewer follows. Scrolling up holds the rows still; going back to
//! the end lets go of them. The height of the content changes only in `draw`, which scrolls to the
//! end in the same breath: a scroll event that finds the end out of sight was the reader's doing.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::live::{Feed, Live, Row, SizeWatch, Viewport, height_of};
use crate::model::{Entry, ProcessId};

/// Rows in the first HTML, which knows no size: enough to fill a screen.
const FIRST_ROWS: usize = 100;

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
    /// Entries of the log before the first that can be scrolled to.
    pub(super) earlier: i64,
}

/// The handles of one viewer. Copies are the same.
#[derive(Clone, Copy)]
pub(super) struct LogPane {
    feed: StoredValue<Feed>,
    is_frame_due: StoredValue<bool>,
    /// What is drawn.
    pub(super) drawn: RwSignal<Drawn>,
    /// The element that scrolls.
    pub(super) container: NodeRef<html::Div>,
    /// The element in it that is as high as all rows.
    pub(super) content: NodeRef<html::Div>,
}

impl LogPane {
    /// A pane that begins with these entries.
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let feed = Feed::new(entries);
        let first = feed.len().saturating_sub(FIRST_ROWS);
        let rows = feed.slice(first, FIRST_ROWS);
        let drawn = Drawn { rows, earlier: feed.earlier(), ..Drawn::default() };
        Self {
            feed: StoredValue::new(feed),
            is_frame_due: StoredValue::new(false),
            drawn: RwSignal::new(drawn),
            container: NodeRef::new(),
            content: NodeRef::new(),
        }
    }

    /// Follows the log of `id` until the owner is cleaned up. For effects.
    pub(super) fn start(self, live: Live, id: ProcessId) {
        live.follow(id, self.feed, Callback::new(move |()| self.schedule()));
        on_cleanup(move || live.unfollow(self.feed));
        self.schedule();
        if let Some(container) = self.container.get_untracked() {
            StoredValue::new_local(SizeWatch::new(&container, move || self.schedule()));
        }
    }

    /// The reader or [`LogPane::draw`] scrolled.
    pub(super) fn scrolled(self) {
        let Some(container) = self.container.get_untracked() else { return };
        let is_at_end = viewport_of(&container).is_at_end(container.scroll_height());
        self.feed.try_update_value(|feed| feed.hold(!is_at_end));
        self.schedule();
    }

    /// Goes to the end and follows again.
    pub(super) fn follow(self) {
        self.feed.try_update_value(|feed| feed.hold(false));
        self.schedule();
    }

    /// Asks for a frame, once.
    fn schedule(self) {
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
        let drawn = self.feed.try_update_value(|feed| {
            feed.refresh();
            let height_px = height_of(feed.len());
            // Fails only for a name that is no property.
            let style = web_sys::HtmlElement::style(&content);
            let _ = style.set_property("height", &format!("{height_px}px"));
            if !feed.is_held() {
                container.set_scroll_top(height_px);
            }
            let (first, count) = viewport_of(&container).rows(feed.len());
            Drawn {
                rows: feed.slice(first, count),
                top_px: height_of(first),
                is_held: feed.is_held(),
                waiting: feed.waiting(),
                earlier: feed.earlier(),
            }
        });
        if let Some(drawn) = drawn
            && self.drawn.with_untracked(|before| *before != drawn)
        {
            self.drawn.set(drawn);
        }
    }
}

fn viewport_of(container: &web_sys::HtmlDivElement) -> Viewport {
    Viewport { top: container.scroll_top(), height: container.client_height() }
}
