//! Asking the server's REST door: a page of history, or an answer that is read while it comes.
//!
//! `XMLHttpRequest`, because it is small in the module, and is given up by dropping it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::{on_cleanup, queue_microtask};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::XmlHttpRequest;

use crate::model::Problem;

thread_local! {
    /// Nothing of the browser's can be in a signal that the server shares: it is here, by number.
    static UNDER_WAY: RefCell<Vec<(u32, Request)>> = const { RefCell::new(Vec::new()) };
}

/// Room for one request, which is given up when another one takes its place, or when the owner is
/// cleaned up. Copies are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestSlot(u32);

impl RequestSlot {
    /// An empty one, of the present owner.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let slot = Self(NEXT.fetch_add(1, Ordering::Relaxed));
        on_cleanup(move || slot.put(None));
        slot
    }

    /// Gives up what is in it, and puts this in its place.
    pub(crate) fn put(self, request: Option<Request>) {
        let old = UNDER_WAY.with_borrow_mut(|all| {
            let place = all.iter().position(|(slot, _)| *slot == self.0);
            let old = place.map(|place| all.swap_remove(place));
            all.extend(request.map(|request| (self.0, request)));
            old
        });
        if let Some(old) = old {
            // It may be its own answer that puts it away, and that has to come to its end first.
            queue_microtask(move || drop(old));
        }
    }

    /// Whether something is in it.
    pub(crate) fn is_busy(self) -> bool {
        UNDER_WAY.with_borrow(|all| all.iter().any(|(slot, _)| *slot == self.0))
    }
}

/// What has come of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All of the text so far; more follows.
    Part(String),
    /// The whole text.
    Whole(String),
    /// It was refused, or nobody answered.
    Refused(Problem),
}

/// A request under way; dropping it gives it up.
pub(crate) struct Request {
    request: XmlHttpRequest,
    _on_change: Closure<dyn FnMut()>,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.request.set_onreadystatechange(None);
        // Fails only when there is nothing to give up.
        let _ = self.request.abort();
    }
}

impl Request {
    /// `GET url`; `on_answer` is called with every part that comes, and last with the end.
    pub(crate) fn get(url: &str, mut on_answer: impl FnMut(Answer) + 'static) -> Option<Self> {
        let request = XmlHttpRequest::new().ok()?;
        request.open("GET", url).ok()?;
        let asked = request.clone();
        let on_change: Closure<dyn FnMut()> = Closure::new(move || {
            let text = || asked.response_text().ok().flatten().unwrap_or_default();
            let status = asked.status().unwrap_or(0);
            match asked.ready_state() {
                XmlHttpRequest::LOADING if status == 200 => on_answer(Answer::Part(text())),
                XmlHttpRequest::DONE if status == 200 => on_answer(Answer::Whole(text())),
                XmlHttpRequest::DONE => on_answer(Answer::Refused(problem_of(&text()))),
                _ => {}
            }
        });
        request.set_onreadystatechange(Some(on_change.as_ref().unchecked_ref()));
        request.send().ok()?;
        Some(Self { request, _on_change: on_change })
    }

    /// `GET url` for one answer in JSON.
    pub(crate) fn get_json<T: DeserializeOwned>(
        url: &str,
        mut on_answer: impl FnMut(Result<T, Problem>) + 'static,
    ) -> Option<Self> {
        Self::get(url, move |answer| match answer {
            Answer::Part(_) => {}
            Answer::Whole(text) => on_answer(
                serde_json::from_str(&text)
                    .map_err(|error| Problem::new(500, "internal", error.to_string())),
            ),
            Answer::Refused(problem) => on_answer(Err(problem)),
        })
    }
}

fn problem_of(text: &str) -> Problem {
    serde_json::from_str(text).unwrap_or_else(|_| {
        Problem::new(503, "unreachable", "the server did not answer: is runyard still running?")
    })
}
