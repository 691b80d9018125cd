//! `runyard terminal`: a program in a pseudo-terminal, its screen told line by line.
//!
//! It stands between the keeper and a program that wants a terminal, in the same session: so it and
//! the program are one tree, and neither the server nor the keeper knows of terminals. What it
//! writes to its own standard output is what a terminal would show, each line once it is left:
//! a progress bar that is drawn over and over is one line, as it was at last. What it reads from its
//! own standard input is typed into the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::ttyname;

mod lines;

use lines::ScreenLines;

/// After the program has ended, what it wrote is there; so long is waited for what is not.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// One read from the terminal.
const READ_BYTES: usize = 16 * 1024;

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// Runs `program` in a terminal until it ends; its exit code. When a signal ended it, the same
/// signal ends this process.
///
/// # Errors
/// When there is no terminal to be had, or the program cannot be started.
pub fn run(size: Size, program: &str, args: &[String]) -> io::Result<i32> {
    let winsize = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&winsize), None)?;
    // The first terminal that the leader of a session opens becomes that of its session.
    let terminal = OpenOptions::new().read(true).write(true).open(ttyname(&pty.slave)?)?;
    drop(pty.slave);
    let blocked = block_signals()?;
    let mut child = Command::new(program)
        .args(args)
        .env("TERM", "xterm-256color")
        .env("COLUMNS", size.columns.to_string())
        .env("LINES", size.rows.to_string())
        .stdin(Stdio::from(terminal.try_clone()?))
        .stdout(Stdio::from(terminal.try_clone()?))
        .stderr(Stdio::from(terminal))
        .spawn()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start {program}: {error}"))
        })?;
    let master = File::from(pty.master);
    type_what_comes(master.try_clone()?);
    let written = read_on(master);
    let mut screen = ScreenLines::new(size);
    let mut out = io::stdout().lock();
    let status = thread::scope(|scope| -> io::Result<_> {
        let (ended, has_ended) = mpsc::channel();
        scope.spawn(move || {
            // Whoever listens is this very function.
            let _ = ended.send(child.wait());
        });
        loop {
            match written.recv_timeout(LAST_WORDS) {
                Ok(bytes) => screen.take(&bytes, &mut out)?,
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    break has_ended.recv().map_err(io::Error::other)?;
                }
                // Nothing to read: if it has ended, nothing will come.
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if let Ok(status) = has_ended.try_recv() {
                        break status;
                    }
                }
            }
            out.flush()?;
        }
    })?;
    screen.finish(&mut out)?;
    out.flush()?;
    if let Some(signal) = status.signal().and_then(|n| Signal::try_from(n).ok()) {
        blocked.thread_unblock()?;
        raise(signal)?;
    }
    Ok(status.code().unwrap_or(1))
}

/// Signals to the tree are for the program; this one ends when it does. Children begin with none
/// blocked: the standard library sees to that.
fn block_signals() -> io::Result<SigSet> {
    let mut signals = SigSet::empty();
    for signal in Signal::iterator() {
        signals.add(signal);
    }
    signals.thread_block()?;
    Ok(signals)
}

/// Types what comes on our standard input.
fn type_what_comes(mut master: File) {
    thread::spawn(move || {
        let mut bytes = [0; 4_096];
        let mut input = io::stdin().lock();
        while let Ok(n) = input.read(&mut bytes) {
            if n == 0 || master.write_all(bytes.get(..n).unwrap_or_default()).is_err() {
                return;
            }
        }
    });
}

/// Reads what is written to the terminal, until nobody has it open.
fn read_on(mut master: File) -> Receiver<Vec<u8>> {
    // One piece under way: a reader that is slow slows the program down, as a terminal would.
    let (send, receive) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = vec![0; READ_BYTES];
        // EIO is how a terminal says that it was closed.
        while let Ok(n) = master.read(&mut bytes) {
            let piece = bytes.get(..n).unwrap_or_default().to_vec();
            if n == 0 || send.send(piece).is_err() {
                return;
            }
        }
    });
    receive
}

/// Reads a size: `120x40`.
///
/// # Errors
/// What would be right, in words.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let parts = text.split_once('x').map(|(columns, rows)| (columns.parse(), rows.parse()));
    match parts {
        Some((Ok(columns), Ok(rows))) if columns > 0 && rows > 0 => Ok(Size { columns, rows }),
        _ => Err(format!("{text:?} is no size: columns and rows, such as 120x40")),
    }
}
