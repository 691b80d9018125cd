use super::*;
use crate::logs::carry::Carry;
use crate::logs::chunk::ChunkBuilder;
use crate::store::{Change, ProcessRecord, SqliteStore, Store};
use app::model::{EntryKind, Process, ProcessId};
use std::sync::Arc;

/// A store with the lines of two logs, in chunks of a few hundred.
struct Bench {
    store: Arc<dyn Store>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(left: impl Iterator<Item = String>, right: impl Iterator<Item = String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runyard.db");
        let store = Arc::new(SqliteStore::open(path.to_str().unwrap()).await.unwrap());
        write(&*store, "left", left).await;
        write(&*store, "right", right).await;
        Self { store, _folder: folder }
    }

    fn side(&self, name: &str, first: i64) -> Side {
        let process = ProcessId(name.to_owned());
        Side::new(LogReader::new(Arc::clone(&self.store), process, None), first, i64::MAX)
    }

    async fn align(&self, (left, right): (i64, i64), room: usize) -> Aligned {
        align(self.side("left", left), self.side("right", right), room).await.unwrap()
    }
}

async fn write(store: &dyn Store, name: &str, lines: impl Iterator<Item = String>) {
    let process = Process { id: ProcessId(name.to_owned()), ..Process::default() };
    let id = process.id.clone();
    let record = ProcessRecord { process, spec: "{}".into() };
    let mut changes = vec![Change::PutProcess(Box::new(record))];
    let (mut chunk, mut carry, mut first) = (ChunkBuilder::default(), Carry::default(), 0);
    let mut lines = (0..).zip(lines).peekable();
    while let Some((idx, line)) = lines.next() {
        let (line, kind) = (line.as_bytes(), EntryKind::Stdout);
        let begin = carry.next(kind, line);
        chunk.push(&RawEntry { idx, ts: idx, kind, line, continued: false, begin });
        if chunk.bytes() > 8_000 || lines.peek().is_none() {
            let chunk = chunk.take(first);
            first = idx + 1;
            changes.push(Change::AppendChunk { process: id.clone(), chunk, cursor: None });
        }
        if changes.len() > 100 {
            store.commit(&std::mem::take(&mut changes)).await.unwrap();
        }
    }
    store.commit(&changes).await.unwrap();
}

fn texts(lines: &[&str]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>().into_iter()
}

/// Lines that differ from one another, but not by numbers; `from` that one on.
fn many(from: usize, count: usize) -> impl Iterator<Item = String> {
    let letter = |n: usize| char::from(b"abcdefghijklmnopqrstuvwxyz"[n % 26]);
    (from..from + count).map(move |n| {
        let word: String = [n, n / 26, n / 676, n / 17_576].map(letter).iter().collect();
        format!("12:00:{:02} {word} took {n} ms", n % 60)
    })
}

fn same(left: i64, right: i64) -> Row {
    Row::Lines { left: Some(left), right: Some(right), is_same: true }
}

fn other(left: Option<i64>, right: Option<i64>) -> Row {
    Row::Lines { left, right, is_same: false }
}

async fn aligned(left: &[&str], right: &[&str]) -> Vec<Row> {
    let aligned = Bench::new(texts(left), texts(right)).await.align((0, 0), 1_000).await;
    assert_eq!(aligned.next, None);
    aligned.rows
}

#[test]
fn times_numbers_and_colours_are_no_difference() {
    for (left, right) in [
        ("12:00:01 GET /a in 3ms", "09:14:55 GET /a in 41ms"),
        ("\x1b[32mdone\x1b[0m", "done"),
        ("id 7f3a9c", "id 00b1e2"),
        ("é7 ok", "é12 ok"),
    ] {
        assert_eq!(said_by(left.as_bytes()), said_by(right.as_bytes()), "{left}");
    }
    for (left, right) in [("GET /a", "GET /b"), ("a b", "ab "), ("✓3", "✗3"), ("✓é", "✓")]
    {
        assert_ne!(said_by(left.as_bytes()), said_by(right.as_bytes()), "{left}");
    }
}

