//! Reads what the server says.

use serde::Deserialize;

use crate::model::{Entry, ProcessId, ServerMessage};

/// The body of a `logs` message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logs {
    process_id: ProcessId,
    entries: Vec<Entry>,
}

/// A message from its text.
///
/// An enum with an inner tag is read in two steps, the first of which copies everything. Nearly all
/// that arrives in a burst is `logs`, and the server writes the tag first: that is read in one.
pub(super) fn parse(text: &str) -> Result<ServerMessage, serde_json::Error> {
    if text.starts_with(r#"{"type":"logs","#) {
        let Logs { process_id, entries } = serde_json::from_str(text)?;
        return Ok(ServerMessage::Logs { process_id, entries });
    }
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_read_the_same() {
        let entry = r#"{"idx":4,"ts":5,"type":"stderr","line":"a\u001b[1m","continued":true}"#;
        let quick = format!(r#"{{"type":"logs","processId":"p","entries":[{entry}]}}"#);
        let slow = format!(r#"{{"processId":"p","type":"logs","entries":[{entry}]}}"#);
        assert_eq!(parse(&quick).unwrap(), parse(&slow).unwrap());
    }

    #[test]
    fn other_messages_and_nonsense() {
        let gap = r#"{"type":"gap","processId":"p","from":1,"to":3,"dropped":3}"#;
        assert!(matches!(parse(gap), Ok(ServerMessage::Gap { to: 3, .. })));
        for text in ["", "{}", r#"{"type":"logs","entries":[]}"#, r#"{"type":"other"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
