//! What is read from where, and the words for what is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

/// A folder to be in, with a `runyard.toml` unless the text is empty.
fn folder(toml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if !toml.is_empty() {
        fs::write(folder.path().join(FILE_NAME), toml).unwrap();
    }
    folder
}

fn load_in(folder: &Path, env: &[(&str, &str)], flags: Flags) -> Result<Config, ConfigError> {
    let env = env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::load(Sources { current_dir: folder.to_owned(), env, flags })
}

fn load(toml: &str, env: &[(&str, &str)]) -> Result<Config, String> {
    let folder = folder(toml);
    load_in(folder.path(), env, Flags::default())
        .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn nothing_said_gives_the_defaults() {
    let folder = folder("");
    let config = load_in(folder.path(), &[], Flags::default()).unwrap();
    let project = folder.path().canonicalize().unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:3147");
    assert_eq!(config.server.data_dir, project.join(".runyard"));
    assert_eq!(config.server.database_url(), project.join(".runyard/runyard.db").to_string_lossy());
    assert_eq!(config.projects, [project]);
    assert_eq!(config.run, RunConfig::default());
    assert_eq!(config.run.grace_s, 10);
    assert_eq!(config.limits, LimitsConfig::default());
    let denied: Vec<_> = config.run.arg_deny.iter().map(ToString::to_string).collect();
    assert_eq!(denied.join(" "), "; & | < > $ ( ) ` path:parent path:outside");
}

#[test]
fn the_file_yields_to_the_environment_and_that_to_flags() {
    let toml = "[server]\nlisten = \"127.0.0.1:4000\"\ndata_dir = \"kept\"\n\
                [run]\nrunner = \"pnpm\"\ngrace_s = 3\n[run.commands]\nhello = \"echo hello\"\n\
                [limits]\nmax_jobs = 7\nmax_services = 8\n";
    let folder = folder(toml);
    let env = [
        ("RUNYARD_RUN__RUNNER", "native"),
        ("RUNYARD_LIMITS__MAX_JOBS", "50"),
        ("RUNYARD_RUN__ENV_ALLOW", "A_*, B"),
        ("RUNYARD_SERVER__LISTEN", "localhost:4001"),
        ("UNRELATED", "x"),
    ];
    let config = load_in(folder.path(), &env, Flags::default()).unwrap();
    assert_eq!(config.run.runner, RunnerChoice::Native);
    assert_eq!((config.limits.max_jobs, config.limits.max_services), (50, 8));
    assert_eq!(config.run.env_allow, ["A_*", "B"]);
    assert_eq!(config.run.commands, [("hello".to_owned(), "echo hello".to_owned())]);
    assert_eq!(config.server.listen.port(), 4001);
    assert_eq!(config.server.data_dir, folder.path().join("kept"));

    let flags = Flags {
        listen: Some("127.0.0.1:4002".parse().unwrap()),
        data: Some("elsewhere".into()),
        database: Some("sqlite:x.db".to_owned()),
        ..Flags::default()
    };
    let config = load_in(folder.path(), &env, flags).unwrap();
    assert_eq!(config.server.listen.port(), 4002);
    assert_eq!(config.server.data_dir, folder.path().join("elsewhere"));
    assert_eq!(config.server.database_url(), "sqlite:x.db");
}

#[test]
fn ports_of_the_platform_are_weaker_than_our_own_name() {
    let port = |env: &[(&str, &str)]| load("", env).unwrap().server.listen.port();
    assert_eq!(port(&[("PORT", "5000")]), 5000);
    assert_eq!(port(&[("SERVER_PORT", "5001"), ("PORT", "5000")]), 5001);
    let own = ("RUNYARD_SERVER__LISTEN", "127.0.0.1:5002");
    assert_eq!(port(&[own, ("SERVER_PORT", "5001"), ("PORT", "5000")]), 5002);
    assert_eq!(port(&[("PORT", "")]), 3147);
}

#[test]
fn errors_name_the_place_the_key_and_the_remedy() {
    /// The file, the environment, the error.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (
            "[limits]\n\nmax_job = 3\n",
            &[],
            "runyard.toml:3: unknown key limits.max_job: did you mean max_jobs? [limits] has: \
             max_jobs, max_services, requests_per_minute, sockets_per_user, max_connections, \
             connections_per_address, body_timeout_s, starts_per_minute, max_buffer, max_queue, max_memory, \
             max_cpu and 1 more",
        ),
        (
            "[limit]\nmax_jobs = 3\n",
            &[],
            "runyard.toml:2: unknown key limit.max_jobs: did you mean limits? the sections are: \
             server, run, limits, auth, oidc, audit, logs, roles, pools, process",
        ),
        (
            "listen = \"x\"\n",
            &[],
            "runyard.toml:1: unknown key listen: the sections are: server, run, limits, auth, oidc, audit, \
             logs, roles, pools, process",
        ),
        (
            "[limits]\nmax_jobs = \"many\"\n",
            &[],
            "runyard.toml:2: bad value for limits.max_jobs: expected a whole number, 0 or more, got \
             \"many\"",
        ),
        (
            "[limits]\nmax_jobs = 0\n",
            &[],
            "runyard.toml:2: bad value for limits.max_jobs: expected 1 to 10000, got 0",
        ),
        (
            "[logs]\nkeep_days = 40000\n",
            &[],
            "runyard.toml:2: bad value for logs.keep_days: expected 0 to 36500 days, got 40000",
        ),
        (
            "[logs]\nwhen_full = \"wait\"\n",
            &[],
            "runyard.toml:2: bad value for logs.when_full: \"wait\" is no rule \
             for what cannot be kept: the rules are: block, drop",
        ),
        (
            "[logs]\nmax_backlog = \"1M\"\n",
            &[],
            "runyard.toml:2: bad value for logs.max_backlog: expected 0, or 32M and more, got 1048576 bytes",
        ),
        (
            "[logs]\nmax_bytes = 5\n",
            &[],
            "runyard.toml:2: bad value for logs.max_bytes: expected 0, or 1048576 bytes and more, \
             got 5",
        ),
        (
            "[run]\nenv_allow = \"CI\"\n",
            &[],
            "runyard.toml:2: bad value for run.env_allow: expected a list of texts, such as \
             [\"A\", \"B\"], got \"CI\"",
        ),
        (
            "[server]\nport = 4000\n",
            &[],
            "runyard.toml:2: unknown key server.port: [server] has: listen, data_dir, database, database_file, trusted_proxies, tls_cert, tls_key, allow_remote",
        ),
        (
            "",
            &[("RUNYARD_RUN__RUNNER", "npx")],
            "environment variable RUNYARD_RUN__RUNNER: bad value for run.runner: \"npx\" is no \
             runner: did you mean npm? the runners are: auto, native, npm, pnpm, yarn, bun",
        ),
        (
            "",
            &[("RUNYARD_RUN__GRACE", "1")],
            "environment variable RUNYARD_RUN__GRACE: unknown key run.grace: did you mean grace_s? \
             [run] has: runner, grace_s, env_allow, secret_env, run_as, sandbox, sandbox_write, arg_deny, args, commands",
        ),
        (
            "",
            &[("RUNYARD_LISTEN", "127.0.0.1:1")],
            "environment variable RUNYARD_LISTEN: unknown key listen: did you mean \
             RUNYARD_SERVER__LISTEN? section and key have two underscores between",
        ),
        (
            "",
            &[("PORT", "99999")],
            "environment variable PORT: bad value for server.port: expected a port, from 1 to 65535",
        ),
        (
            "",
            &[("RUNYARD_RUN__ARG_DENY", "path:up")],
            "environment variable RUNYARD_RUN__ARG_DENY: bad value for run.arg_deny: \"path:up\" is \
             no rule: the rules are path:parent (.. in a path) and path:outside (absolute paths \
             outside the project); anything else is a text that is denied as it is",
        ),
        (
            "",
            &[("RUNYARD_RUN__ENV_ALLOW", "A-B")],
            "environment variable RUNYARD_RUN__ENV_ALLOW: bad value for run.env_allow: \"A-B\" is no \
             name of a variable: letters, digits, _ and * for any text, as in NODE_*",
        ),
        (
            "",
            &[("RUNYARD_SERVER__LISTEN", "3147")],
            "environment variable RUNYARD_SERVER__LISTEN: bad value for server.listen: \"3147\" is \
             no address with a port: write it as 127.0.0.1:3147",
        ),
    ];
    for (toml, env, expected) in cases {
        assert_eq!(load(toml, env).unwrap_err(), *expected);
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let error = load("[server]\nlisten = \n", &[]).unwrap_err();
    assert!(error.starts_with("runyard.toml:2: this is not valid toml: "), "{error}");
}

