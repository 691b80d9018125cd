//! What a line is looked through for: a text or a regular expression, in either case unless it says
//! otherwise.
//!
//! The expressions have no backreferences and no look-around, so the time that a line takes grows
//! with its length and nothing else. What one costs to compile is bounded.

use std::borrow::Cow;

use anstream::adapter::strip_bytes;
use app::model::minds_case;
use memchr::memchr;
use regex::bytes::{Regex, RegexBuilder};

/// What a compiled expression may take: `(\w{50}){50}` does not fit.
const MAX_COMPILED: usize = 1024 * 1024;
/// What its automaton may take while it runs, per thread.
const MAX_CACHE: usize = 2 * 1024 * 1024;
/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 1024;

const ESCAPE: u8 = 0x1b;

/// Why nothing can be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is empty.
    #[error("q is empty: give the text to look for")]
    Empty,
    /// It is too long.
    #[error("the pattern has {0} bytes: it may have {MAX_PATTERN}")]
    TooLong(usize),
    /// It cannot be read.
    #[error("the pattern is no regular expression: {0}")]
    Syntax(String),
    /// It would cost too much.
    #[error(
        "the pattern is too costly: repeat less, or use smaller classes, such as [a-z] for \\w"
    )]
    TooCostly,
    /// It says nothing.
    #[error("the pattern fits the empty text, and so every line: ask for at least one character")]
    FitsAll,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    is_text: bool,
}

impl Pattern {
    /// A pattern of a text, or of a regular expression. Without an upper-case letter it is found in
    /// either case.
    ///
    /// # Errors
    /// When it is empty, no regular expression, or too costly.
    pub fn new(text: &str, is_regex: bool) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_PATTERN {
            return Err(PatternError::TooLong(text.len()));
        }
        let source = if is_regex { Cow::Borrowed(text) } else { regex::escape(text).into() };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!minds_case(text, is_regex))
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_CACHE)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => PatternError::TooCostly,
                other => PatternError::Syntax(last_line(&other.to_string())),
            })?;
        if regex.is_match(b"") {
            return Err(PatternError::FitsAll);
        }
        Ok(Self { regex, is_text: !is_regex })
    }

    /// Whether some line of these unpacked entries may fit. Looking through the whole is cheaper
    /// than line by line; but a text that colours interrupt is only found in its line.
    #[must_use]
    pub fn may_fit(&self, unpacked: &[u8]) -> bool {
        !self.is_text || self.regex.is_match(unpacked) || memchr(ESCAPE, unpacked).is_some()
    }

    /// Whether a line fits, as it is seen: without its colours.
    #[must_use]
    pub fn fits(&self, line: &[u8]) -> bool {
        if memchr(ESCAPE, line).is_some() {
            self.regex.is_match(&strip_bytes(line).into_vec())
        } else {
            self.regex.is_match(line)
        }
    }
}

/// The words of a syntax error, without the drawing of where it is.
fn last_line(words: &str) -> String {
    let line = words.lines().next_back().unwrap_or(words);
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, is_regex: bool, line: &str) -> bool {
        Pattern::new(pattern, is_regex).unwrap().fits(line.as_bytes())
    }

    #[test]
    fn an_upper_case_letter_asks_for_the_case() {
        assert!(fits("error", false, "An ERROR"));
        assert!(!fits("Error", false, "An ERROR"));
        assert!(fits("émile", false, "Émile"));
        assert!(fits(r"\Won", true, "carry ON"));
        assert!(!fits(r"\WOn", true, "carry ON"));
    }

    #[test]
    fn a_text_has_no_special_characters() {
        assert!(fits("a.b*", false, "xa.b*"));
        assert!(!fits("a.b", false, "axb"));
        assert!(fits("a.b", true, "axb"));
        assert!(fits("^GET .* 5\\d\\d$", true, "GET /x 503"));
    }

    #[test]
    fn colours_are_not_in_the_way() {
        assert!(fits("GET /", false, "\x1b[32mGET\x1b[0m /"));
        assert!(!fits("32m", false, "\x1b[32mGET\x1b[0m /"));
        assert!(Pattern::new("GET /", false).unwrap().may_fit(b"\x1b[32mGET\x1b[0m /"));
    }

    #[test]
    fn refusals_say_what_would_be_right() {
        let refusal = |text: &str| Pattern::new(text, true).unwrap_err().to_string();
        assert!(refusal("").contains("give the text"));
        assert!(refusal("(").contains("unclosed group"), "{}", refusal("("));
        assert!(refusal(r"(\w{100}){100}").contains("too costly"));
        assert!(refusal("a*").contains("every line"));
        assert!(refusal(&"a".repeat(2000)).contains("2000 bytes"));
        assert!(refusal(r"(a)\1").contains("backreferences"));
    }
}
