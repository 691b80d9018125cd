//! People, sessions, tokens, and the audit as a chain.

use app::model::Status;

use crate::store::{
    AccessChange, AccessRecords, AuditLine, ChainCheck, Change, Database, SessionRecord,
    StoreError, TokenRecord, UserRecord,
};

use super::samples::{attempt, audit, put, record};

fn user(id: &str, name: &str) -> UserRecord {
    UserRecord {
        id: id.into(),
        name: name.into(),
        role: "viewer".into(),
        password_hash: Some("$argon2id$…".into()),
        source: "local".into(),
        subject: None,
        is_disabled: false,
        created_at: 1,
        created_by: "admin".into(),
        password_changed_at: Some(2),
    }
}

fn session(id: &str, user: &str) -> SessionRecord {
    SessionRecord {
        id: id.into(),
        user_id: user.into(),
        created_at: 10,
        expires_at: 1_000,
        last_seen_at: 20,
        address: "127.0.0.1".into(),
        client: "a \"browser\"".into(),
        method: "password".into(),
        id_token: Some("sealed".into()),
    }
}

fn token(id: &str, user: Option<&str>) -> TokenRecord {
    TokenRecord {
        id: id.into(),
        name: "ci".into(),
        role: "user".into(),
        scope: vec!["start on site/\"test\"".into()],
        user_id: user.map(Into::into),
        created_at: 10,
        expires_at: 1_000,
        last_used_at: None,
        revoked_at: None,
    }
}

async fn change(store: &dyn Database, change: AccessChange) -> AccessRecords {
    store.change_access(&[change]).await.unwrap();
    let records = store.access_records().await.unwrap();
    assert_eq!(store.access_version().await.unwrap(), records.version);
    records
}

async fn lines(store: &dyn Database) -> Vec<AuditLine> {
    store.audit_before(i64::MAX, 100).await.unwrap()
}

async fn check(store: &dyn Database) -> Result<u64, String> {
    let mut check = ChainCheck::new(store.audit_ends().await.unwrap());
    for line in store.audit_after(check.last_id(), 100).await.unwrap() {
        check.follow(&line).map_err(|broken| broken.to_string())?;
    }
    check.finish().map(|(lines, _)| lines).map_err(|broken| broken.to_string())
}

pub(in crate::store) async fn keeps_people(store: &dyn Database) {
    assert_eq!(store.access_records().await.unwrap(), AccessRecords::default());
    let ada = user("1", "Ada");
    let records = change(store, AccessChange::PutUser(ada.clone())).await;
    assert_eq!(records.users, std::slice::from_ref(&ada));
    let changed = UserRecord {
        role: "admin".into(),
        password_hash: None,
        password_changed_at: None,
        is_disabled: true,
        ..ada
    };
    let later = change(store, AccessChange::PutUser(changed.clone())).await;
    assert_eq!(later.users, [changed]);
    assert!(later.version > records.version);
}

pub(in crate::store) async fn gives_a_name_once(store: &dyn Database) {
    change(store, AccessChange::PutUser(user("1", "Änne"))).await;
    let both = [AccessChange::PutUser(user("2", "Bo")), AccessChange::PutUser(user("3", "äNNE"))];
    let error = store.change_access(&both).await.unwrap_err();
    assert!(matches!(&error, StoreError::Taken(name) if name == "äNNE"), "{error}");
    assert_eq!(store.access_records().await.unwrap().users.len(), 1, "all or none");
    // One may change the case of one's own name.
    change(store, AccessChange::PutUser(user("1", "ÄNNE"))).await;
}

pub(in crate::store) async fn ends_what_somebody_had_with_them(store: &dyn Database) {
    let puts = [
        AccessChange::PutUser(user("1", "ada")),
        AccessChange::PutUser(user("2", "bo")),
        AccessChange::PutSession(session("s1", "1")),
        AccessChange::PutSession(session("s2", "2")),
        AccessChange::PutToken(token("t1", Some("1"))),
        AccessChange::PutToken(token("t2", None)),
    ];
    store.change_access(&puts).await.unwrap();
    let records = change(store, AccessChange::DeleteUser("1".into())).await;
    assert_eq!(records.sessions, [session("s2", "2")]);
    assert_eq!(records.tokens, [token("t2", None)]);
    let records = change(store, AccessChange::DeleteSession("s2".into())).await;
    assert!(records.sessions.is_empty());
}

