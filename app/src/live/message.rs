//! Reads what the server says.
//!
//! `ServerMessage` can read itself, but an enum with its tag inside does so in two steps, the first
//! of which copies everything; and the code for that is a tenth of the browser's module. Here the
//! tag is looked at first, and the rest is then read in one step into what the tag says.

use serde::Deserialize;

use crate::model::{Entry, Process, ProcessId, ServerMessage};

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type")]
    name: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logs {
    process_id: ProcessId,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Status {
    processes: Vec<Process>,
}

#[derive(Deserialize)]
struct ProcessUpdate {
    process: Process,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gap {
    process_id: ProcessId,
    from: i64,
    to: i64,
    dropped: i64,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

/// A message from its text; `None` for one that needs no answer.
pub(super) fn parse(text: &str) -> Result<Option<ServerMessage>, serde_json::Error> {
    // The server writes the tag first. In a burst nearly all is `logs`, and looking for the tag
    // anywhere else in it would mean reading it twice.
    let tag = if text.starts_with(r#"{"type":"logs","#) {
        "logs"
    } else {
        serde_json::from_str::<Tag<'_>>(text)?.name
    };
    Ok(Some(match tag {
        "logs" => {
            let Logs { process_id, entries } = serde_json::from_str(text)?;
            ServerMessage::Logs { process_id, entries }
        }
        "status" => {
            let Status { processes } = serde_json::from_str(text)?;
            ServerMessage::Status { processes }
        }
        "process-update" => {
            let ProcessUpdate { process } = serde_json::from_str(text)?;
            ServerMessage::ProcessUpdate { process }
        }
        "gap" => {
            let Gap { process_id, from, to, dropped } = serde_json::from_str(text)?;
            ServerMessage::Gap { process_id, from, to, dropped }
        }
        "error" => {
            let Refusal { code, message } = serde_json::from_str(text)?;
            ServerMessage::Error { code, message }
        }
        // Acknowledgements, and what a newer server may say.
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::sample_process;
    use super::*;
    use crate::model::{EntryKind, Level, Status as ProcessStatus};

    #[test]
    fn reads_what_the_model_writes() {
        let process_id = ProcessId("p".to_owned());
        let process = sample_process("p", ProcessStatus::Running);
        let entry = Entry {
            idx: 4,
            ts: 5,
            kind: EntryKind::Stderr,
            line: "a \u{1b}[1m\"".to_owned(),
            continued: true,
            style: "1;31".to_owned(),
            under: Some(Level::Error),
        };
        let messages = [
            ServerMessage::Status { processes: vec![process.clone()] },
            ServerMessage::ProcessUpdate { process },
            ServerMessage::Logs { process_id: process_id.clone(), entries: vec![entry] },
            ServerMessage::Gap { process_id: process_id.clone(), from: 1, to: 3, dropped: 3 },
            ServerMessage::Error { code: "c".to_owned(), message: "m".to_owned() },
        ];
        for message in messages {
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(parse(&text).unwrap(), Some(message), "{text}");
        }
        let text = serde_json::to_string(&ServerMessage::Subscribed { process_id }).unwrap();
        assert_eq!(parse(&text).unwrap(), None);
    }

    #[test]
    fn the_tag_may_stand_anywhere() {
        let text = r#"{"processId":"p","entries":[],"type":"logs"}"#;
        assert!(matches!(parse(text), Ok(Some(ServerMessage::Logs { .. }))));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "{}", "[]", r#"{"type":"logs","entries":[]}"#, r#"{"type":"gap"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
