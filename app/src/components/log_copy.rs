//! Copying lines clean: what is chosen is asked for, page by page, where it is not loaded.

use std::time::Duration;

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;

use super::log_pane::LogPane;
use crate::live::{Alerts, Request, RequestSlot, Row, use_live};
use crate::model::LogPage;
use crate::text::ansi::plain_text;
use crate::text::format::format_count;

/// More than this at once is for a download: it would all have to be held twice.
const MOST: i64 = 50_000;
/// Entries asked for at once.
const PAGE: usize = 5_000;
/// How long it says that it is done.
const SAID_FOR: Duration = Duration::from_secs(2);

/// How copying stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CopyState {
    #[default]
    Idle,
    /// So many lines have come.
    Asking(usize),
    Done,
}

impl CopyState {
    /// For the button.
    pub(super) fn words(self) -> String {
        match self {
            Self::Idle => "Copy".to_owned(),
            Self::Asking(lines) => {
                format!("{} lines …", format_count(i64::try_from(lines).unwrap_or(i64::MAX)))
            }
            Self::Done => "Copied".to_owned(),
        }
    }
}

/// What copies from one log. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(super) struct Copying {
    pane: LogPane,
    alerts: Alerts,
    state: RwSignal<CopyState>,
    request: RequestSlot,
}

impl Copying {
    pub(super) fn new(pane: LogPane, state: RwSignal<CopyState>) -> Self {
        Self { pane, alerts: use_live().alerts, state, request: RequestSlot::new() }
    }

    /// Asks no further.
    pub(super) fn give_up(self) {
        self.request.put(None);
        self.state.set(CopyState::Idle);
    }

    /// Copies the lines from one index to another, as far as the filter lets them through.
    pub(super) fn copy(self, (first, last): (i64, i64)) {
        let count = last - first + 1;
        if count > MOST {
            let (count, most) = (format_count(count), format_count(MOST));
            return self.alerts.say(format!(
                "{count} lines are chosen and at most {most} can be copied: choose fewer, or \
                 download the log under Show"
            ));
        }
        match self.loaded(first, last) {
            Some(lines) => self.write(&lines),
            None => self.ask(first, last, Vec::new()),
        }
    }

    /// Their texts, when all of them are loaded.
    fn loaded(self, first: i64, last: i64) -> Option<Vec<String>> {
        let rows = self.pane.rows_between(first, last)?;
        let text = |row: &std::sync::Arc<Row>| match &**row {
            Row::Line(line) => Some(line.plain_text()),
            Row::Gap { .. } => None,
        };
        rows.iter().map(text).collect()
    }

    fn ask(self, from: i64, last: i64, mut lines: Vec<String>) {
        self.state.set(CopyState::Asking(lines.len()));
        let filter = self.pane.filter_query();
        let url = self.pane.url(&format!("?after={}&limit={PAGE}{filter}", from - 1));
        let request = Request::get_json(&url, move |page: Result<LogPage, _>| {
            let entries = match page {
                Ok(page) => page.entries,
                Err(problem) => {
                    self.give_up();
                    return self.alerts.report(&problem);
                }
            };
            let is_whole = entries.len() < PAGE;
            let next = entries.last().map_or(last, |entry| entry.idx) + 1;
            let chosen = entries.iter().filter(|entry| entry.idx <= last);
            lines.extend(chosen.map(|entry| plain_text(&entry.line)));
            let lines = std::mem::take(&mut lines);
            if is_whole || next > last {
                self.request.put(None);
                self.write(&lines);
            } else {
                self.ask(next, last, lines);
            }
        });
        self.request.put(request);
    }

    fn write(self, lines: &[String]) {
        let text = lines.join("\n");
        leptos::task::spawn_local(async move {
            let is_done = write_clipboard(self.alerts, &text).await;
            self.state.try_set(if is_done { CopyState::Done } else { CopyState::Idle });
            let forget = move || {
                self.state.try_update(|state| {
                    if *state == CopyState::Done {
                        *state = CopyState::Idle;
                    }
                });
            };
            set_timeout(forget, SAID_FOR);
        });
    }
}

/// Copies a text; where that cannot be, it says why.
async fn write_clipboard(alerts: Alerts, text: &str) -> bool {
    // Only pages of a secure origin may write to the clipboard.
    if !window().is_secure_context() {
        alerts.say("the browser copies only from pages that come by https".to_owned());
        return false;
    }
    let is_done = JsFuture::from(window().navigator().clipboard().write_text(text)).await.is_ok();
    if !is_done {
        alerts.say("the browser does not let the page copy: allow it for this page".to_owned());
    }
    is_done
}

/// Hands an address to whom the browser knows, or copies it; `is_copied` is told for a while.
pub(super) async fn share(alerts: Alerts, url: String, is_copied: RwSignal<bool>) {
    if let Some(sharing) = begin_sharing(&url) {
        match JsFuture::from(sharing).await {
            Err(error) if !is_given_up(&error) => {}
            _ => return,
        }
    }
    if write_clipboard(alerts, &url).await {
        is_copied.try_set(true);
        let forget = move || {
            is_copied.try_set(false);
        };
        set_timeout(forget, SAID_FOR);
    }
}

/// Not every browser has it, and none on a page that does not come by https.
fn begin_sharing(url: &str) -> Option<Promise> {
    let navigator = window().navigator();
    let share = Reflect::get(&navigator, &"share".into()).ok()?.dyn_into::<Function>().ok()?;
    let data = Object::new();
    Reflect::set(&data, &"url".into(), &url.into()).ok()?;
    share.call1(&navigator, &data).ok()?.dyn_into().ok()
}

/// Whether somebody chose not to.
fn is_given_up(error: &wasm_bindgen::JsValue) -> bool {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    name.as_deref() == Some("AbortError")
}