pub(in crate::store) async fn being_seen_changes_nobodys_access(store: &dyn Database) {
    let puts = [
        AccessChange::PutUser(user("1", "ada")),
        AccessChange::PutSession(session("s", "1")),
        AccessChange::PutToken(token("t", None)),
    ];
    store.change_access(&puts).await.unwrap();
    let before = store.access_version().await.unwrap();
    change(store, AccessChange::SeenSession("s".into(), 77)).await;
    let records = change(store, AccessChange::SeenToken("t".into(), 88)).await;
    assert_eq!(records.version, before);
    assert_eq!(records.sessions[0].last_seen_at, 77);
    assert_eq!(records.tokens[0].last_used_at, Some(88));
    let revoked = TokenRecord { revoked_at: Some(99), ..token("t", None) };
    let records = change(store, AccessChange::PutToken(revoked)).await;
    assert!(records.version > before);
    assert_eq!(
        (records.tokens[0].revoked_at, records.tokens[0].last_used_at),
        (Some(99), Some(88))
    );
}

pub(in crate::store) async fn forgets_what_has_ended(store: &dyn Database) {
    let puts = [
        AccessChange::PutUser(user("1", "ada")),
        AccessChange::PutSession(session("old", "1")),
        AccessChange::PutSession(SessionRecord { expires_at: 5_000, ..session("new", "1") }),
        AccessChange::PutToken(token("old", None)),
        AccessChange::PutToken(TokenRecord { expires_at: 5_000, ..token("new", None) }),
    ];
    store.change_access(&puts).await.unwrap();
    let records = change(store, AccessChange::Forget(1_001)).await;
    assert_eq!((records.sessions.len(), records.tokens.len()), (1, 1));
    assert_eq!((records.sessions[0].id.as_str(), records.tokens[0].id.as_str()), ("new", "new"));
}

pub(in crate::store) async fn orders_the_audit(store: &dyn Database) {
    let records = [audit(20, "b"), audit(10, "a"), audit(20, "c"), audit(30, "d")];
    for record in &records {
        store.commit(&[Change::Audit(record.clone())]).await.unwrap();
    }
    let found = lines(store).await;
    let actors: Vec<_> = found.iter().map(|line| line.record.actor.as_str()).collect();
    assert_eq!(actors, ["d", "c", "a", "b"], "in the order of the acts");
    let page = store.audit_before(found[1].id, 1).await.unwrap();
    assert_eq!(page[0].record, records[1]);
    let rest = store.audit_after(found[1].id, 10).await.unwrap();
    assert_eq!((rest.len(), &rest[0].record), (1, &records[3]));
}

pub(in crate::store) async fn chains_the_audit(store: &dyn Database) {
    assert_eq!(check(store).await, Ok(0));
    // Alone, several in one transaction, and after others.
    store.commit(&[Change::Audit(audit(1, "a"))]).await.unwrap();
    let several: Vec<_> = (2..9).map(|n| Change::Audit(audit(n, "b"))).collect();
    store.commit(&several).await.unwrap();
    store.commit(&[put(&record("p")), Change::Audit(audit(9, "c"))]).await.unwrap();
    assert_eq!(check(store).await, Ok(9));
}

pub(in crate::store) async fn a_refused_transaction_leaves_the_chain(store: &dyn Database) {
    store.commit(&[Change::Audit(audit(1, "a"))]).await.unwrap();
    let gap = super::samples::append("nobody", super::samples::chunk(0, 1, 1));
    assert!(store.commit(&[Change::Audit(audit(2, "b")), gap]).await.is_err());
    store.commit(&[Change::Audit(audit(3, "c"))]).await.unwrap();
    assert_eq!(check(store).await, Ok(2));
}

pub(in crate::store) async fn prunes_the_audit_and_keeps_the_chain(store: &dyn Database) {
    let all: Vec<_> = (1..=10).map(|n| Change::Audit(audit(n * 10, "a"))).collect();
    store.commit(&all).await.unwrap();
    assert_eq!(store.prune_audit(41).await.unwrap(), 4);
    assert_eq!(store.prune_audit(41).await.unwrap(), 0);
    assert_eq!(check(store).await, Ok(6));
    assert_eq!(store.prune_audit(1_000).await.unwrap(), 6);
    store.commit(&[Change::Audit(audit(2_000, "b"))]).await.unwrap();
    assert_eq!(check(store).await, Ok(1));
}

pub(in crate::store) async fn tells_what_became_of_an_attempt(store: &dyn Database) {
    let mut process = record("p");
    process.process.status = Status::Failed;
    process.process.attempts = vec![attempt(1), attempt(2)];
    process.process.attempts[1].exit_code = Some(7);
    process.process.attempts[1].signal = None;
    let mut about = audit(1, "a");
    about.process_id = "p".into();
    about.attempt = Some(2);
    let later = crate::store::AuditRecord { attempt: Some(3), ..about.clone() };
    store.commit(&[put(&process), Change::Audit(about), Change::Audit(later)]).await.unwrap();
    let found = lines(store).await;
    let facts: Vec<_> = found.iter().map(|l| (l.pid, l.exit_code, l.signal.as_deref())).collect();
    assert_eq!(facts, [(None, None, None), (Some(4_242), Some(7), None)]);
}
