//! Which projects and scripts are found where.

use app::model::{ProcessType, ScriptSource};

use super::super::SharedCatalog;
use super::*;

/// `NAME@PATH: SCRIPT SCRIPT` of every project.
fn outline(catalog: &Catalog) -> Vec<String> {
    let line = |project: &app::model::Project| {
        let scripts: Vec<_> = project.scripts.iter().map(|s| s.name.as_str()).collect();
        format!("{}@{}: {}", project.name, project.path, scripts.join(" "))
    };
    catalog.catalogue().projects.iter().map(line).collect()
}

#[test]
fn scripts_keep_their_order_and_get_a_kind() {
    let bench = Bench::new(&[
        (
            "package.json",
            r#"{"name": "shop", "scripts": {"test": "t", "dev": "d", "build": "b", "watch:css": "w", "devtools": "x"}}"#,
        ),
        (
            "Procfile",
            "# services\n\nweb: node server.js\nworker : node worker.js --queue a:b\ntest: x\n",
        ),
    ]);
    let catalogue = bench.catalog().catalogue();
    let scripts: Vec<_> = catalogue.projects[0]
        .scripts
        .iter()
        .map(|s| {
            (s.name.as_str(), s.command.as_str(), s.kind == ProcessType::LongRunning, s.source)
        })
        .collect();
    let expected = [
        ("test", "t", false, ScriptSource::PackageJson),
        ("dev", "d", true, ScriptSource::PackageJson),
        ("build", "b", false, ScriptSource::PackageJson),
        ("watch:css", "w", true, ScriptSource::PackageJson),
        ("devtools", "x", false, ScriptSource::PackageJson),
        ("web", "node server.js", true, ScriptSource::Procfile),
        ("worker", "node worker.js --queue a:b", true, ScriptSource::Procfile),
        ("test (Procfile)", "x", true, ScriptSource::Procfile),
    ];
    assert_eq!(scripts, expected);
}

