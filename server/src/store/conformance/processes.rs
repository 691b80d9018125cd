//! Processes and their lists.

use app::model::{Breaker, Limits, Means, Process, ProcessType, Status};

use crate::store::{Change, ListQuery, Store, StoreError};

use super::samples::{append, attempt, chunk, id, put, record, update};

const ALL: ListQuery = ListQuery {
    q: None,
    status: None,
    also: vec![],
    project: None,
    ended_after: None,
    before: None,
    limit: 100,
};

async fn list(store: &dyn Store, query: ListQuery) -> Vec<String> {
    let processes = store.list_processes(&query).await.unwrap();
    processes.into_iter().map(|process| process.id.0).collect()
}

pub(in crate::store) async fn round_trips_a_process(store: &dyn Store) {
    let mut record = record("0190-a");
    record.process = Process {
        project: "größe \"x\" 'y'".into(),
        script: "build:all".into(),
        args: vec!["--port".into(), "30 00".into(), "ünï\n\t\"\\".into(), String::new()],
        kind: ProcessType::LongRunning,
        status: Status::BackingOff,
        reason: "next try in 38 s: exit 1, attempt 3 of 5".into(),
        pid: Some(7),
        created_at: i64::MAX,
        started_at: Some(-1),
        ended_at: Some(0),
        exit_code: Some(255),
        signal: Some("SIGKILL".into()),
        next_idx: 100,
        attempts: vec![attempt(1), attempt(2), attempt(10)],
        next_at: Some(i64::MAX),
        ready: Some(false),
        breaker: Some(Breaker::HalfOpen),
        declared: Some("api".into()),
        replica: Some(2),
        pool: Some("builds".into()),
        priority: -3,
        position: Some(4),
        stdin: true,
        limits: Some(Limits {
            max_memory: Some(1),
            cpu_by: Some(Means::Nothing),
            ..Limits::default()
        }),
        ..record.process
    };
    record.spec = r#"{"env":{"A":"\u0000\"b\""}}"#.into();
    store.commit(&[put(&record)]).await.unwrap();
    assert_eq!(store.get_process(&id("0190-a")).await.unwrap(), Some(record.clone()));
    assert_eq!(store.list_processes(&ALL).await.unwrap(), [record.process]);
}

pub(in crate::store) async fn gives_nothing_for_an_unknown_id(store: &dyn Store) {
    assert_eq!(store.get_process(&id("nobody")).await.unwrap(), None);
    assert!(store.list_processes(&ALL).await.unwrap().is_empty());
    assert!(store.open_processes().await.unwrap().is_empty());
}

pub(in crate::store) async fn replaces_a_process_and_its_attempts(store: &dyn Store) {
    let mut record = record("p");
    record.process.attempts = vec![attempt(1)];
    record.process.pid = Some(1);
    store.commit(&[put(&record)]).await.unwrap();
    record.process.pid = None;
    record.process.status = Status::Failed;
    record.process.script = "other".into();
    record.process.attempts[0].signal = None;
    record.process.attempts.push(attempt(2));
    record.spec = "{\"v\":2}".into();
    store.commit(&[put(&record)]).await.unwrap();
    assert_eq!(store.get_process(&id("p")).await.unwrap(), Some(record));
    let found = list(store, ListQuery { q: Some("other".into()), ..ALL }).await;
    assert_eq!(found, ["p"]);
}

pub(in crate::store) async fn an_update_keeps_how_to_run_it(store: &dyn Store) {
    let mut record = record("p");
    record.spec = r#"{"env":{"A":"\u0000\"b\""}}"#.into();
    store.commit(&[put(&record)]).await.unwrap();
    record.process.status = Status::Failed;
    record.process.attempts.push(attempt(2));
    store.commit(&[update(&record)]).await.unwrap();
    assert_eq!(store.get_process(&id("p")).await.unwrap(), Some(record.clone()));
    // Also of one that comes in the same transaction, and of one that is replaced in it.
    for (name, spec) in [("q", "{\"v\":1}"), ("p", "{\"v\":2}")] {
        record.process.id = id(name);
        record.spec = spec.into();
        let before = put(&record);
        record.process.status = Status::Completed;
        store.commit(&[before, update(&record)]).await.unwrap();
        assert_eq!(store.get_process(&id(name)).await.unwrap(), Some(record.clone()));
    }
}

pub(in crate::store) async fn refuses_an_update_of_no_process(store: &dyn Store) {
    let error = store.commit(&[put(&record("p")), update(&record("q"))]).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert!(store.list_processes(&ALL).await.unwrap().is_empty());
}

