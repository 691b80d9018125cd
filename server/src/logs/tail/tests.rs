use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use app::model::{Entry, ProcessId};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use super::*;
use crate::logs::hub::Log;
use crate::store::{SqliteStore, Store, Writer};
use crate::sys::pipe::Pipe;
use crate::sys::spool::{Cause, SpoolWriter};

mod news;

const ROUNDS: u64 = 20;

/// Writes `ROUNDS` records, each with a line on both streams: `o 0`, `e 0`, `o 1` and so on; and how
/// the run would end.
fn write_spool(dir: &Path) -> ExitRecord {
    fs::create_dir_all(dir).unwrap();
    let (out, err) = (Pipe::new().unwrap(), Pipe::new().unwrap());
    let (mut to_out, mut to_err) = (fs::File::from(out.child), fs::File::from(err.child));
    let mut writer = SpoolWriter::create(dir);
    for n in 0..ROUNDS {
        writeln!(to_out, "o {n}").unwrap();
        writeln!(to_err, "e {n}").unwrap();
        writer.take(Stream::Out, out.read.as_fd(), 4096).unwrap();
        writer.take(Stream::Err, err.read.as_fd(), 4096).unwrap();
        writer.record(&mut Vec::new()).unwrap();
    }
    let (out_off, err_off, idx_off) = writer.offsets();
    ExitRecord { ended_at_ms: 7, out_off, err_off, idx_off, ..ExitRecord::default() }
}

fn file(dir: &Path, stream: &str) -> PathBuf {
    dir.join(format!("{stream}.{:016x}.seg", 0))
}

fn change(dir: &Path, stream: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = file(dir, stream);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// A store for all tests here: nothing of what they do comes to it.
struct Bench {
    runtime: Runtime,
    writer: Writer,
    _folder: TempDir,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("runyard.db").display());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let writer = runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&url).await.unwrap());
        Writer::start(store, &TaskTracker::new())
    });
    Bench { runtime, writer, _folder: folder }
});

/// What a spool gives: its lines, and where among them something was missing.
#[derive(Debug, PartialEq)]
struct Taken {
    lines: Vec<String>,
    /// Of the lines.
    kinds: Vec<EntryKind>,
    gaps: Vec<(usize, Gap)>,
    cursor: Cursor,
}

fn start() -> Cursor {
    Cursor { run: "p.1".into(), index_off: 0, out_off: 0, err_off: 0 }
}

fn take(dir: &Path, from: &Cursor, exit: Option<&ExitRecord>) -> Taken {
    let bench = &*BENCH;
    bench.runtime.block_on(async {
        let log = Log::new(ProcessId("p".into()), 0);
        let mut recorder = Recorder::new(Arc::clone(&log), bench.writer.clone());
        let mut tail = RunTail::open(dir, from, None).unwrap();
        if let Some(exit) = exit {
            tail.ends_at(exit);
        }
        let mut gaps = Vec::new();
        let mut note = |tail: &mut RunTail, recorder: &Recorder| {
            let at = usize::try_from(recorder.next_idx()).unwrap();
            gaps.extend(std::iter::from_fn(|| tail.take_gap()).map(|gap| (at, gap)));
        };
        // Each step but the last takes something in or tells of a gap.
        for _ in 0..1_000 {
            let more = tail.step(&mut recorder, 1 << 20).unwrap();
            note(&mut tail, &recorder);
            if !more {
                break;
            }
        }
        tail.finish(7, &mut recorder);
        note(&mut tail, &recorder);
        recorder.show();
        let (_, parts) = log.newest(recorder.next_idx()).unwrap_or_default();
        let parts: Vec<_> = parts.iter().map(|part| std::str::from_utf8(part).unwrap()).collect();
        let entries: Vec<Entry> = serde_json::from_str(&format!("[{}]", parts.join(","))).unwrap();
        let (lines, kinds) = entries.into_iter().map(|entry| (entry.line, entry.kind)).unzip();
        Taken { lines, kinds, gaps, cursor: tail.cursor() }
    })
}

fn all() -> Vec<String> {
    (0..ROUNDS).flat_map(|n| [format!("o {n}"), format!("e {n}")]).collect()
}

fn of(lines: &[String], stream: char) -> Vec<&str> {
    lines.iter().map(String::as_str).filter(|line| line.starts_with(stream)).collect()
}

#[test]
fn a_sound_spool_has_no_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let exit = write_spool(dir.path());
    for exit in [None, Some(&exit)] {
        let taken = take(dir.path(), &start(), exit);
        assert_eq!((taken.lines, taken.gaps), (all(), vec![]));
    }
}

