//! What rules allow.

use crate::config::parse_role;

use super::*;

fn role(rules: &[&str]) -> Arc<Role> {
    let rules: Vec<_> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    Arc::new(Role::new("tested", &parse_role(&rules).unwrap()).unwrap())
}

fn access(rules: &[&str]) -> Access {
    Access::new(role(rules), None)
}

const fn script<'a>(project: &'a str, script: &'a str) -> Target<'a> {
    Target::Script { project, script }
}

#[test]
fn what_no_rule_allows_is_denied() {
    let access = access(&[]);
    for verb in Verb::ALL {
        assert!(!access.allows(verb, script("site", "dev")), "{verb}");
        assert!(!access.allows(verb, Target::System), "{verb}");
    }
}

#[test]
fn deny_goes_before_allow_in_whatever_order() {
    for rules in [["all", "deny start on site/secret*"], ["deny start on site/secret*", "all"]] {
        let access = access(&rules);
        assert!(!access.allows(Verb::Start, script("site", "secret-job")));
        assert!(access.allows(Verb::Stop, script("site", "secret-job")));
        assert!(access.allows(Verb::Start, script("api", "secret-job")));
        assert!(!access.allows_all(Verb::Start));
        assert!(access.allows_all(Verb::Stop));
    }
}

#[test]
fn a_pattern_is_about_project_and_script() {
    let access = access(&["start on @acme/*/build:* lint"]);
    for (project, name, allowed) in [
        ("@acme/web", "build:prod", true),
        ("@acme/web", "build", false),
        ("@other/web", "build:prod", false),
        ("@other/web", "lint", true),
        ("site", "lint:fix", false),
    ] {
        assert_eq!(access.allows(Verb::Start, script(project, name)), allowed, "{project}/{name}");
    }
    assert!(!access.allows(Verb::Start, Target::System));
    assert!(!access.allows_all(Verb::Start));
}

#[test]
fn a_script_whose_name_has_a_slash_is_reached_by_its_pattern() {
    let allowed = access(&["start on site/test/unit"]);
    assert!(allowed.allows(Verb::Start, script("site", "test/unit")));
    assert!(!allowed.allows(Verb::Start, script("site", "unit")));
    assert!(!allowed.allows(Verb::Start, script("other", "test/unit")));
    // Above all what is taken away is.
    let denied = access(&["start", "deny start on site/deploy/* @acme/web/db/drop"]);
    assert!(!denied.allows(Verb::Start, script("site", "deploy/prod")));
    assert!(!denied.allows(Verb::Start, script("@acme/web", "db/drop")));
    assert!(denied.allows(Verb::Start, script("site", "deploy")));
}

#[test]
fn a_scope_only_narrows() {
    let access = Access::new(role(&["view start on site/*"]), Some(role(&["all on site/test"])));
    assert!(access.allows(Verb::Start, script("site", "test")));
    assert!(!access.allows(Verb::Start, script("site", "dev")));
    assert!(!access.allows(Verb::Stop, script("site", "test")));
    assert!(!access.allows(Verb::Admin, Target::System));
    assert_eq!(access.verbs(script("site", "test")), [Verb::View, Verb::Start]);
}

#[test]
fn built_in_roles_are_as_documented() {
    let policy = Policy::new(&RolesConfig::default()).unwrap();
    let of = |name: &str, target| Access::new(policy.role(name).unwrap(), None).verbs(target);
    let run = [Verb::View, Verb::ReadLogs, Verb::Start, Verb::Stop];
    assert_eq!(of("admin", Target::System), Verb::ALL);
    assert_eq!(of("operator", script("site", "dev")), run);
    assert_eq!(of("user", script("site", "test")), run);
    assert_eq!(of("user", script("site", "dev")), []);
    assert_eq!(of("viewer", script("site", "dev")), [Verb::View, Verb::ReadLogs]);
    assert!(policy.role("root").is_none());
}

#[test]
fn a_pattern_that_is_no_glob_is_told() {
    let mut config = parse_role(&["start on site/x".to_owned()]).unwrap();
    config.rules[0].patterns[0].1 = "[".to_owned();
    let error = Role::new("r", &config).unwrap_err().to_string();
    assert!(error.starts_with("role r: the pattern \"[\" cannot be read"), "{error}");
}
