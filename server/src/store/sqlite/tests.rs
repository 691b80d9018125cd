use sqlx::Connection as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;

use super::super::conformance::samples::{append, audit, chunk, id, put, record};
use super::super::conformance::{self, Fixture};
use super::space::{self, Prepared};
use super::*;
use crate::store::{AccessStore, ChainCheck, Database};

/// A database file in a folder of its own.
struct SqliteFixture {
    folder: TempDir,
    opened: Mutex<Option<SqliteStore>>,
}

impl SqliteFixture {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), opened: Mutex::default() }
    }

    fn location(&self) -> String {
        self.folder.path().join("runyard.db").display().to_string()
    }

    fn opened(&self) -> SqliteStore {
        self.opened.lock().clone().unwrap()
    }
}

#[async_trait]
impl Fixture for SqliteFixture {
    async fn open(&self) -> Result<Arc<dyn Database>, StoreError> {
        let store = SqliteStore::open(&self.location()).await?;
        *self.opened.lock() = Some(store.clone());
        Ok(Arc::new(store))
    }

    async fn close(&self) {
        self.opened().close().await;
    }

    async fn mark_newer(&self) {
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'of the future', true, x'00', 0)",
        )
        .execute(&mut *self.opened().writer.turn().await.unwrap())
        .await
        .unwrap();
    }
}

conformance::suite!(SqliteFixture::new());

