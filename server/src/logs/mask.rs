//! Covers the secrets of a process in what it writes.
//!
//! A whole line is looked at, so it does not matter how its bytes were read. The same line gives the
//! same covered line, whenever it is read again. A process without secrets has no mask, and nothing
//! is looked at.

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, BuildError};
use app::model::SECRET_COVER as COVER;

/// A shorter text is not looked for in output: it would be found in too much that is no secret.
pub const SHORTEST: usize = 6;

/// Secrets in a row, each overlapping the next, over which a cut is moved.
const MOST_STEPS: usize = 1_000;

/// Finds secrets, wherever they stand. Cheap to clone.
#[derive(Clone)]
pub struct Mask(AhoCorasick);

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(..)")
    }
}

impl Mask {
    /// A mask for these secrets; `None` when there is nothing to look for. Of a secret with several
    /// lines each is one, for a line is all that is seen at a time.
    ///
    /// # Errors
    /// When they are more than can be looked for.
    pub fn new(secrets: &[String]) -> Result<Option<Self>, BuildError> {
        let lines = secrets.iter().flat_map(|secret| secret.split(['\n', '\r'])).map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| line.len() >= SHORTEST).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self(AhoCorasick::new(lines)?)))
    }

    /// How long the longest secret is, in bytes.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.0.max_pattern_len()
    }

    /// A place of `line` at `at`, or shortly before it, that lies inside no secret: a line that is too
    /// long is cut there, so that each part has its secrets as a whole. `line` goes on behind `at` by
    /// a secret's length, unless it ends.
    ///
    /// Where secrets overlap over half of the line, which only one does that is the beginning of
    /// itself, it is `at` all the same.
    #[must_use]
    pub fn find_cut(&self, line: &[u8], at: usize) -> usize {
        let reach = self.longest() - 1;
        let mut cut = at;
        for _ in 0..MOST_STEPS {
            let from = cut.saturating_sub(reach);
            let near = &line[from..line.len().min(cut + reach)];
            let found = self.0.find_overlapping_iter(near);
            let found = found.map(|found| from + found.start()..from + found.end());
            match found.filter(|it| it.start < cut && cut < it.end).map(|it| it.start).min() {
                None => return cut,
                Some(start) if start > at / 2 => cut = start,
                Some(_) => break,
            }
        }
        at
    }

    /// The line with every secret covered. What several of them share is covered with all of them.
    #[must_use]
    pub fn cover<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.0.is_match(line) {
            return Cow::Borrowed(line);
        }
        let mut found: Vec<_> =
            self.0.find_overlapping_iter(line).map(|found| found.range()).collect();
        found.sort_unstable_by_key(|range| range.start);
        let mut covered = Vec::with_capacity(line.len());
        let mut end = 0;
        for range in found {
            if range.start > end || (range.start == end && end == 0) {
                covered.extend_from_slice(&line[end..range.start]);
                covered.extend_from_slice(COVER.as_bytes());
            }
            end = end.max(range.end);
        }
        covered.extend_from_slice(&line[end..]);
        Cow::Owned(covered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cover(secrets: &[&str], line: &str) -> String {
        let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let mask = Mask::new(&secrets).unwrap().unwrap();
        String::from_utf8(mask.cover(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn secrets_are_covered_wherever_they_stand() {
        let token = ["s3cret-token"];
        assert_eq!(cover(&token, "s3cret-token"), "***");
        assert_eq!(cover(&token, "a=s3cret-token b=s3cret-token."), "a=*** b=***.");
        assert_eq!(cover(&token, "s3cret-tokes3cret-token"), "s3cret-toke***");
        assert_eq!(cover(&token, "S3CRET-TOKEN"), "S3CRET-TOKEN");
        assert_eq!(cover(&["grüße-an-alle"], "x grüße-an-alle y"), "x *** y");
    }

    #[test]
    fn secrets_that_overlap_are_covered_as_one() {
        assert_eq!(cover(&["abcdefgh", "efghijkl"], "<abcdefghijkl>"), "<***>");
        assert_eq!(cover(&["abcdef", "abcdefghi"], "<abcdefghi>"), "<***>");
        assert_eq!(cover(&["aaaaaa"], "aaaaaaaaa"), "***");
        assert_eq!(cover(&["abcdef", "ghijkl"], "abcdefghijkl"), "***");
    }

    #[test]
    fn each_line_of_a_secret_is_one() {
        let pem = ["-----BEGIN KEY-----\r\nMIIEvQIBADAN\nab\n-----END KEY-----\n"];
        assert_eq!(cover(&pem, "  MIIEvQIBADAN"), "  ***");
        assert_eq!(cover(&pem, "ab"), "ab");
    }

    #[test]
    fn what_is_too_short_is_not_looked_for() {
        let short = ["", "12345", " \n "].map(str::to_owned);
        assert!(Mask::new(&short).unwrap().is_none());
        assert!(Mask::new(&[]).unwrap().is_none());
    }

    #[test]
    fn a_cut_is_moved_out_of_secrets() {
        let mask = |secrets: &[&str]| {
            let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
            Mask::new(&secrets).unwrap().unwrap()
        };
        let token = mask(&["s3cret-token"]);
        let line = b"................s3cret-token........";
        for (at, cut) in [(15, 15), (16, 16), (17, 16), (22, 16), (27, 16), (28, 28), (29, 29)] {
            assert_eq!(token.find_cut(line, at), cut, "{at}");
        }
        // Of two that overlap, the place is before both.
        let both = mask(&["abcdefgh", "efghijkl"]);
        assert_eq!(both.find_cut(b"................abcdefghijkl", 25), 16);
        // One that overlaps itself for ever.
        assert_eq!(mask(&["aaaaaa"]).find_cut(&[b'a'; 90], 60), 60);
    }

    proptest! {
        /// No secret is left, what is no part of one stays, and covering again changes nothing.
        #[test]
        fn nothing_is_left(
            secrets in proptest::collection::vec("[ab]{6,9}", 1..4),
            line in "[abc]{0,60}",
        ) {
            let mask = Mask::new(&secrets).unwrap().unwrap();
            let covered = mask.cover(line.as_bytes()).into_owned();
            let text = String::from_utf8(covered.clone()).unwrap();
            for secret in &secrets {
                prop_assert!(!text.contains(secret.as_str()), "{text}");
            }
            prop_assert!(covered.len() <= line.len());
            prop_assert_eq!(text.matches('c').count(), line.matches('c').count());
            prop_assert_eq!(mask.cover(&covered).into_owned(), covered);
        }
    }
}