#[test]
fn bytes_that_are_not_there_are_told_once_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let exit = write_spool(dir.path());
    // In the middle of `o 5`.
    change(dir.path(), "out", |bytes| bytes.truncate(22));
    let gap = Gap::Bytes { stream: Stream::Out, from: 22, to: exit.out_off };
    assert!(gap.describe().starts_with(&format!("{} bytes of stdout", exit.out_off - 22)));
    let taken = take(dir.path(), &start(), Some(&exit));
    assert_eq!(of(&taken.lines, 'e').len() as u64, ROUNDS);
    assert_eq!(of(&taken.lines, 'o'), ["o 0", "o 1", "o 2", "o 3", "o 4", "o "]);
    assert_eq!(taken.gaps, [(taken.lines.len(), gap)]);
    assert_eq!(taken.cursor.out_off, exit.out_off);
    // Taken up behind it, there is nothing left to tell.
    let again = take(dir.path(), &taken.cursor, Some(&exit));
    assert_eq!((again.lines, again.gaps), (vec![], vec![]));
}

#[test]
fn a_gap_that_nobody_was_told_of_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let exit = write_spool(dir.path());
    change(dir.path(), "err", |bytes| bytes.truncate(8));
    // The cursor of one that has met the gap, and not seen its end.
    let cursor = Cursor { index_off: 10 * RECORD_SIZE, out_off: 40, err_off: 8, ..start() };
    let taken = take(dir.path(), &cursor, Some(&exit));
    let gap = Gap::Bytes { stream: Stream::Err, from: 8, to: exit.err_off };
    assert_eq!(taken.gaps, [(taken.lines.len(), gap)]);
    assert_eq!(of(&taken.lines, 'o').len() as u64, ROUNDS - 10);
}

#[test]
fn a_damaged_record_costs_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let exit = write_spool(dir.path());
    change(dir.path(), "idx", |bytes| bytes[5 * 40 + 17] ^= 1);
    for exit in [None, Some(&exit)] {
        let taken = take(dir.path(), &start(), exit);
        // The sixth round is counted by the seventh record.
        assert_eq!(taken.gaps, [(10, Gap::Records { count: 1 })]);
        assert_eq!(of(&taken.lines, 'o').len() as u64, ROUNDS);
        assert_eq!(of(&taken.lines, 'e').len() as u64, ROUNDS);
    }
}

#[test]
fn an_index_that_ends_too_early_is_waited_for_until_the_end_is_known() {
    let cuts: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes.truncate(17 * 40),
        |bytes| bytes.truncate(17 * 40 + 11),
        |bytes| bytes[17 * 40..].fill(0xff),
    ];
    for cut in cuts {
        let dir = tempfile::tempdir().unwrap();
        let exit = write_spool(dir.path());
        change(dir.path(), "idx", cut);
        let waiting = take(dir.path(), &start(), None);
        assert_eq!((waiting.lines.len(), waiting.gaps), (34, vec![]));
        let taken = take(dir.path(), &start(), Some(&exit));
        assert_eq!(taken.gaps, [(34, Gap::Records { count: 3 })]);
        assert_eq!(of(&taken.lines, 'o').len() as u64, ROUNDS);
        assert_eq!(of(&taken.lines, 'e').len() as u64, ROUNDS);
        assert_eq!(taken.cursor.index_off, exit.idx_off);
    }
}

#[test]
fn an_index_that_is_gone_altogether_costs_the_order_and_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let exit = write_spool(dir.path());
    fs::remove_file(file(dir.path(), "idx")).unwrap();
    let taken = take(dir.path(), &start(), Some(&exit));
    assert_eq!(taken.gaps, [(0, Gap::Records { count: ROUNDS })]);
    assert_eq!(taken.lines.len() as u64, 2 * ROUNDS);
}

/// What happens to one file of a spool.
#[derive(Clone, Debug)]
enum Harm {
    Flip { at: usize, bit: u8 },
    Cut { at: usize },
    Grow { by: Vec<u8> },
    Unlink,
}

fn harm() -> impl Strategy<Value = (usize, Harm)> {
    let harm = prop_oneof![
        4 => (any::<usize>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip { at, bit }),
        3 => any::<usize>().prop_map(|at| Harm::Cut { at }),
        1 => proptest::collection::vec(any::<u8>(), 1..200).prop_map(|by| Harm::Grow { by }),
        1 => Just(Harm::Unlink),
    ];
    (0..3_usize, harm)
}

proptest! {
    /// Whatever is done to the files: it ends, without a panic, and every line of an untouched stream
    /// is there as long as the end is known.
    #[test]
    fn any_harm_is_survived(harms in proptest::collection::vec(harm(), 1..4)) {
        let dir = tempfile::tempdir().unwrap();
        let exit = write_spool(dir.path());
        let names = ["out", "err", "idx"];
        for (which, harm) in &harms {
            let path = file(dir.path(), names[*which]);
            let Ok(mut bytes) = fs::read(&path) else { continue };
            match harm {
                Harm::Flip { at, bit } if !bytes.is_empty() => {
                    let at = at % bytes.len();
                    bytes[at] ^= 1 << bit;
                }
                Harm::Flip { .. } => {}
                Harm::Cut { at } => bytes.truncate(at % (bytes.len() + 1)),
                Harm::Grow { by } => bytes.extend(by),
                Harm::Unlink => {
                    fs::remove_file(&path).unwrap();
                    continue;
                }
            }
            fs::write(&path, bytes).unwrap();
        }
        let taken = take(dir.path(), &start(), Some(&exit));
        for (which, letter, kind) in [(0, 'o', EntryKind::Stdout), (1, 'e', EntryKind::Stderr)] {
            if harms.iter().all(|(harmed, _)| *harmed != which) {
                let wanted = all();
                let lines = taken.lines.iter().zip(&taken.kinds).filter(|(_, it)| **it == kind);
                let lines: Vec<_> = lines.map(|(line, _)| line.as_str()).collect();
                prop_assert_eq!(lines, of(&wanted, letter));
            }
        }
        let is_cut = |(which, harm): &(usize, Harm)| {
            *which < 2 && matches!(harm, Harm::Unlink)
        };
        prop_assert!(!harms.iter().any(is_cut) || !taken.gaps.is_empty(), "not told");
    }
}