#[tokio::test]
async fn the_file_and_its_companions_are_for_the_owner_alone() {
    let fixture = SqliteFixture::new();
    let store = fixture.open().await.unwrap();
    store.commit(&[put(&record("p"))]).await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and its index");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let fixture = SqliteFixture::new();
    let words = "not a database, but as long as the header of one would have to be: 100 bytes. ";
    std::fs::write(fixture.location(), words.repeat(2)).unwrap();
    let error = fixture.open().await.err().unwrap();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(error.to_string().ends_with("file is not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(fixture.location()).unwrap(), words.repeat(2));
}

#[tokio::test]
async fn a_location_that_cannot_be_is_refused_in_words() {
    let fixture = SqliteFixture::new();
    let folder = fixture.folder.path().display();
    for (location, words) in [
        (format!("{folder}"), "it is a folder"),
        (format!("sqlite:{folder}/missing/runyard.db"), "missing does not exist"),
        ("sqlite::memory:".to_owned(), "a database in memory keeps nothing"),
    ] {
        let error = SqliteStore::open(&location).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(error.contains(&location), "{error}");
    }
}

#[tokio::test]
async fn a_full_database_is_unavailable_and_works_again_with_room() {
    let fixture = SqliteFixture::new();
    let store = fixture.open().await.unwrap();
    store.commit(&[put(&record("p"))]).await.unwrap();
    let writer = &fixture.opened().writer;
    sqlx::query("PRAGMA max_page_count = 1")
        .execute(&mut *writer.turn().await.unwrap())
        .await
        .unwrap();
    let large = Chunk { bytes: vec![7; 1 << 20], ..chunk(0, 0, 1) };
    let error = store.commit(&[append("p", large.clone())]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!(store.get_process(&id("p")).await.unwrap().unwrap().process.next_idx, 0);
    // The limit was the connection's; the commit after such an error has a new one.
    store.commit(&[append("p", large)]).await.unwrap();
    assert_eq!(store.get_process(&id("p")).await.unwrap().unwrap().process.next_idx, 1);
}

#[tokio::test]
async fn a_database_that_was_moved_away_is_unavailable_until_it_is_back() {
    let fixture = SqliteFixture::new();
    let store = fixture.open().await.unwrap();
    store.commit(&[put(&record("p"))]).await.unwrap();
    store.sync().await.unwrap();
    let path = PathBuf::from(fixture.location());
    let away = path.with_extension("away");
    fs::rename(&path, &away).unwrap();
    for refused in
        [store.commit(&[put(&record("q"))]).await, store.ping().await, store.sync().await]
    {
        let error = refused.unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable(why) if why.contains("put it back")),
            "{error}"
        );
    }
    // Another one in its place is not it.
    fs::write(&path, "").unwrap();
    let error = store.commit(&[put(&record("q"))]).await.unwrap_err().to_string();
    assert!(error.contains("another database stands at"), "{error}");
    fs::rename(&away, &path).unwrap();
    store.commit(&[put(&record("q"))]).await.unwrap();
    store.sync().await.unwrap();
    assert!(store.get_process(&id("q")).await.unwrap().is_some());
}

#[tokio::test]
async fn after_a_sync_that_failed_the_next_one_trusts_the_file_alone() {
    let fixture = SqliteFixture::new();
    let store = SqliteStore::open(&fixture.location()).await.unwrap();
    store.commit(&[put(&record("p"))]).await.unwrap();
    store.file.doubt();
    store.sync().await.unwrap();
    assert!(!store.file.is_doubtful());
    // All of it is there without the write-ahead log.
    let path = PathBuf::from(fixture.location());
    let alone = path.with_extension("alone");
    fs::copy(&path, &alone).unwrap();
    let copy = SqliteStore::open(alone.to_str().unwrap()).await.unwrap();
    assert!(copy.get_process(&id("p")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_lock_of_another_program_is_unavailable() {
    let fixture = SqliteFixture::new();
    let store = fixture.open().await.unwrap();
    let writer = &fixture.opened().writer;
    // The lock is held for the whole test: waiting for it would change nothing.
    sqlx::query("PRAGMA busy_timeout = 0")
        .execute(&mut *writer.turn().await.unwrap())
        .await
        .unwrap();
    let other = SqliteStore::open(&fixture.location()).await.unwrap();
    let mut turn = other.writer.turn().await.unwrap();
    let lock = turn.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = store.commit(&[put(&record("p"))]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    lock.rollback().await.unwrap();
    store.commit(&[put(&record("p"))]).await.unwrap();
}

#[tokio::test]
async fn two_programs_write_one_chain() {
    let fixture = SqliteFixture::new();
    let server = SqliteStore::open(&fixture.location()).await.unwrap();
    let console = SqliteStore::open(&fixture.location()).await.unwrap();
    for n in 0..6 {
        let store = if n % 2 == 0 { &server } else { &console };
        store.commit(&[Change::Audit(audit(n, "a"))]).await.unwrap();
    }
    let mut check = ChainCheck::new(server.audit_ends().await.unwrap());
    for line in server.audit_after(0, 100).await.unwrap() {
        check.follow(&line).unwrap();
    }
    assert_eq!(check.finish().unwrap().0, 6);
}

#[tokio::test]
async fn statements_find_their_rows_by_an_index() {
    let fixture = SqliteFixture::new();
    drop(fixture.open().await.unwrap());
    let store = fixture.opened();
    for sql in [
        "SELECT 1 FROM processes WHERE id < 'b' ORDER BY id DESC",
        "SELECT 1 FROM processes WHERE status = 'running' ORDER BY id DESC",
        "UPDATE processes SET next_idx = growth.value ->> 'to' FROM json_each('[]') AS growth
         WHERE processes.id = growth.value ->> 'process'",
        "SELECT 1 FROM json_each('[]') AS growth
         LEFT JOIN processes ON processes.id = growth.value ->> 'process'",
        logs::AFTER,
        logs::BEFORE,
        logs::SINCE,
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(&mut *store.writer.turn().await.unwrap())
                .await
                .unwrap();
        let sorts_or_scans = |(_, _, _, step): &(i64, i64, i64, String)| {
            step.contains("TEMP B-TREE") || step.starts_with("SCAN process")
        };
        assert!(!plan.iter().any(sorts_or_scans), "{sql}: {plan:?}");
    }
}

#[tokio::test]
async fn a_database_of_before_gives_space_back_as_well() {
    let fixture = SqliteFixture::new();
    drop(fixture.open().await.unwrap());
    let mode = async |store: &SqliteStore| -> i64 {
        let sql = "SELECT auto_vacuum FROM pragma_auto_vacuum";
        sqlx::query_scalar(sql).fetch_one(&store.readers).await.unwrap()
    };
    let store = fixture.opened();
    store.commit(&[put(&record("p")), append("p", chunk(0, 9, 100))]).await.unwrap();
    sqlx::raw_sql("PRAGMA auto_vacuum = none; VACUUM")
        .execute(&mut *store.writer.turn().await.unwrap())
        .await
        .unwrap();
    {
        // One that is too large is left alone, and told of.
        let mut connection = store.writer.turn().await.unwrap();
        let told = space::prepare(&mut connection, 4096).await.unwrap();
        assert!(matches!(told, Prepared::TooLarge(bytes) if bytes > 4096), "{told:?}");
    }
    assert_eq!(mode(&store).await, 0);
    fixture.close().await;

    fixture.open().await.unwrap();
    let store = fixture.opened();
    assert_eq!(mode(&store).await, 2);
    let mut connection = store.writer.turn().await.unwrap();
    assert_eq!(space::prepare(&mut connection, 0).await.unwrap(), Prepared::Before);
    drop(connection);
    assert_eq!(store.get_process(&id("p")).await.unwrap().unwrap().process.next_idx, 10);
}

#[tokio::test]
async fn the_file_itself_gets_smaller() {
    let fixture = SqliteFixture::new();
    let store = fixture.open().await.unwrap();
    store.commit(&[put(&record("p"))]).await.unwrap();
    let large = Chunk { bytes: vec![7; 3_000_000], ..chunk(0, 0, 0) };
    store.commit(&[append("p", large)]).await.unwrap();
    let size = || std::fs::metadata(fixture.location()).unwrap().len();
    sqlx::raw_sql("PRAGMA wal_checkpoint")
        .execute(&mut *fixture.opened().writer.turn().await.unwrap())
        .await
        .unwrap();
    assert!(size() > 3_000_000);
    store.prune_logs(LogPrune::Oldest(1), 1).await.unwrap();
    while store.give_back(1 << 20).await.unwrap() {}
    assert!(size() < 1_000_000, "{}", size());
}