#[test]
fn other_machines_are_refused_wherever_it_is_asked() {
    let error = load("", &[("RUNYARD_SERVER__LISTEN", "0.0.0.0:3147")]).unwrap_err();
    assert!(error.starts_with("environment variable RUNYARD_SERVER__LISTEN: bad value"), "{error}");
    assert!(error.contains("server.tls_cert"), "{error}");
    let folder = folder("");
    let flags = Flags { listen: Some("[::]:1".parse().unwrap()), ..Flags::default() };
    let error = load_in(folder.path(), &[], flags).unwrap_err().to_string();
    assert!(
        error.starts_with("--listen: bad value for server.listen: [::]:1 is reachable"),
        "{error}"
    );
}

#[test]
fn other_machines_are_let_in_where_it_is_meant() {
    let listen = "[server]\nlisten = \"0.0.0.0:3147\"\n";
    load(&format!("{listen}trusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]\n"), &[]).unwrap();
    load(&format!("{listen}tls_cert = \"a.pem\"\ntls_key = \"b.pem\"\n"), &[]).unwrap();
    load(&format!("{listen}allow_remote = true\n"), &[]).unwrap();
    load(listen, &[("RUNYARD_SERVER__ALLOW_REMOTE", "true")]).unwrap();
    let folder = folder(listen);
    let flags = Flags { allow_remote: true, ..Flags::default() };
    load_in(folder.path(), &[], flags).unwrap();
    for (toml, words) in [
        ("tls_cert = \"a.pem\"\n", "tls_cert and tls_key"),
        ("allow_remote = \"yes\"\n", "expected true or false"),
        ("trusted_proxies = [\"proxy\"]\n", "is no address and no network"),
        ("allow_remote = true\n[auth]\nmode = \"off\"\n", "other machines reach 0.0.0.0:3147"),
    ] {
        let error = load(&format!("{listen}{toml}"), &[]).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    assert!(load("[auth]\nmode = \"off\"\n", &[]).unwrap().auth.is_off);
    let proxied = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[auth]\nmode = \"off\"\n";
    let error = load(proxied, &[]).unwrap_err();
    assert!(error.contains("auth.mode") && error.contains("bring others here"), "{error}");
    let error = load("[auth]\ndefault_role = \"root\"\n", &[]).unwrap_err();
    assert!(error.contains("\"root\" is no role"), "{error}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let folder = folder("");
    let flags = Flags { config: Some("other.toml".into()), ..Flags::default() };
    let error = load_in(folder.path(), &[], flags).unwrap_err();
    assert!(matches!(&error, ConfigError::Read { path, .. } if path.ends_with("other.toml")));
}

#[test]
fn projects_are_folders_and_counted_once() {
    let folder = folder("");
    fs::create_dir(folder.path().join("a")).unwrap();
    let with = |projects: &[&str]| {
        let projects = projects.iter().map(PathBuf::from).collect();
        load_in(folder.path(), &[], Flags { projects, ..Flags::default() })
    };
    let config = with(&["a", "./a/../a"]).unwrap();
    let only = folder.path().canonicalize().unwrap().join("a");
    assert_eq!(config.server.data_dir, only.join(".runyard"));
    assert_eq!(config.projects, [only]);
    let error = with(&["b"]).unwrap_err().to_string();
    assert!(error.starts_with("--project b: "), "{error}");
}

#[test]
fn the_data_folder_is_made_for_us_alone() {
    let folder = folder("");
    let config = load_in(folder.path(), &[], Flags::default()).unwrap();
    config.server.prepare_data_dir().unwrap();
    config.server.prepare_data_dir().unwrap();
    let data = &config.server.data_dir;
    assert_eq!(fs::metadata(data).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(data.join(".gitignore")).unwrap(), "*\n");

    fs::set_permissions(data, fs::Permissions::from_mode(0o777)).unwrap();
    let error = config.server.prepare_data_dir().unwrap_err().to_string();
    assert!(error.contains("other users can write into it (mode 777)"), "{error}");
    fs::remove_dir_all(data).unwrap();
    fs::write(data, "").unwrap();
    let error = config.server.prepare_data_dir().unwrap_err().to_string();
    assert!(error.contains("it is a file"), "{error}");

    // A link leads where its owner likes; ours is our own business.
    fs::remove_file(data).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, data).unwrap();
    config.server.prepare_data_dir().unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::lchown(data, Some(65_534), None).unwrap();
        let error = config.server.prepare_data_dir().unwrap_err().to_string();
        assert!(error.contains("symbolic link of user 65534"), "{error}");
    }
}