/// A line, nine that were dropped in three records, and another line, on stdout; one on stderr that had
/// begun before.
fn write_with_drops(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let (out, err) = (Pipe::new().unwrap(), Pipe::new().unwrap());
    let (mut to_out, mut to_err) = (fs::File::from(out.child), fs::File::from(err.child));
    let mut writer = SpoolWriter::create(dir);
    writeln!(to_out, "before").unwrap();
    write!(to_err, "begun").unwrap();
    writer.take(Stream::Out, out.read.as_fd(), 4096).unwrap();
    writer.take(Stream::Err, err.read.as_fd(), 4096).unwrap();
    for _ in 0..3 {
        write!(to_out, "1\n2\n3\n").unwrap();
        writer.discard(Stream::Out, out.read.as_fd(), 4096, Cause::Disk).unwrap();
        writer.record(&mut Vec::new()).unwrap();
    }
    writeln!(to_out, "after").unwrap();
    writer.take(Stream::Out, out.read.as_fd(), 4096).unwrap();
    writer.record(&mut Vec::new()).unwrap();
}

#[test]
fn what_was_dropped_last_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let (out, err) = (Pipe::new().unwrap(), Pipe::new().unwrap());
    let mut writer = SpoolWriter::create(&dir.path().join("p.1"));
    let mut to_out = fs::File::from(out.child);
    writeln!(to_out, "lost").unwrap();
    drop((to_out, err.child));
    for _ in 0..2 {
        writer.discard(Stream::Out, out.read.as_fd(), 4096, Cause::Backlog).unwrap();
    }
    writer.take(Stream::Err, err.read.as_fd(), 4096).unwrap();
    writer.record(&mut Vec::new()).unwrap();
    // The record of what was dropped is the one that closes both streams.
    let taken = take(&dir.path().join("p.1"), &start(), None);
    assert_eq!((taken.lines.len(), taken.gaps.len()), (0, 1));
    assert!(taken.gaps[0].1.describe().contains("logs.max_backlog"), "{:?}", taken.gaps);
}

#[test]
fn what_was_dropped_is_told_once_and_where_whenever_it_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    write_with_drops(dir.path());
    let taken = take(dir.path(), &start(), None);
    assert_eq!(taken.lines, ["before", "begun", "after"]);
    let [(2, Gap::Dropped(dropped))] = &taken.gaps[..] else { panic!("{:?}", taken.gaps) };
    assert_eq!((dropped.out.clone(), dropped.err.clone(), dropped.lines), (7..25, 5..5, 9));
    assert!(dropped.since_ms <= dropped.until_ms && dropped.since_ms > 1_600_000_000_000);
    let words = taken.gaps[0].1.describe();
    assert!(
        words.starts_with("dropped here: 18 bytes of stdout from byte 7 on (9 lines), "),
        "{words}"
    );
    // Taken up behind it there is nothing left to tell; from between the records, the whole of it.
    let again = take(dir.path(), &taken.cursor, None);
    assert_eq!((again.lines, again.gaps), (vec![], vec![]));
    let inside = Cursor { index_off: 3 * RECORD_SIZE, out_off: 7, err_off: 5, ..start() };
    let again = take(dir.path(), &inside, None);
    assert_eq!(again.lines, ["after"]);
    assert_eq!(again.gaps, [(0, Gap::Dropped(dropped.clone()))]);
}

proptest! {
    /// The same of a spool in which something was dropped.
    #[test]
    fn any_harm_to_a_spool_with_gaps_is_survived(
        which in 0..3_usize,
        at: usize,
        bit in 0..8_u8,
        is_cut: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        write_with_drops(dir.path());
        change(dir.path(), ["out", "err", "idx"][which], |bytes| {
            let at = at % bytes.len();
            match is_cut {
                true => bytes.truncate(at),
                false => bytes[at] ^= 1 << bit,
            }
        });
        let exit = ExitRecord { out_off: 31, err_off: 5, idx_off: 5 * RECORD_SIZE, ..ExitRecord::default() };
        for exit in [None, Some(&exit)] {
            let taken = take(dir.path(), &start(), exit);
            let again = take(dir.path(), &taken.cursor, exit);
            prop_assert!(again.gaps.is_empty() || exit.is_none(), "{:?}", again.gaps);
        }
    }
}
