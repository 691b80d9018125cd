//! A start that cannot succeed fails with one clear sentence; a healthy one is told as such.

use std::process::Output;

use crate::support::{Server, command};

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    let words = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(words.lines().count(), 1, "{words}");
    words
}

#[tokio::test]
async fn a_port_in_use() {
    let server = Server::start(&[]);
    let output = command(server.folder.path())
        .args(["--listen", server.address(), "--data", "../other"])
        .output()
        .unwrap();
    let words = refused(&output);
    assert!(words.contains("is in use") && words.contains("--listen"), "{words}");
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let path = folder.path().join("newer.db");
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let table = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                 installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
                 checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
    sqlx::query(table).execute(&pool).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (99990101000000, 'x', '', 1, x'00', 1)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let output = command(server.folder.path())
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .arg("--database")
        .arg(&path)
        .output()
        .unwrap();
    let words = refused(&output);
    assert!(words.contains("newer version of runyard"), "{words}");
}

#[test]
fn wrong_settings_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let run = |name: &str, value: &str| command(folder.path()).env(name, value).output().unwrap();
    let words = refused(&run("RUNYARD_LIMITS__MAX_JOBS", "many"));
    assert!(words.contains("RUNYARD_LIMITS__MAX_JOBS"), "{words}");
    let words = refused(&run("RUNYARD_LIMITS__MAX_JOB", "3"));
    assert!(words.contains("max_jobs"), "the right key is offered: {words}");
    let words = refused(&run("RUNYARD_SERVER__LISTEN", "0.0.0.0:3147"));
    assert!(words.contains("127.0.0.1"), "{words}");
}

#[tokio::test]
async fn the_health_check_tells_whether_it_is_well() {
    let server = Server::start(&[]);
    let check = |address: &str| {
        command(server.folder.path()).args(["healthcheck", "--listen", address]).output().unwrap()
    };
    assert!(check(server.address()).status.success());
    let words = refused(&check("127.0.0.1:1"));
    assert!(words.contains("127.0.0.1:1"), "{words}");
}
