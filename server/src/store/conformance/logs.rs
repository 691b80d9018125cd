//! Chunks and cursors.

use crate::store::{Change, Chunk, ChunkRange, Database, ProcessRecord, Store, StoreError, Sweep};

use super::samples::{append, audit, chunk, cursor, id, put, record};

async fn read(store: &dyn Store, range: ChunkRange, limit: u32) -> Vec<(i64, i64)> {
    let chunks = store.chunks(&id("p"), range, limit).await.unwrap();
    chunks.into_iter().map(|chunk| (chunk.first_idx, chunk.last_idx)).collect()
}

/// A log of three chunks: 0..=9 at 100, 10..=10 at 200, 11..=29 at 150 to 300.
async fn fill(store: &dyn Store) {
    let last = Chunk { first_ts: 150, last_ts: 300, ..chunk(11, 29, 0) };
    let changes = [
        put(&record("p")),
        append("p", chunk(0, 9, 100)),
        append("p", chunk(10, 10, 200)),
        append("p", last),
    ];
    store.commit(&changes).await.unwrap();
}

pub(in crate::store) async fn appends_chunks(store: &dyn Store) {
    store.commit(&[put(&record("p"))]).await.unwrap();
    let binary = Chunk { bytes: (0..=255).collect(), codec: 255, ..chunk(0, 3, 7) };
    store.commit(&[append("p", binary.clone())]).await.unwrap();
    let empty = Chunk { bytes: vec![], ..chunk(4, 4, 8) };
    store.commit(&[append("p", empty.clone())]).await.unwrap();
    let chunks = store.chunks(&id("p"), ChunkRange::After(-1), 10).await.unwrap();
    assert_eq!(chunks, [binary, empty]);
    let process = store.get_process(&id("p")).await.unwrap().unwrap().process;
    assert_eq!(process.next_idx, 5);
}

pub(in crate::store) async fn moves_the_cursor_with_the_chunk(store: &dyn Store) {
    store.commit(&[put(&record("p"))]).await.unwrap();
    let change = |chunk, offset| Change::AppendChunk {
        process: id("p"),
        chunk,
        cursor: Some(cursor("p.1", offset)),
    };
    store.commit(&[change(chunk(0, 1, 1), 10)]).await.unwrap();
    assert_eq!(store.cursors().await.unwrap(), [cursor("p.1", 10)]);
    store.commit(&[change(chunk(1, 2, 1), 20)]).await.unwrap_err();
    assert_eq!(store.cursors().await.unwrap(), [cursor("p.1", 10)]);
    store.commit(&[change(chunk(2, 2, 1), 20)]).await.unwrap();
    assert_eq!(store.cursors().await.unwrap(), [cursor("p.1", 20)]);
}

pub(in crate::store) async fn refuses_a_gap_and_keeps_nothing(store: &dyn Database) {
    store.commit(&[put(&record("p")), append("p", chunk(0, 1, 1))]).await.unwrap();
    let changes = [
        put(&record("q")),
        append("q", chunk(0, 0, 1)),
        Change::PutCursor(cursor("q.1", 1)),
        Change::Audit(audit(1, "admin")),
        append("p", chunk(3, 4, 1)),
    ];
    let error = store.commit(&changes).await.unwrap_err();
    assert!(matches!(error, StoreError::Gap { expected: 2, got: 3, .. }), "{error}");
    assert_eq!(store.get_process(&id("q")).await.unwrap(), None);
    assert!(store.cursors().await.unwrap().is_empty());
    assert!(store.audit_before(i64::MAX, 1).await.unwrap().is_empty());
    assert_eq!(read(store, ChunkRange::After(-1), 10).await, [(0, 1)]);
    // And the store goes on.
    store.commit(&[append("p", chunk(2, 2, 1))]).await.unwrap();
}

pub(in crate::store) async fn refuses_a_chunk_twice(store: &dyn Store) {
    store.commit(&[put(&record("p")), append("p", chunk(0, 1, 1))]).await.unwrap();
    let error = store.commit(&[append("p", chunk(0, 1, 1))]).await.unwrap_err();
    assert!(matches!(error, StoreError::Gap { expected: 2, got: 0, .. }), "{error}");
    assert_eq!(read(store, ChunkRange::After(-1), 10).await, [(0, 1)]);
}