pub(in crate::store) async fn keeps_next_idx_when_a_process_is_put(store: &dyn Store) {
    store.commit(&[put(&record("p")), append("p", chunk(0, 4, 1))]).await.unwrap();
    for next_idx in [0, 99] {
        let mut stale = record("p");
        stale.process.next_idx = next_idx;
        store.commit(&[put(&stale)]).await.unwrap();
        let kept = store.get_process(&id("p")).await.unwrap().unwrap();
        assert_eq!(kept.process.next_idx, 5);
    }
    store.commit(&[append("p", chunk(5, 5, 1))]).await.unwrap();
}

pub(in crate::store) async fn keeps_the_end_of_a_transaction(store: &dyn Store) {
    let mut ended = record("p");
    ended.process.status = Status::Completed;
    ended.process.next_idx = 3;
    ended.process.attempts = vec![attempt(1)];
    let changes = [put(&record("p")), append("p", chunk(0, 2, 1)), put(&ended)];
    store.commit(&changes).await.unwrap();
    assert_eq!(store.get_process(&id("p")).await.unwrap(), Some(ended));
}

pub(in crate::store) async fn lists_newest_first_by_pages(store: &dyn Store) {
    let changes: Vec<_> = ["a", "c", "b", "e", "d"].map(|id| put(&record(id))).into();
    store.commit(&changes).await.unwrap();
    let page = |before: Option<&str>| ListQuery { before: before.map(id), limit: 2, ..ALL };
    assert_eq!(list(store, page(None)).await, ["e", "d"]);
    assert_eq!(list(store, page(Some("d"))).await, ["c", "b"]);
    assert_eq!(list(store, page(Some("b"))).await, ["a"]);
    assert!(list(store, page(Some("a"))).await.is_empty());
}

pub(in crate::store) async fn finds_text_without_case(store: &dyn Store) {
    let mut a = record("id-of-a");
    a.process.script = "Build:Prod".into();
    let mut b = record("id-of-b");
    b.process.project = "Größe".into();
    let mut c = record("id-of-c");
    c.process.args = vec!["--Port".into(), "3000".into()];
    store.commit(&[put(&a), put(&b), put(&c)]).await.unwrap();
    for (q, expected) in [
        ("build:PROD", vec!["id-of-a"]),
        ("GRÖSSE", vec![]),
        ("GRÖ", vec!["id-of-b"]),
        ("--port 3000", vec!["id-of-c"]),
        ("OF-C", vec!["id-of-c"]),
        // Not across two fields.
        ("devsite", vec![]),
        ("", vec!["id-of-c", "id-of-b", "id-of-a"]),
    ] {
        let found = list(store, ListQuery { q: Some(q.into()), ..ALL }).await;
        assert_eq!(found, expected, "{q:?}");
    }
}

