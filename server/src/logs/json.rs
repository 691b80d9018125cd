//! Writes log entries as JSON, straight from the bytes: it runs once for every line.

use app::model::EntryKind;

use super::chunk::RawEntry;

/// What ends a run of bytes that are copied as they are.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = true;
        i += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Appends `{"idx":..,"ts":..,"type":"..","line":".."}`, and what else there is to say of it. Invalid
/// UTF-8 becomes U+FFFD.
pub(super) fn write_entry(out: &mut Vec<u8>, entry: &RawEntry<'_>) {
    let &RawEntry { idx, ts, kind, line, continued, begin } = entry;
    let mut number = itoa::Buffer::new();
    out.reserve(line.len() + 64);
    out.extend_from_slice(b"{\"idx\":");
    out.extend_from_slice(number.format(idx).as_bytes());
    out.extend_from_slice(b",\"ts\":");
    out.extend_from_slice(number.format(ts).as_bytes());
    out.extend_from_slice(match kind {
        EntryKind::Stdout => b",\"type\":\"stdout\",\"line\":\"",
        EntryKind::Stderr => b",\"type\":\"stderr\",\"line\":\"",
        EntryKind::System => b",\"type\":\"system\",\"line\":\"",
    });
    for chunk in line.utf8_chunks() {
        write_escaped(out, chunk.valid());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out.push(b'"');
    if continued {
        out.extend_from_slice(b",\"continued\":true");
    }
    if !begin.style.is_plain() {
        out.extend_from_slice(b",\"style\":\"");
        out.extend_from_slice(String::from(begin.style).as_bytes());
        out.push(b'"');
    }
    if let Some(level) = begin.under {
        out.extend_from_slice(b",\"under\":\"");
        out.extend_from_slice(level.as_str().as_bytes());
        out.push(b'"');
    }
    out.push(b'}');
}

fn write_escaped(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if !ESCAPED[usize::from(byte)] {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => {
                let hex = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&hex);
            }
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    use super::super::carry::Begin;
    use super::*;
    use app::model::{Entry, Level};
    use proptest::prelude::*;

    proptest! {
        /// Any bytes give the JSON that serde reads back as the entry.
        #[test]
        fn is_valid_json_for_any_bytes(
            line in proptest::collection::vec(any::<u8>(), 0..200),
            continued: bool,
            style in prop_oneof![Just(""), Just("1;31"), Just("38;2;1;2;3")],
            under in prop_oneof![Just(None), Just(Some(Level::Error)), Just(Some(Level::Debug))],
        ) {
            let (ts, kind) = (1_700_000_000_123, EntryKind::Stderr);
            let begin = Begin { style: style.into(), under };
            let entry = RawEntry { idx: 7, ts, kind, line: &line, continued, begin };
            let mut out = Vec::new();
            write_entry(&mut out, &entry);
            prop_assert_eq!(serde_json::from_slice::<Entry>(&out).unwrap(), entry.to_entry());
            let written = serde_json::to_string(&entry.to_entry()).unwrap();
            prop_assert_eq!(serde_json::from_str::<Entry>(&written).unwrap(), entry.to_entry());
        }
    }
}