#[tokio::test]
async fn a_line_that_one_run_lacks_stands_alone() {
    let rows = aligned(&["start", "connect", "end"], &["start", "end"]).await;
    assert_eq!(rows, [same(0, 0), other(Some(1), None), same(2, 1)]);
    assert_eq!(aligned(&["a", "b"], &["a", "b"]).await, [Row::Alike(2)]);
    assert_eq!(aligned(&["a"], &[]).await, [other(Some(0), None)]);
    assert!(aligned(&[], &[]).await.is_empty());
}

#[tokio::test]
async fn what_took_another_turn_stands_side_by_side() {
    let rows = aligned(&["start", "error: no"], &["start", "ready", "serving"]).await;
    assert_eq!(rows, [same(0, 0), other(Some(1), Some(1)), other(None, Some(2))]);
}

#[tokio::test]
async fn what_is_alike_is_counted_but_for_what_is_near_a_difference() {
    let (left, right) = (many(0, 30), many(0, 30));
    let left = left.enumerate().map(|(n, line)| if n == 15 { "oh".to_owned() } else { line });
    let rows = Bench::new(left, right).await.align((0, 0), 1_000).await.rows;
    assert_eq!(rows[0], Row::Alike(12));
    assert_eq!(rows[1..4], [same(12, 12), same(13, 13), same(14, 14)]);
    assert_eq!(rows[4], other(Some(15), Some(15)));
    assert_eq!(rows[5..8], [same(16, 16), same(17, 17), same(18, 18)]);
    assert_eq!(rows[8..], [Row::Alike(11)]);
}

#[tokio::test]
async fn the_first_difference_is_found_however_late_it_is() {
    let left = many(0, 90_000).chain(texts(&["panic: it broke"]));
    let right = many(0, 90_000).chain(many(90_000, 50_000));
    let bench = Bench::new(left, right).await;
    let page = bench.align((0, 0), 100).await;
    assert_eq!(page.rows[0], Row::Alike(89_997));
    assert_eq!(page.rows[4], other(Some(90_000), Some(90_000)));
    // No more is shown than there is room for, and it goes on from there.
    assert_eq!((page.rows.len(), page.next), (100, Some((90_001, 90_096))));
    let rest = bench.align(page.next.unwrap(), 100_000).await;
    assert_eq!((rest.rows.len(), rest.next), (50_000 - 96, None));
    assert_eq!(rest.rows[0], other(None, Some(90_096)));
}

#[tokio::test]
async fn a_window_ends_where_both_say_the_same_again() {
    // The left one has some thousand lines more, in two places, far more than a window apart.
    let extra = |n: usize| (0..n).map(|_| "and again".to_owned());
    let left = extra(15_000).chain(many(0, 60_000)).chain(extra(1)).chain(many(60_000, 10));
    let bench = Bench::new(left, many(0, 60_010)).await;
    let page = bench.align((0, 0), 20_000).await;
    let differences =
        page.rows.iter().filter(|row| matches!(row, Row::Lines { is_same: false, .. }));
    assert_eq!((differences.count(), page.next), (15_001, None));
    assert_eq!(page.rows[15_002], same(15_002, 2));
    assert_eq!(page.rows[15_003], Row::Alike(60_000 - 6));
}

#[tokio::test]
async fn pages_say_together_what_one_says() {
    let odd =
        |n: usize, line: String| if n.is_multiple_of(7) { format!("{line} late") } else { line };
    let left = many(0, 3_000).enumerate().map(move |(n, line)| odd(n, line));
    let bench = Bench::new(left, many(0, 3_000)).await;
    let differs = |rows: &[Row]| -> Vec<Row> {
        rows.iter()
            .filter(|row| matches!(row, Row::Lines { is_same: false, .. }))
            .copied()
            .collect()
    };
    let whole = bench.align((0, 0), usize::MAX).await;
    let (mut found, mut from) = (Vec::new(), Some((0, 0)));
    while let Some(place) = from {
        let page = bench.align(place, 50).await;
        assert!(page.rows.len() <= 54, "{}", page.rows.len());
        found.extend(differs(&page.rows));
        from = page.next;
    }
    assert_eq!(found, differs(&whole.rows));
    assert_eq!(found.len(), 3_000_usize.div_ceil(7));
}
