//! The structure is a promise: a module uses those below it, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// For each module of the server, the modules that it may use.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("sys", &[][..]),
        ("config", &[]),
        ("cli", &["config"]),
        ("keeper", &["failpoint", "sys"]),
        ("project", &["config"]),
        ("store", &["failpoint"]),
        ("failpoint", &[]),
        ("seal", &[]),
        ("confine", &[]),
        ("auth", &["config"]),
        ("logs", &["store", "sys"]),
        ("engine", &["config", "failpoint", "keeper", "logs", "project", "seal", "store", "sys"]),
        ("service", &["auth", "config", "engine", "logs", "project", "seal", "store"]),
        ("http", &["auth", "engine", "logs", "service"]),
        ("console", &["auth", "config", "store"]),
        (
            "serve",
            &[
                "auth", "config", "confine", "engine", "http", "project", "seal", "service",
                "store", "sys",
            ],
        ),
        ("terminal", &[]),
        ("lib", &[]),
        ("main", &[]),
        ("ending", &[]),
        ("folder", &[]),
    ])
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The modules named by `crate::NAME`, in `use` lines and elsewhere.
fn used(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let after = code.flat_map(|line| line.split("crate::").skip(1));
    after
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect()
}

#[test]
fn modules_use_only_what_is_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let mut wrong = Vec::new();
    for file in &files {
        let below = file.strip_prefix(&root).unwrap();
        let first = below.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        let Some(may) = allowed.get(module) else {
            wrong.push(format!("{module} is not in the table"));
            continue;
        };
        for name in used(&fs::read_to_string(file).unwrap()) {
            if name != module && allowed.contains_key(name) && !may.contains(&name) {
                wrong.push(format!("{} uses {name}", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn unsafe_code_is_in_sys_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let below = file.strip_prefix(&root).unwrap();
        let in_sys = below.starts_with("sys") || below == Path::new("sys.rs");
        assert!(in_sys || !text.contains("allow(unsafe_code)"), "{}", below.display());
    }
}

#[test]
fn the_interface_knows_nothing_of_the_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for name in ["sqlx", "tokio", "server ="] {
        assert!(!manifest.contains(name), "app depends on {name}");
    }
}
