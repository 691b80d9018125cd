//! What is searched for in the log on screen, and where it is in a line.
//!
//! The server searches with Rust's `regex`; the browser marks with its own, which is there already.
//! They agree on what people type into a search box; where they do not, a line found is not marked.

use std::cell::RefCell;
use std::ops::Range;

use js_sys::{Array, Reflect, RegExp};
use wasm_bindgen::JsCast as _;

use crate::model::minds_case;

/// A text or a regular expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needle {
    /// As typed. Without an upper-case letter it is found in either case.
    pub(crate) text: String,
    /// Whether it is a regular expression.
    pub(crate) is_regex: bool,
}

thread_local! {
    /// Compiled once for all lines: `None` when it cannot be.
    static COMPILED: RefCell<Option<(Needle, Option<RegExp>)>> = const { RefCell::new(None) };
}

impl Needle {
    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// For the end of a query.
    pub(crate) fn query(&self) -> String {
        let text = String::from(js_sys::encode_uri_component(&self.text));
        let regex = if self.is_regex { "&regex=true" } else { "" };
        format!("&q={text}{regex}")
    }

    /// Where it is in a text. For the browser.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return vec![];
        }
        self.with_regex(|regex| regex.map(|regex| find_all(regex, text)).unwrap_or_default())
    }

    /// Whether a text has it. An expression that only the server can read is taken for found. For the
    /// browser, unless it is empty.
    pub(crate) fn fits(&self, text: impl FnOnce() -> String) -> bool {
        self.is_empty()
            || self.with_regex(|regex| {
                regex.is_none_or(|regex| {
                    regex.set_last_index(0);
                    regex.test(&text())
                })
            })
    }

    fn with_regex<T>(&self, work: impl FnOnce(Option<&RegExp>) -> T) -> T {
        COMPILED.with_borrow_mut(|compiled| {
            if compiled.as_ref().is_none_or(|(needle, _)| needle != self) {
                *compiled = Some((self.clone(), self.compile()));
            }
            work(compiled.as_ref().and_then(|(_, regex)| regex.as_ref()))
        })
    }

    fn compile(&self) -> Option<RegExp> {
        let source = if self.is_regex { self.text.clone() } else { escape(&self.text) };
        let flags = if minds_case(&self.text, self.is_regex) { "gu" } else { "giu" };
        // `RegExp::new` lets the exception of a wrong pattern through; a construction can be caught.
        let constructor = Reflect::get(&js_sys::global(), &"RegExp".into()).ok()?;
        let arguments = Array::of2(&source.into(), &flags.into());
        let regex =
            Reflect::construct(constructor.unchecked_ref::<js_sys::Function>(), &arguments).ok()?;
        Some(regex.unchecked_into())
    }
}

fn find_all(regex: &RegExp, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    regex.set_last_index(0);
    while let Some(groups) = regex.exec(text) {
        let length = groups.get(0).as_string().map_or(0, |text| text.len());
        if length == 0 || found.len() == 100 {
            break;
        }
        // The browser counts in UTF-16, and stands behind what it found.
        let end = byte_at(text, regex.last_index());
        found.push(end.saturating_sub(length)..end);
    }
    found
}

/// The byte at which so many units of UTF-16 end.
fn byte_at(text: &str, units: u32) -> usize {
    if text.is_ascii() {
        return usize::try_from(units).unwrap_or(0).min(text.len());
    }
    let mut left = usize::try_from(units).unwrap_or(0);
    for (at, c) in text.char_indices() {
        if left == 0 {
            return at;
        }
        left = left.saturating_sub(c.len_utf16());
    }
    text.len()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\^$.*+?()[]{}|/".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_special_characters() {
        assert_eq!(escape("a.b*(c)"), r"a\.b\*\(c\)");
        assert_eq!(escape("é-x"), "é-x");
    }

    #[test]
    fn units_of_utf_16_are_found_in_utf_8() {
        let text = "a🎉é!";
        assert_eq!([0, 1, 3, 4, 5].map(|units| byte_at(text, units)), [0, 1, 5, 7, 8]);
        assert_eq!(byte_at("abc", 2), 2);
    }
}
