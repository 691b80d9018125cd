//! Cuts a stream of bytes into lines.
//!
//! The cuts depend on the bytes alone, never on how they were read: after a crash the same bytes,
//! read in other pieces, give the same lines and so the same numbers.

use super::mask::Mask;

/// The longest line in bytes. A longer one is cut, and each part but the last is marked
/// `continued`, so that a child which never ends its line costs bounded memory.
pub const MAX_LINE: usize = 2 * 1024 * 1024;

/// Splits one stream. LF and CRLF end a line; the end itself is not part of it.
#[derive(Debug)]
pub struct Splitter {
    max: usize,
    /// What no cut may go through.
    mask: Option<Mask>,
    /// The begun line: bytes that no line end has followed yet.
    begun: Vec<u8>,
}

impl Splitter {
    /// A splitter for lines of at most `max` bytes (at least 4, so that a character fits).
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max: max.max(4), mask: None, begun: Vec::new() }
    }

    /// The same, never cutting through a secret: it would be covered in neither part.
    #[must_use]
    pub fn keeping_whole(mut self, mask: Option<Mask>) -> Self {
        self.mask = mask;
        self
    }

    /// How much of a line that has not ended is seen before it is cut: a line end that just fits, and
    /// a secret that begins just before.
    fn sight(&self) -> usize {
        self.max + 2 + self.mask.as_ref().map_or(0, Mask::longest)
    }

    /// Where a line that is too long is cut.
    fn cut(&self, line: &[u8]) -> usize {
        let at = cut_at(line, self.max);
        self.mask.as_ref().map_or(at, |mask| mask.find_cut(line, at))
    }

    /// How many bytes were taken in that are not in a line yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.begun.len()
    }

    /// Takes `data` in; calls `emit(line, continued)` for each line that it completes.
    pub fn push(&mut self, mut data: &[u8], mut emit: impl FnMut(&[u8], bool)) {
        // Only the begun line is copied; what follows it is split where it lies.
        while !self.begun.is_empty() && !data.is_empty() {
            let room = self.sight().saturating_sub(self.begun.len()).min(data.len());
            let part = memchr::memchr(b'\n', &data[..room]).map_or(room, |at| at + 1);
            self.begun.extend_from_slice(&data[..part]);
            data = &data[part..];
            while let Some((line, used, continued)) = self.next(&self.begun) {
                emit(line, continued);
                self.begun.drain(..used);
            }
            if self.begun.is_empty() {
                self.reset();
            }
        }
        while let Some((line, used, continued)) = self.next(data) {
            emit(line, continued);
            data = &data[used..];
        }
        self.begun.extend_from_slice(data);
    }

    /// The line, or the part of one, that `text` begins with, how many bytes of it that uses up, and
    /// whether the line goes on; `None` when that cannot be told yet.
    fn next<'a>(&self, text: &'a [u8]) -> Option<(&'a [u8], usize, bool)> {
        let seen = &text[..text.len().min(self.sight())];
        match memchr::memchr(b'\n', seen) {
            Some(end) if end < self.max + 2 => Some((without_cr(&seen[..end]), end + 1, false)),
            None if seen.len() < self.sight() => None,
            end => {
                let cut = self.cut(&seen[..end.unwrap_or(seen.len())]);
                Some((&seen[..cut], cut, true))
            }
        }
    }

    /// The stream ended: the begun line is a line.
    pub fn finish(&mut self, mut emit: impl FnMut(&[u8], bool)) {
        while self.begun.len() >= self.max + 2 {
            let cut = self.cut(&self.begun);
            emit(&self.begun[..cut], true);
            self.begun.drain(..cut);
        }
        if !self.begun.is_empty() {
            emit(without_cr(&self.begun), false);
            self.reset();
        }
    }

    fn reset(&mut self) {
        self.begun.clear();
        // One long line must not hold its memory for the life of the process.
        if self.begun.capacity() > 64 * 1024 {
            self.begun = Vec::new();
        }
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The largest cut of at most `max` bytes that does not lie inside a UTF-8 character.
fn cut_at(line: &[u8], max: usize) -> usize {
    let is_continuation = |b: u8| b & 0b1100_0000 == 0b1000_0000;
    // A character has at most three continuation bytes; more of them are not UTF-8 anyway.
    (max - 3..=max)
        .rev()
        .find(|&at| line.get(at).is_none_or(|&b| !is_continuation(b)))
        .unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(max: usize, pieces: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Vec::new();
        let mut splitter = Splitter::new(max);
        for piece in pieces {
            splitter.push(piece, |line, continued| lines.push((line.to_vec(), continued)));
        }
        splitter.finish(|line, continued| lines.push((line.to_vec(), continued)));
        assert_eq!(splitter.pending(), 0);
        lines
    }

    fn whole(lines: &[&str]) -> Vec<(Vec<u8>, bool)> {
        lines.iter().map(|l| (l.as_bytes().to_vec(), false)).collect()
    }

    #[test]
    fn ends_lines_at_lf_and_crlf() {
        assert_eq!(split(80, &[b"a\nb\r\n\nc"]), whole(&["a", "b", "", "c"]));
    }

    #[test]
    fn keeps_a_lone_cr_inside_a_line() {
        assert_eq!(split(80, &[b"10%\r20%\r\n"]), whole(&["10%\r20%"]));
    }

    #[test]
    fn joins_crlf_and_characters_cut_in_two() {
        let text = "grüße\r\n".as_bytes();
        for at in 0..text.len() {
            assert_eq!(split(80, &[&text[..at], &text[at..]]), whole(&["grüße"]), "cut at {at}");
        }
    }

    #[test]
    fn a_line_of_exactly_the_cap_is_whole() {
        assert_eq!(split(8, &[b"12345678\r\nx\n"]), whole(&["12345678", "x"]));
        assert_eq!(split(8, &[b"12345678\r", b"\nx\n"]), whole(&["12345678", "x"]));
    }

    #[test]
    fn a_longer_line_is_cut_between_characters_and_marked() {
        let lines = split(8, &["1234567é90\n".as_bytes()]);
        assert_eq!(lines, [(b"1234567".to_vec(), true), ("é90".as_bytes().to_vec(), false)]);
    }

    #[test]
    fn memory_stays_below_the_cap_without_a_line_end() {
        let mut splitter = Splitter::new(1000);
        let mut out = 0;
        for _ in 0..1000 {
            splitter.push(&[b'x'; 777], |line, _| out += line.len());
            assert!(splitter.pending() <= 1001);
        }
        assert_eq!(out + splitter.pending(), 777_000);
    }

    fn split_keeping(secret: &str, max: usize, pieces: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let mask = Mask::new(&[secret.to_owned()]).unwrap();
        let mut lines = Vec::new();
        let mut splitter = Splitter::new(max).keeping_whole(mask);
        for piece in pieces {
            splitter.push(piece, |line, continued| lines.push((line.to_vec(), continued)));
        }
        splitter.finish(|line, continued| lines.push((line.to_vec(), continued)));
        lines
    }

    #[test]
    fn no_secret_is_cut_in_two() {
        let parts = |text: &str| -> Vec<_> {
            let lines = split_keeping("secret", 12, &[text.as_bytes()]);
            lines.into_iter().map(|(l, on)| (String::from_utf8(l).unwrap(), on)).collect()
        };
        let part = |text: &str, goes_on| (text.to_owned(), goes_on);
        assert_eq!(
            parts("0123456789secret0123456789\nx\n"),
            [
                part("0123456789", true),
                part("secret012345", true),
                part("6789", false),
                part("x", false)
            ]
        );
        // Also where the stream ends behind it.
        assert_eq!(parts("0123456789secret"), [part("0123456789", true), part("secret", false)]);
        assert_eq!(parts("0123456789secre"), [part("0123456789se", true), part("cre", false)]);
    }

    proptest! {
        /// However the bytes are read, and wherever the secret stands, it is in one part as a whole.
        #[test]
        fn secrets_are_kept_whole(
            words in proptest::collection::vec(
                prop_oneof![Just("secret"), Just("a"), Just("sec"), Just("\n"), Just("\r")], 0..200,
            ),
            cuts in proptest::collection::vec(0usize..600, 0..20),
            max in 14usize..40,
        ) {
            let text = words.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            let lines = split_keeping("secret", max, &pieces);
            prop_assert_eq!(&lines, &split_keeping("secret", max, &[&text]));
            prop_assert!(lines.iter().all(|(line, _)| line.len() <= max + 1));
            let count = |line: &[u8]| memchr::memmem::find_iter(line, "secret").count();
            let found: usize = lines.iter().map(|(line, _)| count(line)).sum();
            prop_assert_eq!(found, count(&text));
            // From the end of any part on, the rest is the same.
            let first = lines.first().filter(|(_, continued)| *continued);
            if let Some((part, _)) = first {
                prop_assert_eq!(&lines[1..], &split_keeping("secret", max, &[&text[part.len()..]])[..]);
            }
        }

        /// However the bytes are read, the lines are the same, and no byte is lost.
        #[test]
        fn cuts_do_not_depend_on_the_pieces(
            text in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(0xC3), Just(0xA9), any::<u8>()],
                0..400,
            ),
            cuts in proptest::collection::vec(0usize..400, 0..20),
            max in 4usize..40,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            let lines = split(max, &pieces);
            prop_assert_eq!(&lines, &split(max, &[&text]));
            let got: usize = lines.iter().map(|(l, _)| l.len()).sum();
            let ends = text.iter().filter(|b| matches!(b, b'\n' | b'\r')).count();
            prop_assert!(got + ends >= text.len() && got <= text.len());
        }

        /// A restart at the end of any line gives the lines that were to come.
        #[test]
        fn resumes_at_any_line(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'b')], 0..200), max in 4usize..20) {
            let mut ends = vec![];
            let mut splitter = Splitter::new(max);
            for (i, byte) in text.iter().enumerate() {
                let mut emitted = 0;
                splitter.push(&[*byte], |_, _| emitted += 1);
                if emitted > 0 {
                    ends.push((i + 1 - splitter.pending(), emitted));
                }
            }
            let all = split(max, &[&text]);
            let mut seen = 0;
            for (end, emitted) in ends {
                seen += emitted;
                prop_assert_eq!(&all[seen..], &split(max, &[&text[end..]])[..]);
            }
        }
    }
}
