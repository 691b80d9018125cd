//! What of which environment a child is given.

use proptest::prelude::*;

use super::super::environment::EnvRules;
use super::*;

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn build(
    allow: &[&str],
    base: &[(&str, &str)],
    start: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, PlanError> {
    let allow: Vec<_> = allow.iter().map(|pattern| (*pattern).to_owned()).collect();
    EnvRules::new(&allow).build(&map(base), &map(start))
}

#[test]
fn the_base_is_clean() {
    let base = [
        ("PATH", "/bin"),
        ("HOME", "/home/ann"),
        ("LANG", "de_DE.UTF-8"),
        ("SECRET", "s"),
        ("CI", "1"),
        ("RUNYARD_SERVER__DATABASE", "d"),
        ("LD_PRELOAD", "x"),
        ("NODE_OPTIONS", "--trace-gc"),
    ];
    let env = build(&["CI", "NODE_*", "RUNYARD_*"], &base, &[]).unwrap();
    let expected = [
        ("CI", "1"),
        ("HOME", "/home/ann"),
        ("LANG", "de_DE.UTF-8"),
        ("NODE_ENV", "production"),
        ("NODE_OPTIONS", "--trace-gc"),
        ("PATH", "/bin"),
    ];
    assert_eq!(env, map(&expected));
}

#[test]
fn defaults_stand_in_and_yield_to_what_is_said() {
    let env = build(&[], &[("PATH", ""), ("NODE_ENV", "test")], &[]).unwrap();
    let expected =
        [("LANG", "C.UTF-8"), ("NODE_ENV", "production"), ("PATH", "/usr/local/bin:/usr/bin:/bin")];
    assert_eq!(env, map(&expected));
    let node_env = |base: &[(&str, &str)], start: &[(&str, &str)]| {
        build(&["NODE_*"], base, start).unwrap().remove("NODE_ENV").unwrap()
    };
    assert_eq!(node_env(&[("NODE_ENV", "test")], &[]), "test");
    assert_eq!(node_env(&[("NODE_ENV", "test")], &[("NODE_ENV", "development")]), "development");
}

#[test]
fn a_start_sets_only_what_the_list_names() {
    let refused =
        |allow: &[&str], name: &str| build(allow, &[], &[(name, "x")]).unwrap_err().to_string();
    assert_eq!(
        refused(&["CI", "NODE_*"], "SECRET"),
        "the environment variable \"SECRET\" cannot be set: run.env_allow lets through CI, NODE_*"
    );
    for name in ["PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "RUNYARD_X"] {
        assert!(refused(&["*", name], name).contains("which programs run"), "{name}");
    }
    for name in [
        "NODE_OPTIONS",
        "NODE_COMPILE_CACHE",
        "NPM_CONFIG_SCRIPT_SHELL",
        // npm reads its settings in any case.
        "NPM_CONFIG_script_shell",
        "npm_config_node_options",
        "NPM_CONFIG_USERCONFIG",
        "yarn_script_shell",
        "BUN_OPTIONS",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "PYTHONBREAKPOINT",
        "PERL5DB",
        "PERL5LIB",
        "RUBYOPT",
        "RUBYSHELL",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_KEY_0",
        "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND",
        "GIT_SSH_COMMAND",
        "git_ssh",
        "YARN_YARN_PATH",
        "YARN_NODE_LINKER",
        "yarn_registry",
        "YARN_NPM_REGISTRY_SERVER",
        "YARN_NPM_AUTH_TOKEN",
        "YARN_PNP_DATA_PATH",
        "YARN_PNPM_STORE_FOLDER",
        "YARN_PNPFALLBACK_MODE",
        "YARN_IGNORE_PATH",
        "YARN_ENABLE_SCRIPTS",
        "YARN_HTTPS_PROXY",
        "YARN_CONFIG_ANY",
    ] {
        assert!(refused(&["*"], name).contains("name it in full"), "{name}");
        assert_eq!(build(&[name], &[], &[(name, "x")]).unwrap()[name], "x");
    }
    for name in [
        "NODE_ENV",
        "NPM_TOKEN",
        "YARN_HTTP_TIMEOUT",
        "YARN_ENABLE_COLORS",
        "YARN_ANYTHING_ELSE",
        "PYTHONUNBUFFERED",
        "RUBICON",
    ] {
        assert_eq!(build(&["*"], &[], &[(name, "x")]).unwrap()[name], "x");
    }
    for name in ["", "A B", "1A", "A=B", "É", "A\0"] {
        assert!(refused(&["*"], name).contains("letters, digits and _"), "{name}");
    }
}

#[test]
fn values_that_no_process_can_have() {
    let code = |value: &str| build(&["A"], &[], &[("A", value)]).map_err(|error| error.code());
    assert_eq!(code("a\0b").unwrap_err(), "env_value_invalid");
    assert_eq!(code(&"a".repeat((32 << 10) + 1)).unwrap_err(), "env_value_invalid");
    assert!(code("any text;\n $(id)").is_ok());
}

proptest! {
    /// Nothing of ours passes that is neither basic nor on the list.
    #[test]
    fn only_listed_names_pass(names in proptest::collection::btree_set("[A-Z_]{1,9}", 0..20)) {
        let base: BTreeMap<_, _> = names.iter().map(|name| (name.clone(), "v".to_owned())).collect();
        let rules = EnvRules::new(&RunConfig::default().env_allow);
        for name in rules.build(&base, &BTreeMap::new()).unwrap().keys() {
            let basic = ["PATH", "HOME", "LANG", "CI", "PORT", "FORCE_COLOR"].contains(&name.as_str());
            let listed = ["NODE_", "NPM_", "YARN_", "BUN_"].iter().any(|p| name.starts_with(p));
            prop_assert!(basic || listed, "{name} passed");
        }
    }
}
