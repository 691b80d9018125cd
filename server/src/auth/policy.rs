//! Who may do what.
//!
//! A [`Role`] is a list of rules on patterns of project and script; a [`Policy`] has all roles. What
//! one who asks may do is an [`Access`]: a role, narrowed by a token's scope where there is one.
//! Deny goes before allow, and what no rule allows is denied.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use app::model::Verb;
use globset::{Glob, GlobMatcher};

use crate::config::{RoleConfig, RolesConfig, RuleConfig};

/// What an act is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Runyard as a whole: only rules about everything reach it.
    System,
    /// A script, and the processes that were started from it.
    Script {
        /// The project's name.
        project: &'a str,
        /// The script's name.
        script: &'a str,
    },
}

/// A rule whose patterns cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("role {role}: the pattern {pattern:?} cannot be read: {why}")]
pub struct PatternError {
    role: String,
    pattern: String,
    why: String,
}

#[derive(Clone, Debug)]
struct Rule {
    deny: bool,
    verbs: Vec<Verb>,
    /// Empty for everything.
    patterns: Vec<(GlobMatcher, GlobMatcher)>,
}

/// What the people and programs that have it may do.
#[derive(Clone, Debug)]
pub struct Role {
    name: String,
    rules: Vec<Rule>,
    starts_per_minute: Option<u32>,
    /// As they were written.
    words: Vec<String>,
}

/// Every role by its name.
#[derive(Clone, Debug)]
pub struct Policy {
    roles: BTreeMap<String, Arc<Role>>,
}

/// What one who asks may do.
#[derive(Clone)]
pub struct Access {
    role: Arc<Role>,
    scope: Option<Arc<Role>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({}, narrowed: {})", self.role.name, self.scope.is_some())
    }
}

impl Policy {
    /// The policy of a configuration.
    ///
    /// # Errors
    /// A pattern that is no glob.
    pub fn new(config: &RolesConfig) -> Result<Self, PatternError> {
        let role = |(name, role)| Ok((String::clone(name), Arc::new(Role::new(name, role)?)));
        Ok(Self { roles: config.roles.iter().map(role).collect::<Result<_, _>>()? })
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Arc<Role>> {
        self.roles.get(name).map(Arc::clone)
    }

    /// Every role, by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values().map(AsRef::as_ref)
    }
}

impl Role {
    /// A role from its configuration.
    ///
    /// # Errors
    /// A pattern that is no glob.
    pub fn new(name: &str, config: &RoleConfig) -> Result<Self, PatternError> {
        let rules =
            config.rules.iter().map(|rule| compile(name, rule)).collect::<Result<_, _>>()?;
        Ok(Self {
            name: name.to_owned(),
            rules,
            starts_per_minute: config.starts_per_minute,
            words: config.rules.iter().map(ToString::to_string).collect(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rules, in the words of the configuration.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        self.words.clone()
    }

    /// Starts in any minute, where the role has a limit of its own.
    #[must_use]
    pub fn starts_per_minute(&self) -> Option<u32> {
        self.starts_per_minute
    }

    fn allows(&self, verb: Verb, target: Target<'_>) -> bool {
        let about = |rule: &&Rule| rule.verbs.contains(&verb) && rule.matches(target);
        let mut allowed = false;
        for rule in self.rules.iter().filter(about) {
            if rule.deny {
                return false;
            }
            allowed = true;
        }
        allowed
    }

    /// Whether every target is allowed, so that nothing needs to be looked at.
    fn allows_all(&self, verb: Verb) -> bool {
        let mut about = self.rules.iter().filter(|rule| rule.verbs.contains(&verb));
        about.clone().any(|rule| rule.patterns.is_empty()) && !about.any(|rule| rule.deny)
    }
}

impl Rule {
    fn matches(&self, target: Target<'_>) -> bool {
        if self.patterns.is_empty() {
            return true;
        }
        let Target::Script { project, script } = target else { return false };
        let fits = |(projects, scripts): &(GlobMatcher, GlobMatcher)| {
            projects.is_match(project) && scripts.is_match(script)
        };
        self.patterns.iter().any(fits)
    }
}

fn compile(role: &str, rule: &RuleConfig) -> Result<Rule, PatternError> {
    let glob = |pattern: &str| {
        let failed = |error: globset::Error| PatternError {
            role: role.to_owned(),
            pattern: pattern.to_owned(),
            why: error.kind().to_string(),
        };
        Glob::new(pattern).map(|glob| glob.compile_matcher()).map_err(failed)
    };
    let mut patterns = Vec::new();
    for (project, script) in &rule.patterns {
        patterns.push((glob(project)?, glob(script)?));
        // The name of a script may have a slash as well as that of a project.
        let whole = format!("{project}/{script}");
        let others = whole.match_indices('/').filter(|(at, _)| *at != project.len());
        for (at, _) in others {
            if let (Ok(project), Ok(script)) = (glob(&whole[..at]), glob(&whole[at + 1..])) {
                patterns.push((project, script));
            }
        }
    }
    Ok(Rule { deny: rule.deny, verbs: rule.verbs.clone(), patterns })
}

impl Access {
    /// All that `role` gives, and nothing outside of `scope`.
    #[must_use]
    pub fn new(role: Arc<Role>, scope: Option<Arc<Role>>) -> Self {
        Self { role, scope }
    }

    /// Whether `verb` may be done to `target`.
    #[must_use]
    pub fn allows(&self, verb: Verb, target: Target<'_>) -> bool {
        self.role.allows(verb, target)
            && self.scope.as_ref().is_none_or(|scope| scope.allows(verb, target))
    }

    /// Whether `verb` may be done to every script there is or will be.
    #[must_use]
    pub fn allows_all(&self, verb: Verb) -> bool {
        self.role.allows_all(verb) && self.scope.as_ref().is_none_or(|scope| scope.allows_all(verb))
    }

    /// What may be done to `target`.
    #[must_use]
    pub fn verbs(&self, target: Target<'_>) -> Vec<Verb> {
        Verb::ALL.into_iter().filter(|verb| self.allows(*verb, target)).collect()
    }

    /// The role's name.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }
}

#[cfg(test)]
mod tests;
