//! The exact command, by running it.

use proptest::prelude::*;

use super::super::launch::append_args;
use super::*;

const PACKAGE: &str = r#"{
  "name": "shop", "version": "1.2.3",
  "scripts": {
    "main": "printf '%s|'",
    "env": "printf '%s|' \"$npm_lifecycle_event\" \"$npm_package_name\" \"$npm_package_version\" \"$npm_package_json\" \"$INIT_CWD\" \"$npm_lifecycle_script\"",
    "prebuild": "printf '%s;' \"$npm_lifecycle_event\"",
    "build": "printf '%s;' \"$npm_lifecycle_event\"",
    "postbuild": "printf '%s;' \"$npm_lifecycle_event\"",
    "prefail": "exit 7", "fail": "echo never",
    "bad": "exit 3", "postbad": "echo never",
    "dash": "-x",
    "tool": "tool --flag",
    "say": "say a=1 --b", "old": "old a"
  }
}"#;

#[test]
fn a_native_script_is_one_plain_shell_command() {
    let bench = Bench::new(&[("package.json", PACKAGE), ("sub/x", "")]);
    let mut request = start("main", &["a b", "it's"]);
    request.cwd = Some("sub".to_owned());
    request.kill_signal = Some("int".to_owned());
    request.timeout_ms = Some(0);
    request.max_buffer = Some(9);
    let plan = bench.plan(&request).unwrap();
    assert_eq!(plan.program, Path::new("/bin/sh"));
    assert_eq!(plan.argv, ["sh", "-c", r#"printf '%s|' 'a b' "it's""#]);
    assert_eq!(plan.cwd, bench.root().join("sub"));
    assert_eq!((plan.kill_signal, plan.timeout_ms, plan.max_buffer), (libc::SIGINT, None, Some(9)));
    assert_eq!(run(&plan), (Some(0), "a b|it's|".to_owned()));
}

#[test]
fn a_plain_command_needs_no_shell_unless_its_program_does() {
    let mut bench = Bench::new(&[("package.json", PACKAGE)]);
    bench.run.arg_deny.clear();
    bench.write_program("node_modules/.bin/say");
    bench.write("node_modules/.bin/say", "#!/bin/sh\nprintf '%s|' \"$@\"");
    bench.write_program("node_modules/.bin/old");
    bench.write("node_modules/.bin/old", "printf '%s|' \"$0\" \"$@\"");
    let program = |name: &str| bench.root().join("node_modules/.bin").join(name);

    let say = bench.plan(&start("say", &["c d", "$HOME", "it's"])).unwrap();
    assert_eq!(say.program, program("say"));
    assert_eq!(say.argv, ["say", "a=1", "--b", "c d", "$HOME", "it's"]);
    assert_eq!(say.command_line, r#"say a=1 --b 'c d' '$HOME' "it's""#);
    assert_eq!(run(&say), (Some(0), "a=1|--b|c d|$HOME|it's|".to_owned()));

    let old = bench.plan(&start("old", &["c d"])).unwrap();
    assert_eq!(old.argv, ["sh", "-c", "exec old a 'c d'"]);
    let (code, output) = run(&old);
    assert_eq!((code, output.ends_with("|a|c d|")), (Some(0), true), "{output}");
}

#[test]
fn scripts_learn_what_they_are_part_of() {
    let bench = Bench::new(&[("package.json", PACKAGE)]);
    let (_, output) = run(&bench.plan(&start("env", &[])).unwrap());
    let root = bench.root().display().to_string();
    let fields: Vec<_> = output.split('|').collect();
    let manifest = format!("{root}/package.json");
    assert_eq!(fields[..5], ["env", "shop", "1.2.3", manifest.as_str(), root.as_str()]);
    assert!(fields[5].starts_with("printf"), "{output}");
}

#[test]
fn pre_and_post_run_around_and_failures_stop() {
    let bench = Bench::new(&[("package.json", PACKAGE)]);
    let of = |script: &str, args: &[&str]| run(&bench.plan(&start(script, args)).unwrap());
    assert_eq!(of("build", &["x y"]), (Some(0), "prebuild;build;x y;postbuild;".to_owned()));
    assert_eq!(of("fail", &[]), (Some(7), String::new()));
    assert_eq!(of("bad", &[]), (Some(3), String::new()));
    assert_eq!(of("prebuild", &[]), (Some(0), "prebuild;".to_owned()));
}

#[test]
fn a_script_that_looks_like_an_option_is_none() {
    let mut bench = Bench::new(&[("package.json", PACKAGE)]);
    bench.write_program("node_modules/.bin/-x");
    bench.run.arg_deny.clear();
    let plan = bench.plan(&start("dash", &[])).unwrap();
    assert_eq!(run(&plan).0, Some(0));
}

#[test]
fn programs_of_the_packages_above_are_found() {
    let bench = Bench::new(&[
        ("package.json", r#"{"workspaces": ["p/*"]}"#),
        ("p/a/package.json", PACKAGE),
    ]);
    let (code, words) = bench.refusal(&start("tool", &[]));
    assert_eq!(code, "executable_not_found");
    assert!(words.starts_with("tool was not found: it is not on the PATH"), "{words}");
    bench.write_program("node_modules/.bin/tool");
    let plan = bench.plan(&start("tool", &[])).unwrap();
    let root = bench.root().display().to_string();
    let first = format!(
        "{root}/p/a/node_modules/.bin:{root}/p/node_modules/.bin:{root}/node_modules/.bin:"
    );
    assert!(plan.env["PATH"].starts_with(&first), "{}", plan.env["PATH"]);
    assert_eq!(run(&plan).0, Some(0));
}

#[test]
fn package_managers_get_the_name_and_the_arguments() {
    let mut bench = Bench::new(&[("package.json", PACKAGE)]);
    for name in ["npm", "pnpm", "yarn", "bun"] {
        bench.write_program(&format!("bin/{name}"));
    }
    let bin = bench.root().join("bin");
    bench.env.insert("PATH".to_owned(), format!("{}:/usr/bin:/bin", bin.display()));
    let cases = [
        (RunnerChoice::Npm, "npm", "npm run main -- -v 'a b'"),
        (RunnerChoice::Pnpm, "pnpm", "pnpm run main -v 'a b'"),
        (RunnerChoice::Yarn, "yarn", "yarn run main -v 'a b'"),
        (RunnerChoice::Bun, "bun", "bun run main -v 'a b'"),
        (RunnerChoice::Auto, "npm", "npm run main -- -v 'a b'"),
    ];
    for (choice, program, line) in cases {
        bench.run.runner = choice;
        let plan = bench.plan(&start("main", &["-v", "a b"])).unwrap();
        assert_eq!(plan.program, bin.join(program));
        assert_eq!(plan.command_line, line);
        assert_eq!(plan.argv.last().unwrap(), "a b");
    }
    bench.run.runner = RunnerChoice::Npm;
    assert_eq!(bench.plan(&start("main", &[])).unwrap().argv, ["npm", "run", "main"]);
}

#[test]
fn procfile_lines_and_declared_commands_run_natively_whatever_the_runner() {
    let mut bench = Bench::new(&[("package.json", "{}"), ("Procfile", "web: printf '%s'")]);
    bench.run.runner = RunnerChoice::Npm;
    bench.run.commands = vec![("hello".to_owned(), "printf hello".to_owned())];
    let web = bench.plan(&start("web", &["x y"])).unwrap();
    assert_eq!(run(&web), (Some(0), "x y".to_owned()));
    assert!(!web.env.contains_key("npm_lifecycle_event"));
    let hello = bench.plan(&start("hello", &[])).unwrap();
    assert_eq!(run(&hello), (Some(0), "hello".to_owned()));
}

#[test]
fn a_plan_survives_being_kept_and_hides_its_environment() {
    let mut bench = Bench::new(&[("package.json", PACKAGE)]);
    bench.env.insert("NPM_TOKEN".to_owned(), "hunter2".to_owned());
    let plan = bench.plan(&start("main", &[])).unwrap();
    let kept = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<LaunchPlan>(&kept).unwrap(), plan);
    let shown = format!("{plan:?}");
    assert!(shown.contains("NPM_TOKEN") && !shown.contains("hunter2"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the arguments are, the script gets exactly those.
    #[test]
    fn quoting_round_trips_through_a_shell(
        args in proptest::collection::vec("([ -~]|[^\u{0}]|[\"'\\\\$`!*~# \n])*", 0..6)
    ) {
        let line = append_args("printf '%s\\001'", &args).unwrap();
        let output = std::process::Command::new("/bin/sh").args(["-c", &line]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // Without arguments printf writes its format once.
        let expected: String =
            if args.is_empty() { "\u{1}".to_owned() } else { args.iter().map(|a| format!("{a}\u{1}")).collect() };
        prop_assert_eq!(text, expected);
    }
}
