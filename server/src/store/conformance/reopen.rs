//! What outlives the server.

use crate::store::{Change, ChunkRange, StoreError};

use super::Fixture;
use super::samples::{append, attempt, audit, chunk, cursor, id, put, record};

pub(in crate::store) async fn keeps_all_when_reopened(fixture: &dyn Fixture) {
    let mut expected = record("p");
    expected.process.attempts = vec![attempt(1)];
    let store = fixture.open().await.unwrap();
    store
        .commit(&[
            put(&expected),
            append("p", chunk(0, 9, 5)),
            Change::PutCursor(cursor("p.1", 7)),
            Change::Audit(audit(1, "admin")),
        ])
        .await
        .unwrap();
    expected.process.next_idx = 10;
    drop(store);
    fixture.close().await;

    let store = fixture.open().await.unwrap();
    assert_eq!(store.get_process(&id("p")).await.unwrap(), Some(expected));
    let chunks = store.chunks(&id("p"), ChunkRange::After(-1), 10).await.unwrap();
    assert_eq!(chunks, [chunk(0, 9, 5)]);
    assert_eq!(store.cursors().await.unwrap(), [cursor("p.1", 7)]);
    let lines = store.audit_before(i64::MAX, 10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].record, audit(1, "admin"));
}

pub(in crate::store) async fn refuses_a_newer_database(fixture: &dyn Fixture) {
    drop(fixture.open().await.unwrap());
    fixture.mark_newer().await;
    fixture.close().await;
    let error = fixture.open().await.err().unwrap();
    assert!(matches!(error, StoreError::Newer(_)), "{error}");
}
