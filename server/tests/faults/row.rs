//! A row of the table: which fault, how often it was tried, and what came of it.

use std::fmt;
use std::sync::Mutex;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

/// What a row has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// How often the fault was produced.
    pub(crate) rounds: u64,
    /// Lines of witnesses that were looked at.
    pub(crate) lines: u64,
    /// Lines that were written and are not there.
    pub(crate) lost: u64,
    /// Lines that are there more than once, or not in their place.
    pub(crate) doubled: u64,
    /// The longest time that something stood still because of the fault.
    pub(crate) pause: Option<Duration>,
    /// Why this machine cannot produce the fault.
    pub(crate) skipped: Option<String>,
}

impl Findings {
    pub(crate) fn skip(why: &str) -> Self {
        Self { skipped: Some(why.to_owned()), ..Self::default() }
    }

    pub(crate) fn note_pause(&mut self, pause: Duration) {
        self.pause = Some(self.pause.map_or(pause, |longest| longest.max(pause)));
    }
}

/// One fault and its test.
pub(crate) struct Row {
    number: u32,
    name: &'static str,
    test: fn() -> Findings,
}

static REPORT: Mutex<Vec<(u32, &'static str, Findings)>> = Mutex::new(Vec::new());

impl Row {
    /// `number` as in the list of faults; `test` panics when the fault is not survived.
    pub(crate) fn new(number: u32, name: &'static str, test: fn() -> Findings) -> Self {
        Self { number, name, test }
    }

    /// The one that is no row: it has them all, and takes its time.
    pub(crate) fn soak(test: fn() -> Findings) -> Self {
        Self { number: 99, name: "soak", test }
    }

    pub(crate) fn into_trial(self) -> Trial {
        let Self { number, name, test } = self;
        Trial::test(format!("row_{number:02}_{name}"), move || {
            let findings = if name == "soak" { test() } else { within_limit(test)? };
            if findings.lost + findings.doubled > 0 {
                let message = format!("{} lost, {} doubled", findings.lost, findings.doubled);
                return Err(Failed::from(message));
            }
            REPORT.lock().unwrap().push((number, name, findings));
            Ok(())
        })
    }
}

/// A test that hangs fails, instead of holding up all others.
fn within_limit(test: fn() -> Findings) -> Result<Findings, Failed> {
    let limit = Duration::from_secs(rounds(90, 1_800));
    let (send, receive) = mpsc::channel();
    let thread = std::thread::spawn(move || send.send(test()));
    match receive.recv_timeout(limit) {
        Ok(findings) => Ok(findings),
        Err(RecvTimeoutError::Timeout) => Err(format!("it hangs: not done after {limit:?}").into()),
        // It has panicked, and says so itself.
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(_) => Err("it has told nothing".into()),
        },
    }
}

/// Rounds: many in `make faults`, few in `make test`.
pub(crate) fn rounds(few: u64, many: u64) -> u64 {
    if std::env::var("RUNYARD_FAULTS").is_ok_and(|how| how == "full") { many } else { few }
}

/// Prints the rows that have passed or were skipped.
pub(crate) fn print_report() {
    let mut report = REPORT.lock().unwrap().clone();
    report.sort_by_key(|(number, name, _)| (*number, *name));
    if report.is_empty() {
        return;
    }
    println!("| # | fault | result | rounds | lines | lost | doubled | longest pause |");
    println!("|---|---|---|---|---|---|---|---|");
    for (number, name, findings) in &report {
        println!("| {number} | {} | {findings} |", name.replace('_', " "));
    }
    let skipped = report.iter().filter(|(_, _, findings)| findings.skipped.is_some()).count();
    println!("{} rows passed, {skipped} skipped", report.len() - skipped);
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.skipped {
            return write!(f, "skipped: {why} | | | | |");
        }
        let Self { rounds, lines, lost, doubled, .. } = self;
        write!(f, "passed | {rounds} | {lines} | {lost} | {doubled} | ")?;
        match self.pause {
            Some(pause) => write!(f, "{:.1} ms", pause.as_secs_f64() * 1e3),
            None => f.write_str("-"),
        }
    }
}
