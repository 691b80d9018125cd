//! How serious a line is, guessed from its words: for tints, filters and the timeline.
//!
//! The browser guesses for what it draws and the server for what it searches, so the guess stands
//! here, once.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How serious a line is; the greater, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For those who look for a mistake.
    Debug,
    /// What happened.
    Info,
    /// What may become a mistake.
    Warn,
    /// What went wrong.
    Error,
}

/// Words that tell a level, by themselves or before a colon, a bracket, a quote or an equals sign.
const WORDS: [(&[u8], Level); 16] = [
    (b"error", Level::Error),
    (b"err", Level::Error),
    (b"fatal", Level::Error),
    (b"panic", Level::Error),
    (b"critical", Level::Error),
    (b"fail", Level::Error),
    (b"failed", Level::Error),
    (b"exception", Level::Error),
    (b"traceback", Level::Error),
    (b"panicked", Level::Error),
    (b"warn", Level::Warn),
    (b"warning", Level::Warn),
    (b"info", Level::Info),
    (b"notice", Level::Info),
    (b"debug", Level::Debug),
    (b"trace", Level::Debug),
];

impl Level {
    /// So many bytes of a line are looked at: a level stands near its beginning, behind a time and a
    /// name at most.
    pub const LOOKED_AT: usize = 160;

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The guess for a line by itself. The first word that tells one counts when it is written in
    /// capitals, opens the line, or stands as a mark (`[error]`, `level=warn`, `TypeError:`).
    #[must_use]
    pub fn guess(line: &[u8]) -> Option<Self> {
        let line = line.get(..Self::LOOKED_AT).unwrap_or(line);
        let (mut at, mut is_first) = (0, true);
        while at < line.len() {
            let byte = line[at];
            if byte == 0x1b {
                at = skip_escape(line, at);
            } else if byte.is_ascii_alphabetic() {
                let end = line[at..].iter().position(|b| !b.is_ascii_alphabetic());
                let end = end.map_or(line.len(), |length| at + length);
                let before = at.checked_sub(1).and_then(|before| line.get(before));
                let found = level_of_word(&line[at..end], before, line.get(end), is_first);
                if found.is_some() {
                    return found;
                }
                is_first = false;
                at = end;
            } else if line[at..].starts_with(b"\"level\":") {
                at += b"\"level\":".len();
                if let Some(level) = numeric_level(&line[at..]) {
                    return Some(level);
                }
            } else {
                at += 1;
            }
        }
        None
    }
}

/// The end of the escape sequence that begins at `at`.
fn skip_escape(line: &[u8], at: usize) -> usize {
    if line.get(at + 1) != Some(&b'[') {
        return at + 1;
    }
    let parameters = &line[at + 2..];
    let length = parameters.iter().position(|byte| (0x40..=0x7e).contains(byte));
    length.map_or(line.len(), |length| at + 3 + length)
}

fn level_of_word(
    word: &[u8],
    before: Option<&u8>,
    after: Option<&u8>,
    is_first: bool,
) -> Option<Level> {
    let is_known = |(known, _): &&(&[u8], Level)| word.eq_ignore_ascii_case(known);
    let is_name = matches!(after, Some(b':'));
    if let Some(&(_, level)) = WORDS.iter().find(is_known) {
        let is_loud = word.iter().all(u8::is_ascii_uppercase);
        let is_mark = matches!(after, Some(b':' | b']' | b'"' | b'\'' | b'!' | b')' | b'|'))
            || matches!(before, Some(b'[' | b'=' | b'"' | b'(' | b'<'));
        return (is_loud || is_mark || is_first).then_some(level);
    }
    // `TypeError: …`, `java.io.IOException: …`
    let ends = |end: &[u8]| word.len() > end.len() && word.ends_with(end);
    (is_name && (ends(b"Error") || ends(b"Exception"))).then_some(Level::Error)
}

/// pino and bunyan write numbers: 10 is trace, 60 is fatal.
fn numeric_level(rest: &[u8]) -> Option<Level> {
    match rest.first()? {
        b'1' | b'2' => Some(Level::Debug),
        b'3' => Some(Level::Info),
        b'4' => Some(Level::Warn),
        b'5' | b'6' => Some(Level::Error),
        _ => None,
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no level: debug, info, warn or error"))
    }
}

/// Whether a line has the look of one that goes on with what the line before it in its stream said, as
/// those of a stack trace do.
#[must_use]
pub fn is_continuation(line: &[u8]) -> bool {
    let is_indented = matches!(line, [b'\t', _, ..] | [b' ', b' ', _, ..]);
    is_indented || line.starts_with(b"Caused by:") || line.starts_with(b"stack backtrace:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses() {
        let cases = [
            ("ERROR could not connect", Some(Level::Error)),
            ("2026-02-28T14:03:09Z  WARN server: slow", Some(Level::Warn)),
            ("\x1b[31mERROR\x1b[0m no such file", Some(Level::Error)),
            ("[info] listening on 3000", Some(Level::Info)),
            ("time=1 level=debug msg=x", Some(Level::Debug)),
            (r#"{"time":1,"level":"warn","msg":"an error"}"#, Some(Level::Warn)),
            (r#"{"level":50,"msg":"x"}"#, Some(Level::Error)),
            (r#"{"level":30,"msg":"x"}"#, Some(Level::Info)),
            ("error: could not compile", Some(Level::Error)),
            ("TypeError: x is undefined", Some(Level::Error)),
            ("java.io.IOException: closed", Some(Level::Error)),
            ("npm ERR! code 1", Some(Level::Error)),
            ("thread 'main' panicked at src/main.rs:2:5:", None),
            ("Traceback (most recent call last):", Some(Level::Error)),
            ("built in 3 s without an error", None),
            ("0 errors, 2 warnings", None),
            ("informational", None),
            ("", None),
        ];
        for (line, level) in cases {
            assert_eq!(Level::guess(line.as_bytes()), level, "{line}");
        }
    }

    #[test]
    fn indented_lines_go_on() {
        for line in ["  at main", "\tat main", "Caused by: x", "stack backtrace:"] {
            assert!(is_continuation(line.as_bytes()), "{line}");
        }
        for line in ["", " ", "  ", "\t", " a", "at main"] {
            assert!(!is_continuation(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn any_bytes_are_looked_at() {
        for line in [&b"\x1b["[..], b"\x1b", b"\xff\xfeERROR", b"\"level\":", b"\x1b[31"] {
            assert_eq!(Level::guess(line).is_some(), line.ends_with(b"ERROR"));
        }
        assert_eq!(Level::guess(b"\xff\xfe ERROR"), Some(Level::Error));
    }
}
