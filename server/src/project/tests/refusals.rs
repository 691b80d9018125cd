//! Starts that are refused, with their codes and words.

use super::*;

const PACKAGE: &str = r#"{"name": "shop", "scripts": {"dev": "vite", "build": "true"},
  "devDependencies": {"vite": "8"}}"#;

#[test]
fn scripts_that_are_not_there() {
    let bench = Bench::new(&[("package.json", PACKAGE)]);
    let (code, words) = bench.refusal(&start("biuld", &[]));
    assert_eq!(code, "script_not_found");
    assert_eq!(
        words,
        "there is no script \"biuld\": did you mean build? the scripts are: build, dev"
    );
    let (code, words) = bench.refusal(&start("rm -rf /", &[]));
    assert_eq!(code, "script_not_found");
    assert!(words.ends_with("the scripts are: build, dev"), "{words}");
    let request = StartRequest { project: Some("shp".to_owned()), ..start("build", &[]) };
    let (code, words) = bench.refusal(&request);
    assert_eq!(code, "project_not_found");
    assert_eq!(words, "there is no project \"shp\": did you mean shop? the projects are: shop");

    let unreadable = Bench::new(&[("package.json", "{")]);
    assert_eq!(unreadable.refusal(&start("dev", &[])).0, "project_unreadable");
}

#[test]
fn a_script_of_several_projects_needs_the_project() {
    let bench = Bench::new(&[
        ("package.json", r#"{"name": "root", "workspaces": ["a", "b"]}"#),
        ("a/package.json", r#"{"name": "a", "scripts": {"x": "true"}}"#),
        ("b/package.json", r#"{"name": "b", "scripts": {"x": "true"}}"#),
    ]);
    let (code, words) = bench.refusal(&start("x", &[]));
    assert_eq!(code, "script_ambiguous");
    assert!(words.ends_with("name one with project: a, b"), "{words}");
    let request = StartRequest { project: Some("b".to_owned()), ..start("x", &[]) };
    assert_eq!(bench.plan(&request).unwrap().cwd, bench.root().join("b"));
}

#[test]
fn folders_outside_are_refused_also_through_links() {
    let bench = Bench::new(&[("package.json", PACKAGE), ("src/a", "")]);
    let elsewhere = tempfile::tempdir().unwrap();
    link(elsewhere.path(), bench.root().join("out"));
    link(&bench.root().join("src"), bench.root().join("alias"));
    let code = |cwd: &str| {
        let request = StartRequest { cwd: Some(cwd.to_owned()), ..start("build", &[]) };
        bench.plan(&request).map(|plan| plan.cwd).map_err(|error| error.code())
    };
    for cwd in ["..", "/", "/etc", "src/../..", "out", "out/.", "/nowhere", "../nowhere"] {
        assert_eq!(code(cwd), Err("cwd_outside_project"), "{cwd}");
    }
    for cwd in ["nowhere", "src/a", "a\0b"] {
        assert_eq!(code(cwd), Err("cwd_not_found"), "{cwd}");
    }
    for cwd in ["src", "./src/", "alias", "src/../src", bench.root().join("src").to_str().unwrap()]
    {
        assert_eq!(code(cwd), Ok(bench.root().join("src")), "{cwd}");
    }
    assert_eq!(code(""), Ok(bench.root()));
}

#[test]
fn another_package_is_not_reached_through_a_folder() {
    let mut bench = Bench::new(&[("package.json", PACKAGE), ("sub/package.json", PACKAGE)]);
    bench.run.runner = RunnerChoice::Npm;
    let request = StartRequest { cwd: Some("sub".to_owned()), ..start("build", &[]) };
    let (code, words) = bench.refusal(&request);
    assert_eq!(code, "cwd_other_package");
    assert!(words.contains("\"sub\"") && words.contains("npm"), "{words}");
}

#[test]
fn missing_programs_are_told_with_the_remedy() {
    let mut bench = Bench::new(&[("package.json", PACKAGE), ("package-lock.json", "{}")]);
    let root = bench.root();
    let first = format!("vite was not found: run `npm ci` in {} first", root.display());
    assert_eq!(bench.refusal(&start("dev", &[])), ("executable_not_found", first.clone()));
    bench.write_program("bin/npm");
    bench.env.insert("PATH".to_owned(), format!("{}/bin", root.display()));
    bench.run.runner = RunnerChoice::Npm;
    assert_eq!(bench.refusal(&start("dev", &[])).1, first, "also before npm finds it missing");
    bench.write("node_modules/x", "");
    let (_, words) = bench.refusal(&start("dev", &[]));
    assert!(words.contains("neither in node_modules/.bin nor on the PATH"), "{words}");

    bench.run.runner = RunnerChoice::Pnpm;
    let (code, words) = bench.refusal(&start("dev", &[]));
    assert_eq!(code, "executable_not_found");
    assert!(words.starts_with("pnpm was not found: install it, or set run.runner"), "{words}");
}

#[test]
fn only_plain_programs_are_looked_up() {
    let plan = |command: &str| {
        let commands = vec![("x".to_owned(), command.to_owned())];
        let mut bench = Bench::new(&[]);
        bench.run.commands = commands;
        bench.plan(&start("x", &[])).map(|_| ()).map_err(|error| error.code())
    };
    let missing = Err("executable_not_found");
    for command in
        ["no-such-program", "A=1 B=two no-such-program x", "./no-such", "no-such && true"]
    {
        assert_eq!(plan(command), missing, "{command}");
    }
    let told_by_the_shell = [
        "cd x && no-such",
        "$TOOL x",
        "no-such || true",
        "PATH=/x no-such",
        "(no-such)",
        "A='1 2' no-such",
        "[ -e x ]",
        "if true; then no-such; fi",
        "! no-such",
        "no-such; true",
        "'no such'",
        "",
    ];
    for command in told_by_the_shell.iter().filter(|command| !command.is_empty()) {
        assert_eq!(plan(command), Ok(()), "{command}");
    }
}

#[test]
fn long_command_lines_and_unknown_signals() {
    let bench = Bench::new(&[("package.json", PACKAGE)]);
    let long = "a".repeat(1_000);
    let args = vec![long.as_str(); 103];
    assert_eq!(bench.refusal(&start("build", &args)).0, "command_too_long");
    let request = StartRequest { kill_signal: Some("SIGNOPE".to_owned()), ..start("build", &[]) };
    let (code, words) = bench.refusal(&request);
    assert_eq!(code, "signal_unknown");
    assert!(words.starts_with("there is no signal \"SIGNOPE\": give a name"), "{words}");
}