#[test]
fn workspaces_of_every_manager_list_their_packages() {
    let packages = [
        ("packages/a/package.json", r#"{"name": "a", "scripts": {"x": "1"}}"#),
        ("packages/b/package.json", r#"{"name": "b"}"#),
        ("packages/old/package.json", r#"{"name": "old"}"#),
        ("packages/no-manifest/readme", ""),
        ("packages/a/node_modules/dep/package.json", r#"{"name": "dep"}"#),
        ("deep/1/2/package.json", r#"{"name": "deep"}"#),
        ("deep/node_modules/dep/package.json", r#"{"name": "dep"}"#),
        ("site/package.json", r#"{"name": "site"}"#),
        ("unlisted/package.json", r#"{"name": "unlisted"}"#),
    ];
    let patterns = r#"["./packages/*/", "deep/**", "site", "!packages/old"]"#;
    let npm = format!(r#"{{"name": "root", "workspaces": {patterns}}}"#);
    let yarn =
        format!(r#"{{"name": "root", "workspaces": {{"packages": {patterns}, "nohoist": []}}}}"#);
    let pnpm = format!("packages: {patterns}\ncatalog:\n  vite: 8\n");
    for (npm_or_yarn, pnpm) in [(npm.as_str(), ""), (&yarn, ""), (r#"{"name": "root"}"#, &pnpm)] {
        let bench = Bench::new(&packages);
        bench.write("package.json", npm_or_yarn);
        if !pnpm.is_empty() {
            bench.write("pnpm-workspace.yaml", pnpm);
        }
        let expected =
            ["root@.: ", "deep@deep/1/2: ", "a@packages/a: x", "b@packages/b: ", "site@site: "];
        assert_eq!(outline(&bench.catalog()), expected);
    }
}

#[test]
fn equal_names_are_told_apart_by_their_paths() {
    let bench = Bench::new(&[
        ("package.json", r#"{"name": "x", "workspaces": ["p/*"]}"#),
        ("p/a/package.json", r#"{"name": "same"}"#),
        ("p/b/package.json", r#"{"name": "same"}"#),
        ("p/c/package.json", "{}"),
    ]);
    let expected = ["x@.: ", "same (p/a)@p/a: ", "same (p/b)@p/b: ", "c@p/c: "];
    assert_eq!(outline(&bench.catalog()), expected);

    let both = Catalog::load(&[bench.root(), bench.root().join("p/a")], &bench.run);
    assert_eq!(outline(&both), expected, "a folder found twice is one project");
}

#[test]
fn what_cannot_be_read_is_a_project_with_a_problem() {
    let problem = |files: &[(&str, &str)], index: usize| {
        let catalogue = Bench::new(files).catalog().catalogue();
        assert!(catalogue.projects[index].scripts.is_empty());
        catalogue.projects[index].problem.clone().unwrap()
    };
    let broken = "{\n  \"scripts\": {\n    \"a\": \"b\"\n    \"c\": \"d\"\n  }\n}";
    assert_eq!(problem(&[("package.json", broken)], 0), "package.json:4: expected `,` or `}`");
    let member = [("package.json", r#"{"workspaces": ["p"]}"#), ("p/package.json", "{")];
    assert!(problem(&member, 1).starts_with("p/package.json:1: EOF"));
    let number = [("package.json", "{\"scripts\":\n{\"a\": 1}}")];
    assert_eq!(problem(&number, 0), "package.json:2: invalid type: integer `1`, expected a string");
    let workspaces = problem(&[("package.json", r#"{"workspaces": 5}"#)], 0);
    assert!(workspaces.contains("`workspaces` is a list of folders"), "{workspaces}");
    let procfile = problem(&[("Procfile", "web: a\nnonsense\n")], 0);
    assert_eq!(procfile, "Procfile:2: expected a line such as `web: node server.js`");
    let yaml = problem(&[("package.json", "{}"), ("pnpm-workspace.yaml", "packages: {a: b")], 0);
    assert!(yaml.starts_with("pnpm-workspace.yaml: "), "{yaml}");
    let outside = problem(&[("package.json", r#"{"workspaces": ["../*"]}"#)], 0);
    assert!(outside.contains("leaves the project"), "{outside}");
    assert!(problem(&[], 0).contains("has no package.json and no Procfile"));
    assert!(
        problem(&[("package.json", r#"{"scripts": {"a": "b\u0000"}}"#)], 0).contains("zero byte")
    );
}

#[test]
fn the_runner_is_that_of_the_nearest_folder_that_tells() {
    let runner = |files: &[(&str, &str)]| {
        let mut bench = Bench::new(files);
        bench.run.runner = RunnerChoice::Auto;
        bench.write("s/package.json", r#"{"name": "s"}"#);
        let catalog = Catalog::load(&[bench.root().join("s")], &bench.run);
        catalog.catalogue().projects[0].runner.clone()
    };
    assert_eq!(runner(&[]), "npm");
    assert_eq!(runner(&[("pnpm-lock.yaml", "")]), "pnpm");
    assert_eq!(runner(&[("s/yarn.lock", ""), ("pnpm-lock.yaml", "")]), "yarn");
    assert_eq!(runner(&[("s/bun.lock", "")]), "bun");
    assert_eq!(runner(&[("bun.lockb", "")]), "bun");
    let field = ("package.json", r#"{"packageManager": "yarn@4.1.0"}"#);
    assert_eq!(runner(&[field, ("package-lock.json", "{}")]), "yarn");
    let unknown = ("package.json", r#"{"packageManager": "deno@2"}"#);
    assert_eq!(runner(&[unknown, ("pnpm-lock.yaml", "")]), "pnpm");
}

#[test]
fn a_change_of_any_file_is_seen() {
    let bench = Bench::new(&[("package.json", r#"{"name": "x", "workspaces": ["p/*"]}"#)]);
    bench.write("p/readme", "");
    let shared = SharedCatalog::new(bench.catalog());
    let first = shared.current();
    assert!(std::sync::Arc::ptr_eq(&first, &shared.current()), "nothing changed");

    bench.write("p/a/package.json", r#"{"name": "a"}"#);
    assert_eq!(outline(&shared.current()), ["x@.: ", "a@p/a: "]);
    bench.write("p/a/package.json", r#"{"name": "a", "scripts": {"s": "1"}}"#);
    assert_eq!(outline(&shared.current()), ["x@.: ", "a@p/a: s"]);
    bench.write("Procfile", "web: x");
    assert_eq!(outline(&shared.current()), ["x@.: web", "a@p/a: s"]);
    fs::remove_file(bench.root().join("p/a/package.json")).unwrap();
    assert_eq!(outline(&shared.current()), ["x@.: web"]);
}
