//! One error type for the pages: the [`Problem`] that REST answers with, also when the transport
//! between browser and server failed.

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};

use crate::api::JsonText;
use crate::model::Problem;

impl Problem {
    /// A problem with its status, code and detail; the title is the status in words.
    #[must_use]
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let title = match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            413 => "Content Too Large",
            422 => "Unprocessable Content",
            426 => "Upgrade Required",
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        };
        Self {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status,
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

impl FromServerFnError for Problem {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(
                503,
                "unreachable",
                "the server did not answer: is runyard still running?",
            ),
            ServerFnErrorErr::Args(words) | ServerFnErrorErr::MissingArg(words) => {
                Self::new(400, "invalid_body", words)
            }
            other => Self::new(500, "internal", other.to_string()),
        }
    }
}