proptest! {
    /// Whatever the environment says, the answer is a configuration or an error with the name.
    #[test]
    fn any_value_is_taken_or_told(key in 0usize..12, value in "[ -~]{0,12}") {
        let keys: Vec<_> = setting::SECTIONS
            .iter()
            .flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}__{}", key.name)))
            .collect();
        let name = format!("RUNYARD_{}", keys[key % keys.len()].to_uppercase());
        if let Err(error) = load("", &[(&name, &value)]) {
            prop_assert!(error.contains(&name), "{error}");
        }
    }
}

#[test]
fn a_secret_setting_may_stand_in_a_file() {
    let folder = folder("[server]\ndatabase_file = \"db-url\"\n");
    let path = folder.path().join("db-url");
    let load = |env: &[(&str, &str)]| load_in(folder.path(), env, Flags::default());
    let wrong = |what: &str| {
        let error = load(&[]).unwrap_err().to_string();
        assert!(error.contains("server.database_file") && error.contains(what), "{error}");
    };
    wrong("cannot read");
    fs::write(&path, "\n").unwrap();
    wrong("it is empty");
    fs::write(&path, "sqlite:kept.db\n").unwrap();
    assert_eq!(load(&[]).unwrap().server.database.as_deref(), Some("sqlite:kept.db"));
    // The environment wins, whichever of the two it has.
    let by_env = [("RUNYARD_SERVER__DATABASE", "sqlite:other.db")];
    assert_eq!(load(&by_env).unwrap().server.database.as_deref(), Some("sqlite:other.db"));
    let by_env = [("RUNYARD_SERVER__DATABASE_FILE", "missing")];
    assert!(load(&by_env).unwrap_err().to_string().contains("RUNYARD_SERVER__DATABASE_FILE"));
}