pub(in crate::store) async fn takes_wildcards_as_text(store: &dyn Store) {
    let mut changes = Vec::new();
    for (name, script) in [("a", "100%"), ("b", "a_b"), ("c", "acb"), ("d", r"c:\d"), ("e", "1000")]
    {
        let mut record = record(name);
        record.process.script = script.into();
        changes.push(put(&record));
    }
    store.commit(&changes).await.unwrap();
    for (q, expected) in [("100%", "a"), ("a_b", "b"), (r":\", "d"), ("%", "a"), ("_", "b")] {
        let found = list(store, ListQuery { q: Some(q.into()), ..ALL }).await;
        assert_eq!(found, [expected], "{q:?}");
    }
}

pub(in crate::store) async fn filters_by_status_and_project(store: &dyn Store) {
    let mut running = record("a");
    running.process.status = Status::Running;
    let mut elsewhere = record("b");
    elsewhere.process.status = Status::Running;
    elsewhere.process.project = "Äpi".into();
    store.commit(&[put(&running), put(&elsewhere), put(&record("c"))]).await.unwrap();
    let status = |name: &str| ListQuery { status: Some(name.into()), ..ALL };
    assert_eq!(list(store, status("running")).await, ["b", "a"]);
    assert_eq!(list(store, status("Running")).await, ["b", "a"]);
    assert!(list(store, status("asleep")).await.is_empty());
    let also =
        ListQuery { also: vec![id("c"), id("none")], before: Some(id("c")), ..status("running") };
    assert_eq!(list(store, also.clone()).await, ["b", "a"]);
    assert_eq!(list(store, ListQuery { before: None, ..also }).await, ["c", "b", "a"]);
    let project = ListQuery { project: Some("äPI".into()), ..ALL };
    assert_eq!(list(store, project.clone()).await, ["b"]);
    let both = ListQuery { status: Some("queued".into()), ..project };
    assert!(list(store, both).await.is_empty());
}

pub(in crate::store) async fn lists_processes_that_have_not_ended(store: &dyn Store) {
    let mut changes = Vec::new();
    let mut expected = Vec::new();
    for (n, status) in Status::ALL.into_iter().enumerate() {
        let mut record = record(&format!("p{n}"));
        record.process.status = status;
        record.process.attempts = vec![attempt(1)];
        record.spec = format!("{{\"n\":{n}}}");
        changes.push(put(&record));
        if !status.is_ended() {
            expected.push(record);
        }
    }
    store.commit(&changes).await.unwrap();
    assert_eq!(store.open_processes().await.unwrap(), expected);
}

pub(in crate::store) async fn answers_a_ping(store: &dyn Store) {
    store.ping().await.unwrap();
}

pub(in crate::store) async fn grows_with_what_it_keeps(store: &dyn Store) {
    let before = store.space().await.unwrap().bytes;
    let mut large = record("p");
    large.spec = "x".repeat(1 << 20);
    store.commit(&[put(&large)]).await.unwrap();
    assert!(store.space().await.unwrap().bytes >= before + (1 << 20));
}

pub(in crate::store) async fn keeps_the_newest_attempts_at_hand(store: &dyn Store) {
    let mut record = record("p");
    record.process.attempts = (1..=60).map(attempt).collect();
    store.commit(&[put(&record)]).await.unwrap();
    let found = store.get_process(&id("p")).await.unwrap().unwrap().process;
    let numbers: Vec<u32> = found.attempts.iter().map(|attempt| attempt.n).collect();
    assert_eq!(numbers, (11..=60).collect::<Vec<_>>());
}

pub(in crate::store) async fn reads_attempts_page_by_page(store: &dyn Store) {
    let mut record = record("p");
    record.process.attempts = (1..=60).map(attempt).collect();
    store.commit(&[put(&record), put(&super::samples::record("q"))]).await.unwrap();
    let read = async |process: &str, before: u32, limit: u32| {
        store.attempts(&id(process), before, limit).await.unwrap()
    };
    let numbers = |page: &[app::model::Attempt]| page.iter().map(|a| a.n).collect::<Vec<_>>();
    let newest = read("p", u32::MAX, 25).await;
    assert_eq!(numbers(&newest), (36..=60).rev().collect::<Vec<_>>());
    assert_eq!(newest[0], attempt(60));
    assert_eq!(numbers(&read("p", 36, 50).await), (1..=35).rev().collect::<Vec<_>>());
    assert_eq!(read("p", 1, 50).await, []);
    assert_eq!(read("q", u32::MAX, 50).await, []);
    assert_eq!(read("nobody", u32::MAX, 50).await, []);
}

pub(in crate::store) async fn remembers_and_forgets(store: &dyn Store) {
    let keep = |key: &str, value: Option<&str>| Change::Keep {
        key: key.to_owned(),
        value: value.map(str::to_owned),
    };
    store.commit(&[keep("pool/a", Some("1")), keep("time/x", Some("ü'"))]).await.unwrap();
    store.commit(&[keep("pool/b", Some("2")), keep("pool/a", Some("3"))]).await.unwrap();
    let kept = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    assert_eq!(store.kept("pool/").await.unwrap(), kept(&[("pool/a", "3"), ("pool/b", "2")]));
    store.commit(&[keep("pool/a", None), keep("nothing", None)]).await.unwrap();
    assert_eq!(store.kept("pool/").await.unwrap(), kept(&[("pool/b", "2")]));
    assert_eq!(store.kept("time/").await.unwrap(), kept(&[("time/x", "ü'")]));
}

pub(in crate::store) async fn counts_what_ended_since(store: &dyn Store) {
    let mut changes = Vec::new();
    for (at, (script, status, ended_at)) in [
        ("a", Status::Failed, Some(100)),
        ("a", Status::Failed, Some(200)),
        ("a", Status::Completed, Some(300)),
        ("b", Status::Failed, Some(101)),
        ("b", Status::Running, None),
    ]
    .into_iter()
    .enumerate()
    {
        let mut record = record(&format!("0190-{at}"));
        record.process.script = script.into();
        (record.process.status, record.process.ended_at) = (status, ended_at);
        changes.push(put(&record));
    }
    store.commit(&changes).await.unwrap();
    let counts = async |status, after| {
        let counts = store.end_counts(status, after).await.unwrap();
        counts.into_iter().map(|((_, script), count)| (script, count)).collect::<Vec<_>>()
    };
    let of = |script: &str, count| (script.to_owned(), count);
    assert_eq!(counts(Status::Failed, 0).await, [of("a", 2), of("b", 1)]);
    assert_eq!(counts(Status::Failed, 100).await, [of("a", 1), of("b", 1)]);
    assert_eq!(counts(Status::Failed, 200).await, []);
    assert_eq!(counts(Status::Completed, 0).await, [of("a", 1)]);
    let since = ListQuery { status: Some("failed".into()), ended_after: Some(100), ..ALL };
    assert_eq!(list(store, since).await, ["0190-3", "0190-1"]);
}