pub(in crate::store) async fn names_the_log_that_has_a_gap(store: &dyn Store) {
    store.commit(&[put(&record("p")), put(&record("q"))]).await.unwrap();
    let changes = [
        append("p", chunk(0, 1, 1)),
        put(&record("r")),
        append("r", chunk(0, 1, 1)),
        append("q", chunk(1, 1, 1)),
    ];
    let error = store.commit(&changes).await.unwrap_err();
    let StoreError::Gap { process, expected: 0, got: 1 } = error else { panic!("{error}") };
    assert_eq!(process, id("q"));
}

pub(in crate::store) async fn refuses_a_chunk_of_no_process(store: &dyn Store) {
    let error = store.commit(&[append("nobody", chunk(0, 1, 1))]).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert!(store.chunks(&id("nobody"), ChunkRange::After(-1), 1).await.unwrap().is_empty());
}

pub(in crate::store) async fn keeps_the_last_word_on_a_cursor(store: &dyn Store) {
    store
        .commit(&[Change::PutCursor(cursor("a.1", 1)), Change::PutCursor(cursor("b.1", 1 << 40))])
        .await
        .unwrap();
    assert_eq!(store.cursors().await.unwrap(), [cursor("a.1", 1), cursor("b.1", 1 << 40)]);
    store
        .commit(&[
            Change::PutCursor(cursor("a.1", 5)),
            Change::DropCursor("a.1".into()),
            Change::DropCursor("b.1".into()),
            Change::PutCursor(cursor("b.1", 9)),
            Change::DropCursor("nobody.1".into()),
        ])
        .await
        .unwrap();
    assert_eq!(store.cursors().await.unwrap(), [cursor("b.1", 9)]);
}

pub(in crate::store) async fn reads_chunks_after(store: &dyn Store) {
    fill(store).await;
    for (after, expected) in [
        (-1, vec![(0, 9), (10, 10), (11, 29)]),
        (0, vec![(0, 9), (10, 10), (11, 29)]),
        (8, vec![(0, 9), (10, 10), (11, 29)]),
        (9, vec![(10, 10), (11, 29)]),
        (10, vec![(11, 29)]),
        (28, vec![(11, 29)]),
        (29, vec![]),
        (i64::MAX, vec![]),
        (i64::MIN, vec![(0, 9), (10, 10), (11, 29)]),
    ] {
        assert_eq!(read(store, ChunkRange::After(after), 10).await, expected, "{after}");
    }
    assert_eq!(read(store, ChunkRange::After(5), 2).await, [(0, 9), (10, 10)]);
}

pub(in crate::store) async fn reads_chunks_before(store: &dyn Store) {
    fill(store).await;
    for (before, expected) in [
        (i64::MAX, vec![(11, 29), (10, 10), (0, 9)]),
        (12, vec![(11, 29), (10, 10), (0, 9)]),
        (11, vec![(10, 10), (0, 9)]),
        (10, vec![(0, 9)]),
        (1, vec![(0, 9)]),
        (0, vec![]),
        (-1, vec![]),
    ] {
        assert_eq!(read(store, ChunkRange::Before(before), 10).await, expected, "{before}");
    }
    assert_eq!(read(store, ChunkRange::Before(i64::MAX), 2).await, [(11, 29), (10, 10)]);
}

pub(in crate::store) async fn reads_chunks_since(store: &dyn Store) {
    fill(store).await;
    for (since, expected) in [
        (0, vec![(0, 9), (10, 10), (11, 29)]),
        (100, vec![(0, 9), (10, 10), (11, 29)]),
        (101, vec![(10, 10), (11, 29)]),
        (200, vec![(10, 10), (11, 29)]),
        (201, vec![(11, 29)]),
        (300, vec![(11, 29)]),
        (301, vec![]),
    ] {
        assert_eq!(read(store, ChunkRange::Since(since), 10).await, expected, "{since}");
    }
    // The clock went back: what is older than asked for is left out, wherever it stands.
    store.commit(&[append("p", chunk(30, 30, 50)), append("p", chunk(31, 31, 400))]).await.unwrap();
    assert_eq!(read(store, ChunkRange::Since(250), 10).await, [(11, 29), (31, 31)]);
    assert_eq!(read(store, ChunkRange::Since(250), 1).await, [(11, 29)]);
}