/// The published schema and what reads the file are of one mind.
#[test]
fn every_key_takes_what_the_schema_says_and_nothing_else() {
    use key::Takes;
    let refusal = |section: &str, key: &str, value: &str| {
        let text = format!("[{section}]\n{key} = {value}\n");
        let name = format!("{section}.{key}");
        let is_placed = |error: &str| error.contains("runyard.toml:2") && error.contains(&name);
        load(&text, &[]).err().map(|error| (is_placed(&error), error))
    };
    let schema = json_schema();
    for (section, keys) in setting::SECTIONS {
        for key in keys {
            let published = &schema["properties"][section]["properties"][key.name];
            assert_eq!(published["description"], key.about, "{section}.{}", key.name);
            // What the type forbids is refused at its line.
            let forbidden: &[&str] = match key.takes {
                Takes::Text | Takes::Choice(_) => {
                    &["7", "true", "[\"a\"]", "{ a = \"b\" }", "\"\""]
                }
                Takes::Number(..) => &["\"many\"", "-1", "1.5", "true", "[]"],
                Takes::Amount => &["\"many\"", "-1", "true", "[]"],
                Takes::Flag => &["\"yes\"", "1", "[]"],
                Takes::Texts => &["7", "\"a\"", "true"],
                Takes::Table => &["7", "\"a\"", "[\"a\"]"],
            };
            for value in forbidden {
                let (is_placed, error) = refusal(section, key.name, value).expect(value);
                assert!(is_placed, "{section}.{} = {value}: {error}", key.name);
            }
            match key.takes {
                // No choice is refused, and nothing is one that is not named.
                Takes::Choice(choices) => {
                    assert!(refusal(section, key.name, "\"no such\"").is_some());
                    for choice in choices {
                        // Another setting may stand against it, but it is a choice.
                        let value = format!("{choice:?}");
                        let wrong = refusal(section, key.name, &value);
                        let is_unknown = wrong.as_ref().is_some_and(|it| it.1.contains(&value));
                        assert!(!is_unknown, "{section}.{}: {wrong:?}", key.name);
                    }
                }
                Takes::Number(least, most) => {
                    let fits = |value: u64| refusal(section, key.name, &value.to_string());
                    assert!(fits(least).is_none(), "{section}.{}", key.name);
                    assert!(least == 0 || fits(least - 1).is_some(), "{section}.{}", key.name);
                    // No number of a file is beyond what the type holds.
                    if most < u64::MAX {
                        assert!(fits(most).is_none(), "{section}.{}", key.name);
                        assert!(fits(most + 1).is_some(), "{section}.{}", key.name);
                    }
                }
                _ => {}
            }
        }
    }
}
