//! What a file may say, by who can change it.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use nix::unistd::geteuid;

use crate::config::{Config, Flags, Sandbox, Sources, json_schema};

/// Reads a `runyard.toml` of this mode, with a secret beside it.
fn load(toml: &str, mode: u32, env: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runyard.toml");
    fs::write(&file, toml).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    fs::write(folder.path().join("token"), "hunter2\n").unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let env = env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let current_dir = folder.path().to_owned();
    // Where no sandbox lets write.
    let flags = Flags { data: Some("/data".into()), ..Flags::default() };
    Config::load(Sources { current_dir, env, flags })
        .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

const OWN: u32 = 0o644;
const OTHERS: u32 = 0o664;

#[test]
fn a_file_of_ones_own_says_how_each_process_is_kept_in() {
    let toml = "[run]\nsandbox = \"require\"\n[process.a]\ncommand = [\"x\"]\nsandbox = \"off\"\n\
                [process.b]\ncommand = [\"x\"]\nsandbox = \"try\"\n[process.c]\ncommand = [\"x\"]\n";
    let config = load(toml, OWN, &[("RUNYARD_RUN__SANDBOX", "require")]).unwrap();
    let said = ["a", "b", "c"].map(|name| config.processes[name].sandbox);
    assert_eq!(said, [Some(Sandbox::Off), Some(Sandbox::Try), None]);
    let text = toml::to_string(&config.processes["a"]).unwrap();
    assert!(text.contains("sandbox = \"off\""), "{text}");
    let wrong = load(&toml.replace("\"try\"", "\"yes\""), OWN, &[]).unwrap_err();
    assert!(wrong.starts_with("runyard.toml:8: bad value for process.b.sandbox: unknown variant"));
}

#[test]
fn a_file_of_others_narrows_and_does_not_widen() {
    let toml = |sandbox: &str| format!("[process.a]\ncommand = [\"x\"]\nsandbox = \"{sandbox}\"\n");
    let env = |sandbox| [("RUNYARD_RUN__SANDBOX", sandbox)];
    let narrowed = load(&toml("require"), OTHERS, &env("try")).unwrap();
    assert_eq!(narrowed.processes["a"].sandbox, Some(Sandbox::Require));
    load(&toml("try"), OTHERS, &env("try")).unwrap();
    let refused = load(&toml("off"), OTHERS, &env("try")).unwrap_err();
    assert_eq!(
        refused,
        "runyard.toml:3: bad value for process.a.sandbox: run.sandbox is \"try\", and others can \
         change this file (runyard.toml can be written by others (mode 664)): leave it out, or let \
         only root and whoever runs runyard change it"
    );
    load(&toml("off"), OWN, &env("try")).unwrap();
    load(&toml("off"), OTHERS, &[]).unwrap();
    // Nor does it open the sandbox that the environment has asked for.
    let open = "[run]\nsandbox_write = [\"/opt\"]\n";
    let refused = load(open, OTHERS, &env("require")).unwrap_err();
    assert!(refused.contains("RUNYARD_RUN__SANDBOX_WRITE"), "{refused}");
    load(open, OWN, &env("require")).unwrap();
    load(&format!("{open}sandbox = \"require\"\n"), OTHERS, &[]).unwrap();
}

#[test]
fn who_a_process_runs_as_is_for_root_to_say() {
    let toml = "[process.a]\ncommand = [\"x\"]\nrun_as = \"nobody\"\n";
    if !geteuid().is_root() {
        let refused = load(toml, OWN, &[]).unwrap_err();
        assert!(refused.contains("process.a.run_as: only root can run scripts as"), "{refused}");
        return;
    }
    let config = load(toml, OWN, &[]).unwrap();
    assert_eq!(config.processes["a"].run_as.as_ref().unwrap().login, "nobody");
    let said = [("RUNYARD_RUN__RUN_AS", "nobody")];
    let other = toml.replace("nobody", "nobody:daemon");
    load(&other, OWN, &said).unwrap();
    // Root is not left to others: from root to anybody else is narrower, from one user to another is not.
    load(&other, OTHERS, &[]).unwrap();
    load(toml, OTHERS, &said).unwrap();
    let refused = load(&other, OTHERS, &said).unwrap_err();
    assert!(refused.contains("process.a.run_as: run.run_as is nobody, and others"), "{refused}");
    for (user, words) in [("no-such-user", "there is no user"), ("root", "would run as root")] {
        let refused = load(&toml.replace("nobody", user), OWN, &[]).unwrap_err();
        assert!(refused.starts_with("runyard.toml:3: bad value for process.a.run_as"), "{refused}");
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn a_variable_comes_from_a_file_and_errors_name_both() {
    let toml = |env: &str| format!("[process.a]\ncommand = [\"x\"]\n{env}\n");
    let config = load(&toml("env_file = { TOKEN = \"token\" }"), OWN, &[]).unwrap();
    let process = &config.processes["a"];
    assert_eq!(process.env_secrets["TOKEN"].text(), "hunter2");
    assert!(!format!("{process:?}").contains("hunter2"));
    assert!(!toml::to_string(process).unwrap().contains("hunter2"));
    for (env, words) in [
        ("env_file = { T = \"none\" }", "process.a.env_file: T: cannot read none: No such file"),
        ("env_file = { T = \"empty\" }", "process.a.env_file: T: cannot read empty: it is empty"),
        (
            "env_file = { T = \"folder\" }",
            "process.a.env_file: T: cannot read folder: it is no file",
        ),
        ("env_file = { T = \"/dev/zero\" }", "T: cannot read /dev/zero: it is no file"),
        ("env_file = { \"A=B\" = \"token\" }", "\"A=B\" is no name that a variable can have"),
        ("env = { \"\" = \"x\" }", "process.a.env: \"\" is no name"),
        ("secret_env = [\"A-B\"]", "process.a.secret_env: \"A-B\" is no name of a variable"),
        ("env = { T = \"x\" }\nenv_file = { T = \"token\" }", "T stands in env, too"),
    ] {
        let refused = load(&toml(env), OWN, &[]).unwrap_err();
        assert!(refused.starts_with("runyard.toml:") && refused.contains(words), "{refused}");
    }
    let of_others = load(&toml("env_file = { TOKEN = \"token\" }"), OTHERS, &[]);
    match geteuid().is_root() {
        true => assert!(of_others.unwrap_err().contains("would read files for others")),
        false => assert_eq!(of_others.unwrap().processes["a"].env_secrets.len(), 1),
    }
}

#[test]
fn root_reads_no_file_that_others_have_named() {
    let named = [
        ("server.database_file", "[server]\ndatabase_file = \"token\"\n"),
        (
            "oidc.client_secret_file",
            "[oidc]\nclient_secret_file = \"token\"\nissuer = \"https://id.example\"\n\
             client_id = \"runyard\"\npublic_url = \"https://runyard.example\"\n\
             default_role = \"viewer\"\n",
        ),
    ];
    for (key, toml) in named {
        load(toml, OWN, &[]).unwrap();
        let of_others = load(toml, OTHERS, &[]);
        if geteuid().is_root() {
            let refused = of_others.unwrap_err();
            let begin =
                format!("runyard.toml:2: bad value for {key}: cannot read token: runyard is");
            assert!(refused.starts_with(&begin), "{refused}");
        } else {
            of_others.unwrap();
        }
    }
    // What the operator says in the environment, no file of others has named.
    let env = [("RUNYARD_SERVER__DATABASE_FILE", "token")];
    assert!(load("", OTHERS, &env).unwrap().server.database.unwrap().ends_with("hunter2"));
}

#[test]
fn the_published_schema_has_the_keys_and_not_what_stands_in_files() {
    let schema = json_schema();
    let process = &schema["$defs"]["ProcessConfig"]["properties"];
    for key in ["run_as", "sandbox", "env_file", "secret_env"] {
        assert!(process[key]["description"].is_string(), "{key}: {process}");
    }
    assert!(process.get("env_secrets").is_none());
    assert!(schema.to_string().contains("\"require\""), "the ways of a sandbox are named");
}
