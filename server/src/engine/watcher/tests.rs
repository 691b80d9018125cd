use std::fs;

use super::*;

fn config(paths: &[&str], ignore: &[&str]) -> WatchConfig {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    WatchConfig { paths: texts(paths), ignore: texts(ignore), debounce_ms: 50 }
}

#[test]
fn patterns_and_ignored_folders_decide() {
    let config = config(&["src/**", "*.json"], &["**/*.test.ts"]);
    let filter = Filter::new(Path::new("/p"), &config, Path::new("/p/.runyard"));
    let found = |path: &str| filter.matching(&Path::new("/p").join(path));
    assert_eq!(found("src/a/b.ts").as_deref(), Some("src/a/b.ts"));
    assert_eq!(found("package.json").as_deref(), Some("package.json"));
    for path in [
        "src/a/b.test.ts",
        "src/node_modules/x/i.js",
        "lib/a.ts",
        "lib/x.json",
        ".runyard/x.json",
        ".git/config.json",
        "/elsewhere/package.json",
    ] {
        assert_eq!(found(path), None, "{path}");
    }
}

#[test]
fn only_the_fixed_folders_are_watched() {
    for (pattern, fixed) in
        [("src/**", "src"), ("src/lib/*.ts", "src/lib"), ("**/*.ts", ""), ("a/b.txt", "a/b.txt")]
    {
        assert_eq!(fixed_part(pattern), Path::new(fixed), "{pattern}");
    }
}

#[tokio::test]
async fn a_burst_of_changes_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("src/deep")).unwrap();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let data = root.join(".runyard");
    let config = config(&["src/**"], &["**/*.log"]);
    let clock: Arc<dyn Clock> = Arc::new(crate::engine::SystemClock);
    let mut watcher = Watcher::start(&root, &config, &data, &clock, &tasks, &stop);
    let patience = Duration::from_secs(20);
    // The watch begins in a task of its own: a file is touched until it is seen.
    let mut n = 0;
    loop {
        fs::write(root.join("src/deep/a.ts"), n.to_string()).unwrap();
        fs::write(root.join("src/noise.log"), n.to_string()).unwrap();
        n += 1;
        assert!(n < 200, "it was never seen");
        let seen = tokio::time::timeout(Duration::from_millis(100), watcher.next()).await;
        if let Ok(file) = seen {
            assert_eq!(file, "src/deep/a.ts");
            break;
        }
    }
    // A folder that comes later, with a file in it.
    fs::create_dir(root.join("src/new")).unwrap();
    let file = tokio::time::timeout(patience, watcher.next()).await.unwrap();
    assert_eq!(file, "src/new");
    fs::write(root.join("src/new/b.ts"), "").unwrap();
    let file = tokio::time::timeout(patience, watcher.next()).await.unwrap();
    assert_eq!(file, "src/new/b.ts");
    drop(watcher);
    tasks.close();
    tasks.wait().await;
}