pub(in crate::store) async fn keeps_logs_apart(store: &dyn Store) {
    fill(store).await;
    store.commit(&[put(&record("q")), append("q", chunk(0, 0, 999))]).await.unwrap();
    assert_eq!(read(store, ChunkRange::Since(301), 10).await, []);
    let chunks = store.chunks(&id("q"), ChunkRange::After(-1), 10).await.unwrap();
    assert_eq!(chunks, [chunk(0, 0, 999)]);
}

pub(in crate::store) async fn writes_many_chunks_at_once(store: &dyn Store) {
    let mut changes = vec![put(&record("p")), put(&record("q"))];
    for idx in 0..50 {
        changes.push(append("p", chunk(idx, idx, idx)));
        changes.push(append("q", chunk(idx * 2, idx * 2 + 1, idx)));
    }
    store.commit(&changes).await.unwrap();
    let expected: Vec<_> = (0..50).map(|idx| (idx, idx)).collect();
    assert_eq!(read(store, ChunkRange::After(-1), 100).await, expected);
    let process = store.get_process(&id("q")).await.unwrap().unwrap().process;
    assert_eq!(process.next_idx, 100);
}

pub(in crate::store) async fn sweeps_all_logs_newest_first(store: &dyn Store) {
    let mut other = record("q");
    other.process.project = "Ärger".into();
    let other: ProcessRecord = other;
    store.commit(&[put(&record("p")), put(&other)]).await.unwrap();
    for change in [
        append("p", chunk(0, 9, 100)),
        append("q", chunk(0, 4, 200)),
        append("p", chunk(10, 10, 300)),
    ] {
        store.commit(&[change]).await.unwrap();
    }
    let all =
        Sweep { below: i64::MAX, since: i64::MIN, until: i64::MAX, project: None, scripts: None };
    let read = async |sweep: &Sweep, limit| {
        let found = store.sweep(sweep, limit).await.unwrap();
        let places: Vec<_> = found.iter().map(|swept| swept.place).collect();
        let names: Vec<_> =
            found.iter().map(|s| (s.process.0.clone(), s.chunk.first_idx)).collect();
        (places, names)
    };
    let at = |process: &str, idx| (process.to_owned(), idx);
    let (places, found) = read(&all, 10).await;
    assert_eq!(found, [at("p", 10), at("q", 0), at("p", 0)]);
    // Page by page it is the same.
    assert_eq!(read(&all, 1).await.1, [at("p", 10)]);
    let rest = Sweep { below: places[0], ..all.clone() };
    assert_eq!(read(&rest, 10).await.1, [at("q", 0), at("p", 0)]);
    let end = Sweep { below: places[2], ..all.clone() };
    assert!(read(&end, 10).await.1.is_empty());
    let timed = Sweep { since: 150, until: 250, ..all.clone() };
    assert_eq!(read(&timed, 10).await.1, [at("q", 0)]);
    let named = Sweep { project: Some("ärger".into()), ..all.clone() };
    assert_eq!(read(&named, 10).await.1, [at("q", 0)]);
    let counts = store.start_counts().await.unwrap();
    assert_eq!(counts.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 1]);
    let scripts: Vec<_> = counts.into_iter().map(|(script, _)| script).collect();
    assert_eq!(scripts, [("site".to_owned(), "dev".to_owned()), ("Ärger".into(), "dev".into())]);
    let allowed = Sweep { scripts: Some(scripts[..1].to_vec()), ..all.clone() };
    assert_eq!(read(&allowed, 10).await.1, [at("p", 10), at("p", 0)]);
    let neither = Sweep { scripts: Some(scripts[..1].to_vec()), ..named };
    assert!(read(&neither, 10).await.1.is_empty());
    let none = Sweep { scripts: Some(vec![]), ..all };
    assert!(read(&none, 10).await.1.is_empty());
}
