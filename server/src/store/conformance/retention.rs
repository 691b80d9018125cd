//! What logs take, and the removal of the oldest of them.

use crate::store::{Chunk, ChunkRange, LogPrune, LogPruned, LogUsage, Store};

use super::samples::{append, chunk, id, put, record};

/// Three chunks of two logs, in the order in which they were stored, and their lengths.
async fn store_three(store: &dyn Store) -> [i64; 3] {
    let chunks = [("p", chunk(0, 9, 100)), ("q", chunk(0, 1, 200)), ("p", chunk(10, 19, 300))];
    let lengths = chunks.clone().map(|(_, chunk)| i64::try_from(chunk.bytes.len()).unwrap());
    store.commit(&[put(&record("p")), put(&record("q"))]).await.unwrap();
    for (process, chunk) in chunks {
        store.commit(&[append(process, chunk)]).await.unwrap();
    }
    lengths
}

async fn first_idxs(store: &dyn Store, process: &str) -> Vec<i64> {
    let chunks = store.chunks(&id(process), ChunkRange::After(-1), 10).await.unwrap();
    chunks.iter().map(|chunk| chunk.first_idx).collect()
}

pub(in crate::store) async fn tells_what_logs_take(store: &dyn Store) {
    assert_eq!(store.log_usage(i64::MAX).await.unwrap(), LogUsage::default());
    let lengths = store_three(store).await;
    let bytes = lengths.iter().sum();
    let usage = store.log_usage(201).await.unwrap();
    assert_eq!(usage, LogUsage { bytes, older_bytes: lengths[0] + lengths[1] });
    assert_eq!(store.log_usage(100).await.unwrap().older_bytes, 0);
}

pub(in crate::store) async fn removes_what_is_too_old(store: &dyn Store) {
    let lengths = store_three(store).await;
    let prune = async |ts, limit| store.prune_logs(LogPrune::OlderThan(ts), limit).await.unwrap();
    assert_eq!(prune(100, 10).await, LogPruned::default());
    let first = LogPruned { chunks: 1, lines: 10, bytes: lengths[0] };
    assert_eq!(prune(300, 1).await, first, "no more than it may, the first stored first");
    assert_eq!(first_idxs(store, "p").await, [10]);
    assert_eq!(prune(300, 10).await, LogPruned { chunks: 1, lines: 2, bytes: lengths[1] });
    assert_eq!(prune(300, 10).await, LogPruned::default());
    assert_eq!(first_idxs(store, "p").await, [10]);
    assert!(first_idxs(store, "q").await.is_empty());
    // The log goes on where it was.
    store.commit(&[append("p", chunk(20, 20, 400)), append("q", chunk(2, 2, 400))]).await.unwrap();
    assert_eq!(store.get_process(&id("q")).await.unwrap().unwrap().process.next_idx, 3);
}

pub(in crate::store) async fn removes_the_oldest_until_there_is_room(store: &dyn Store) {
    let lengths = store_three(store).await;
    let prune =
        async |bytes, limit| store.prune_logs(LogPrune::Oldest(bytes), limit).await.unwrap();
    assert_eq!(prune(0, 10).await, LogPruned::default());
    // One byte over the first takes the second as well.
    let both = LogPruned { chunks: 2, lines: 12, bytes: lengths[0] + lengths[1] };
    assert_eq!(prune(lengths[0] + 1, 10).await, both);
    assert_eq!(first_idxs(store, "p").await, [10]);
    assert_eq!(prune(i64::MAX, 10).await.chunks, 1);
    assert_eq!(store.log_usage(i64::MAX).await.unwrap(), LogUsage::default());
}

pub(in crate::store) async fn gives_back_what_it_removed(store: &dyn Store) {
    store.commit(&[put(&record("p"))]).await.unwrap();
    for n in 0..20 {
        let large = Chunk { bytes: vec![7; 100_000], ..chunk(n, n, n) };
        store.commit(&[append("p", large)]).await.unwrap();
    }
    let full = store.space().await.unwrap();
    store.prune_logs(LogPrune::Oldest(i64::MAX), 100).await.unwrap();
    let pruned = store.space().await.unwrap();
    assert!(pruned.free_bytes >= 1_900_000, "{pruned:?}");
    // In steps, between which others can write.
    assert!(store.give_back(500_000).await.unwrap());
    let after_one = store.space().await.unwrap();
    let given = pruned.free_bytes - after_one.free_bytes;
    assert!((400_000..600_000).contains(&given), "{given}");
    store.commit(&[append("p", chunk(20, 20, 20))]).await.unwrap();
    while store.give_back(500_000).await.unwrap() {}
    let after = store.space().await.unwrap();
    assert!(after.bytes <= full.bytes - 1_900_000, "{after:?}");
    assert_eq!(after.free_bytes, 0);
    assert_eq!(first_idxs(store, "p").await, [20]);
}
