//! Going about in the history: to an entry, and page by page as the reader scrolls.

use leptos::prelude::*;
use web_sys::HtmlDivElement;

use super::{Goal, LogPane};
use crate::live::{Feed, PAGE, ROW_PX, Request, Wanted, height_of};
use crate::model::LogPage;

/// So many rows from an end of what is loaded, the next page is asked for.
const NEAR: usize = 150;

impl LogPane {
    /// Goes to the first entry.
    pub(in crate::components) fn show_first(self) {
        self.show(0);
    }

    /// Shows the entry, in the middle of what is in sight.
    pub(in crate::components) fn show(self, idx: i64) {
        if self.feed.try_with_value(|feed| feed.covers(idx)) == Some(true) {
            self.feed.try_update_value(Feed::hold);
            return self.center(idx);
        }
        // What comes before it, and then what comes from it on.
        let filter = self.filter_query();
        let half = |tail: String| self.url(&format!("?limit={PAGE}{filter}&{tail}"));
        let (before, after) = (half(format!("before={idx}")), half(format!("after={}", idx - 1)));
        let live = self.live;
        let request = Request::get_json(&before, move |page: Result<LogPage, _>| match page {
            Ok(before) => {
                let mut before = Some(before.entries);
                let rest = Request::get_json(&after, move |page: Result<LogPage, _>| {
                    let before = before.take().unwrap_or_default();
                    match page {
                        Ok(from) => {
                            self.feed.try_update_value(|feed| feed.jump(before, from.entries));
                            self.center(idx);
                            self.page.put(None);
                        }
                        Err(problem) => live.alerts.report(&problem),
                    }
                });
                self.page.put(rest);
            }
            Err(problem) => live.alerts.report(&problem),
        });
        self.page.put(request);
    }

    fn center(self, idx: i64) {
        self.scroll_to.try_set_value(Some(Goal::Middle(idx)));
        self.schedule();
        if self.is_wrapped.get_untracked() {
            // Only the browser knows where the row will be, once it is drawn.
            request_animation_frame(move || request_animation_frame(move || self.reveal(idx)));
        }
    }

    fn reveal(self, idx: i64) {
        let content = self.content.try_get_untracked().flatten();
        let row = content.and_then(|content| {
            content.query_selector(&format!("[data-idx=\"{idx}\"]")).ok().flatten()
        });
        if let Some(row) = row {
            row.scroll_into_view();
        }
    }

    /// Asks for a page of the history, unless one is under way.
    pub(super) fn ask(self, wanted: Wanted) {
        if self.page.is_busy() {
            return;
        }
        let place = match wanted {
            Wanted::Before(idx) => format!("before={idx}"),
            Wanted::After(idx) => format!("after={idx}"),
        };
        let url = self.url(&format!("?{place}&limit={PAGE}{}", self.filter_query()));
        let live = self.live;
        let request = Request::get_json(&url, move |page: Result<LogPage, _>| {
            match page {
                Ok(page) => self.take_page(wanted, page),
                Err(problem) => live.alerts.report(&problem),
            }
            self.page.put(None);
        });
        self.page.put(request);
    }

    /// Puts a page in its place; what is in sight stays where it is.
    fn take_page(self, wanted: Wanted, page: LogPage) {
        let Some(container) = self.container.try_get_untracked().flatten() else { return };
        let top = container.scroll_top();
        let scroll_to = self.feed.try_update_value(|feed| {
            let place = usize::try_from(top / ROW_PX).unwrap_or(0);
            let anchor = feed.row(place).map(|row| row.key());
            feed.take_page(wanted, page.entries);
            let is_held = feed.is_held();
            anchor
                .filter(|_| is_held)
                .map(|key| Goal::Top(height_of(feed.place_of(key)) + top % ROW_PX))
        });
        if !self.is_wrapped.get_untracked() {
            self.scroll_to.try_set_value(scroll_to.flatten());
        }
        self.schedule();
    }
}

/// The page to ask for, when the reader comes near an end of what is loaded.
pub(super) fn wanted_page(
    feed: &Feed,
    container: &HtmlDivElement,
    is_wrapped: bool,
    first: usize,
    count: usize,
) -> Option<Wanted> {
    let (is_near_top, is_near_end) = if is_wrapped {
        let below = container.scroll_height() - container.scroll_top() - container.client_height();
        let near = height_of(NEAR / 4);
        (container.scroll_top() < near, below < near)
    } else {
        (first < NEAR, first + count + NEAR > feed.len())
    };
    let older = feed.older().filter(|_| is_near_top && (feed.is_held() || feed.len() < NEAR));
    older.or_else(|| feed.newer().filter(|_| is_near_end))
}
