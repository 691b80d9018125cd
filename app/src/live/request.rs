//! Asking the server's REST door: a page of history, or an answer that is read while it comes.
//!
//! `XMLHttpRequest`, because it is small in the module, and is given up by dropping it.

use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::XmlHttpRequest;

use crate::model::Problem;

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
