//! What of a plan may be shown to those who may see its process.

use app::model::{ConfigurationValue, ProcessConfiguration, ProcessType, SECRET_COVER as COVER};
use serde_json::Value;

use super::confine::Confined;
use super::signal::signal_name;
use super::{LaunchPlan, strategy::Strategy};

/// Variables whose values say how a program runs and cannot be a secret. Of all others only the name
/// is told: what is a secret cannot be seen from outside.
const TOLD: [&str; 18] = [
    "CI",
    "COLUMNS",
    "FORCE_COLOR",
    "HOME",
    "INIT_CWD",
    "LANG",
    "LINES",
    "NODE_ENV",
    "NO_COLOR",
    "PATH",
    "PORT",
    "RUNYARD_REPLICA",
    "RUNYARD_RUN",
    "TERM",
    "TZ",
    "npm_lifecycle_event",
    "npm_package_name",
    "npm_package_version",
];

impl LaunchPlan {
    /// The plan for people, without what may be a secret.
    #[must_use]
    pub fn describe(&self) -> ProcessConfiguration {
        let env = self.env.iter().map(|(name, value)| ConfigurationValue {
            name: name.clone(),
            value: TOLD.contains(&name.as_str()).then(|| value.clone()),
        });
        let mut rules = rules_of(&self.strategy, self.kind);
        if let Ok(limits) = serde_json::to_value(self.limits) {
            flatten("limits".to_owned(), limits, &mut rules);
        }
        let rules = rules.into_iter().map(|rule| {
            let value = rule.value.map(|value| self.cover(&value));
            ConfigurationValue { value, ..rule }
        });
        let kept_from = self.confined.iter().flat_map(Confined::rules);
        let kept_from = kept_from
            .map(|(name, value)| ConfigurationValue { name: name.to_owned(), value: Some(value) });
        ProcessConfiguration {
            command_line: self.cover(&self.command_line),
            program: self.program.display().to_string(),
            argv: self.shown_argv(),
            cwd: self.cwd.display().to_string(),
            kind: self.kind,
            declared: self.strategy.declared.as_ref().map(|declared| declared.name.clone()),
            kill_signal: signal_name(self.kill_signal),
            timeout_ms: self.timeout_ms,
            max_buffer: self.max_buffer,
            rules: rules.chain(kept_from).collect(),
            env: env.collect(),
            config_hash: None,
        }
    }

    /// A shell has its arguments quoted, so a secret among them cannot be told from the rest.
    fn shown_argv(&self) -> Vec<String> {
        if self.has_secrets() && self.args.iter().any(|arg| arg.ends_with(COVER)) {
            let name = self.argv.first().cloned().unwrap_or_default();
            return vec![name, COVER.to_owned()];
        }
        self.argv.iter().map(|arg| self.cover(arg)).collect()
    }

    /// The text without the plan's secrets.
    fn cover(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, COVER))
    }
}

/// The rules that count for this kind of process, each under the name that it has in a file.
fn rules_of(strategy: &Strategy, kind: ProcessType) -> Vec<ConfigurationValue> {
    // Who it is stands elsewhere; and a job is not started again, a service has no retries.
    let left_out: &[&str] = match kind {
        ProcessType::ShortLived => &["declared", "is_told", "restart", "breaker"],
        ProcessType::LongRunning => &["declared", "is_told", "retries"],
    };
    let mut rules = Vec::new();
    if let Ok(Value::Object(keys)) = serde_json::to_value(strategy) {
        let counts = |(name, value): &(String, Value)| {
            !left_out.contains(&name.as_str()) && (name != "priority" || *value != 0)
        };
        for (name, value) in keys.into_iter().filter(counts) {
            flatten(name, value, &mut rules);
        }
    }
    rules
}

/// `restart: {when: …}` becomes `restart.when`; what is not set is left out.
fn flatten(name: String, value: Value, rules: &mut Vec<ConfigurationValue>) {
    let text = match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                flatten(format!("{name}.{key}"), value, rules);
            }
            return;
        }
        Value::Null | Value::Bool(false) => return,
        Value::Array(items) if items.is_empty() => return,
        Value::String(text) => text,
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
        other => other.to_string(),
    };
    rules.push(ConfigurationValue { name, value: Some(text) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TreeLimits;

    fn plan(strategy: Strategy, kind: ProcessType) -> LaunchPlan {
        LaunchPlan {
            project: "site".into(),
            script: "dev".into(),
            folder: "/p".into(),
            kind,
            program: "/bin/sh".into(),
            argv: vec!["sh".into(), "-c".into(), "vite".into()],
            cwd: "/p".into(),
            env: [("PORT", "3000"), ("NPM_TOKEN", "s3cret"), ("NODE_OPTIONS", "--x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            kill_signal: libc::SIGINT,
            timeout_ms: Some(60_000),
            max_buffer: None,
            limits: TreeLimits { max_pids: Some(9), ..TreeLimits::default() },
            command_line: "vite".into(),
            args: vec![],
            secrets: vec!["s3cret".into()],
            confined: None,
            strategy,
        }
    }

    fn rule<'a>(shown: &'a ProcessConfiguration, name: &str) -> Option<&'a str> {
        let found = shown.rules.iter().find(|rule| rule.name == name);
        found.and_then(|rule| rule.value.as_deref())
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_told() {
        let shown = plan(Strategy::default(), ProcessType::ShortLived).describe();
        assert_eq!(rule(&shown, "limits.max_pids"), Some("9"));
        let env: Vec<_> =
            shown.env.iter().map(|one| (one.name.as_str(), one.value.as_deref())).collect();
        assert_eq!(env, [("NODE_OPTIONS", None), ("NPM_TOKEN", None), ("PORT", Some("3000"))]);
        assert!(!serde_json::to_string(&shown).unwrap().contains("s3cret"));
    }

    #[test]
    fn a_secret_is_covered_wherever_it_stands() {
        let mut with = plan(Strategy::default(), ProcessType::ShortLived);
        (with.argv[2], with.command_line) = ("vite --key s3cret".into(), "vite s3cret".into());
        let shown = with.describe();
        assert_eq!(shown.argv, ["sh", "-c", "vite --key ***"]);
        assert_eq!(shown.command_line, "vite ***");
        // Quoted, it would not be found.
        with.args = vec!["--key".into(), "***".into()];
        assert_eq!(with.describe().argv, ["sh", "***"]);
    }

    #[test]
    fn rules_have_the_names_of_the_file_and_only_those_that_count() {
        let service = plan(Strategy::plain(true), ProcessType::LongRunning).describe();
        assert_eq!(rule(&service, "restart.when"), Some("on-failure"));
        assert_eq!(rule(&service, "restart.reset_after_s"), Some("30"));
        assert_eq!(rule(&service, "breaker.failures"), Some("5"));
        assert_eq!(rule(&service, "pool"), None);
        let strategy =
            Strategy { pool: Some("builds".into()), tty: Some((80, 24)), ..Strategy::default() };
        let job = plan(strategy, ProcessType::ShortLived).describe();
        assert_eq!(rule(&job, "pool"), Some("builds"));
        assert_eq!(rule(&job, "tty"), Some("[80,24]"));
        assert_eq!(rule(&job, "restart.when"), None);
        assert_eq!((job.kill_signal.as_str(), job.timeout_ms), ("SIGINT", Some(60_000)));
    }
}
