//! `[roles]`: who may do what, as rules in words.
//!
//! Each key is a role and its value a list of rules: `VERB... [on PATTERN...]`, `deny VERB... [on
//! PATTERN...]`, or `starts-per-minute NUMBER`. A pattern is `PROJECT/SCRIPT` or a script alone, and
//! `*` in it is any text; without one, a rule is about everything. Deny goes before allow.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use app::model::Verb;
use globset::Glob;

use super::Invalid;
use super::key::Key;
use super::setting::{Rejected, Setting};

/// One rule of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleConfig {
    /// Whether it takes away what other rules give.
    pub deny: bool,
    /// What it is about.
    pub verbs: Vec<Verb>,
    /// On which scripts: project and script, with `*` for any text; empty for everything.
    pub patterns: Vec<(String, String)>,
}

/// A role as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleConfig {
    /// In the order they were written.
    pub rules: Vec<RuleConfig>,
    /// Starts in any minute; `None`: as `limits.starts_per_minute` says.
    pub starts_per_minute: Option<u32>,
}

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolesConfig {
    /// By name: the built-in ones, unless they were replaced, and those of the configuration.
    pub roles: BTreeMap<String, RoleConfig>,
}

impl Default for RolesConfig {
    fn default() -> Self {
        let everything = |verbs: &[Verb]| RuleConfig {
            deny: false,
            verbs: verbs.to_vec(),
            patterns: Vec::new(),
        };
        let role = |rule| RoleConfig { rules: vec![rule], starts_per_minute: None };
        let read = [Verb::View, Verb::ReadLogs];
        let run = [Verb::View, Verb::ReadLogs, Verb::Start, Verb::Stop];
        let any = |script: &str| ("*".to_owned(), script.to_owned());
        let user = RuleConfig { patterns: vec![any("test"), any("lint")], ..everything(&run) };
        let roles = [
            ("admin", role(everything(&Verb::ALL))),
            ("operator", role(everything(&run))),
            ("user", role(user)),
            ("viewer", role(everything(&read))),
        ];
        Self { roles: roles.map(|(name, role)| (name.to_owned(), role)).into() }
    }
}

impl RolesConfig {
    /// The one role that cannot be another: somebody must be able to put the rest right.
    pub const ADMIN: &str = "admin";
    pub(super) const SECTION: &str = "roles";
    /// Any name may be a role's.
    pub(super) const KEYS: &[Key] = &[];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        check_name(&setting.key).map_err(Rejected::BadValue)?;
        let role = parse_role(&setting.list()?).map_err(Rejected::BadValue)?;
        self.roles.insert(setting.key.clone(), role);
        Ok(())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// Another `admin`.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.roles.get(Self::ADMIN) != Self::default().roles.get(Self::ADMIN) {
            let message = "admin is built in and cannot be another: give the role another name";
            return Err(Invalid { key: Self::ADMIN, message: message.to_owned() });
        }
        Ok(())
    }
}

/// What a token, an address and an environment variable can carry.
fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if (1..=40).contains(&name.len()) && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!("{name:?} is no name of a role: 1 to 40 of a-z, 0-9, - and _"))
}

/// A role from its rules in words.
///
/// # Errors
/// What is wrong and what would be right.
pub fn parse_role(rules: &[String]) -> Result<RoleConfig, String> {
    let mut role = RoleConfig::default();
    for rule in rules {
        if let Some(number) = rule.trim().strip_prefix("starts-per-minute ") {
            let number = number.trim().parse().ok().filter(|n| (1..=1_000_000).contains(n));
            let number = number.ok_or_else(|| {
                format!("{rule:?}: expected starts-per-minute and a number from 1 to 1000000")
            })?;
            role.starts_per_minute = Some(number);
        } else {
            role.rules.push(rule.parse()?);
        }
    }
    Ok(role)
}

impl FromStr for RuleConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace().peekable();
        let deny = words.next_if_eq(&"deny").is_some();
        let mut verbs = Vec::new();
        for word in words.by_ref().take_while(|word| *word != "on") {
            match word {
                "all" => verbs.extend(Verb::ALL),
                verb => verbs.push(verb.parse().map_err(|why| format!("{text:?}: {why}"))?),
            }
        }
        let patterns: Vec<_> = words.map(split_pattern).collect();
        let has_on = text.split_whitespace().any(|word| word == "on");
        if verbs.is_empty() || (has_on && patterns.is_empty()) {
            return Err(format!(
                "{text:?} is no rule: write it as \"view read-logs on site/test*\", with deny \
                 before it to take away, and without on for everything"
            ));
        }
        for pattern in patterns.iter().flat_map(|(project, script)| [project, script]) {
            Glob::new(pattern).map_err(|error| format!("{text:?}: {error}"))?;
        }
        Ok(Self { deny, verbs, patterns })
    }
}

impl fmt::Display for RuleConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.deny {
            f.write_str("deny ")?;
        }
        let verbs: Vec<_> = self.verbs.iter().map(|verb| verb.as_str()).collect();
        let is_all = Verb::ALL.iter().all(|verb| self.verbs.contains(verb));
        f.write_str(&if is_all { "all".to_owned() } else { verbs.join(" ") })?;
        if !self.patterns.is_empty() {
            f.write_str(" on")?;
        }
        self.patterns.iter().try_for_each(|(project, script)| match project.as_str() {
            "*" => write!(f, " {script}"),
            project => write!(f, " {project}/{script}"),
        })
    }
}

/// `PROJECT/SCRIPT` at its last slash, since names of projects may have one.
fn split_pattern(pattern: &str) -> (String, String) {
    let (project, script) = pattern.rsplit_once('/').unwrap_or(("*", pattern));
    (project.to_owned(), script.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(project: &str, script: &str) -> (String, String) {
        (project.to_owned(), script.to_owned())
    }

    #[test]
    fn a_rule_is_read_from_words() {
        let rule: RuleConfig = "view read-logs on @acme/web/build:* lint".parse().unwrap();
        assert!(!rule.deny);
        assert_eq!(rule.verbs, [Verb::View, Verb::ReadLogs]);
        assert_eq!(rule.patterns, [pattern("@acme/web", "build:*"), pattern("*", "lint")]);
        let rule: RuleConfig = "deny all".parse().unwrap();
        assert!(rule.deny && rule.patterns.is_empty());
        assert_eq!(rule.verbs, Verb::ALL);
        for text in ["view read-logs on @acme/web/build:* lint", "deny all", "start on site/x"] {
            assert_eq!(text.parse::<RuleConfig>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rule_is_told_with_what_would_be() {
        for (text, words) in [
            ("", "is no rule"),
            ("deny", "is no rule"),
            ("on x", "is no rule"),
            ("start on", "is no rule"),
            ("start on site/[", "unclosed character class"),
            ("run on x", "\"run\" is no verb: one of view, read-logs"),
        ] {
            let error = text.parse::<RuleConfig>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let error = parse_role(&["starts-per-minute 0".to_owned()]).unwrap_err();
        assert!(error.contains("1 to 1000000"), "{error}");
    }

    #[test]
    fn run_never_implies_edit() {
        let roles = RolesConfig::default().roles;
        for name in ["operator", "user", "viewer"] {
            let verbs = roles[name].rules.iter().flat_map(|rule| &rule.verbs);
            assert!(!verbs.into_iter().any(|v| matches!(v, Verb::Edit | Verb::Admin)), "{name}");
        }
    }
}
