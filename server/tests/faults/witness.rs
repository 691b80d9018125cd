//! The child whose output shows what was lost: lines that say which they are, when they were written,
//! and what their checksum is, on both streams.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first argument that makes this program a witness.
pub(crate) const NAME: &str = "witness";

/// What it is told: `witness LINES PAUSE_US EVERY EXIT_CODE`. It writes LINES lines on each stream,
/// and sleeps PAUSE_US after every EVERY of them.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let numbers: Vec<u64> = args.map(|arg| arg.parse().unwrap_or(0)).collect();
    let [lines, pause_us, every, code] = numbers[..] else {
        let _ = writeln!(io::stderr(), "witness LINES PAUSE_US EVERY EXIT_CODE");
        return ExitCode::from(98);
    };
    for number in 0..lines {
        if write_line(io::stdout().as_fd(), 'o', number).is_err()
            || write_line(io::stderr().as_fd(), 'e', number).is_err()
        {
            // Nothing that happens to the keeper may ever show here.
            return ExitCode::from(97);
        }
        if every > 0 && number % every == every - 1 {
            std::thread::sleep(Duration::from_micros(pause_us));
        }
    }
    ExitCode::from(u8::try_from(code).unwrap_or(96))
}

/// One `write` for a line, as a program does that writes unbuffered.
fn write_line(to: std::os::fd::BorrowedFd<'_>, stream: char, number: u64) -> io::Result<()> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut line = line(stream, number, now_ms);
    line.push('\n');
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        match nix::unistd::write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn line(stream: char, number: u64, now_ms: u128) -> String {
    // Lengths that meet every boundary sooner or later.
    let filler = "x".repeat(usize::try_from(number * 37 % 211).unwrap_or(0));
    let body = format!("{stream} {number} {now_ms} {filler}");
    format!("{body} {:08x}", crc32fast::hash(body.as_bytes()))
}

/// Bytes of a stream of so many lines, whenever they are written.
pub(crate) fn bytes_of(lines: u64) -> u64 {
    // The time has as many digits for the next two centuries.
    (0..lines).map(|number| line('o', number, 1_700_000_000_000).len() as u64 + 1).sum()
}

/// A line read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Testimony {
    /// Which line of its stream it is.
    pub(crate) number: u64,
    /// When it was written.
    pub(crate) at_ms: i64,
}

/// Reads a line; `None` when it is not as it was written.
pub(crate) fn read(stream: char, line: &str) -> Option<Testimony> {
    let (body, sum) = line.rsplit_once(' ')?;
    let is_whole = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(body.as_bytes());
    let mut parts = body.split(' ');
    let is_of_stream = parts.next()?.chars().eq([stream]);
    let (number, at_ms) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (is_whole && is_of_stream).then_some(Testimony { number, at_ms })
}
