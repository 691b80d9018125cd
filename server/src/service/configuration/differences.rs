//! What reading the file again would change, in the words of the file and without its secrets.

use app::model::{ChangeKind, ConfigChange, ConfigDiff, SECRET_COVER as COVER};
use sha2::{Digest as _, Sha256};

use super::slots_of;
use crate::config::{Config, ProcessConfig, RunConfig, Secret};
use crate::project::SecretNames;

/// What another configuration changes. The version is another one for each `salt`.
pub(super) fn compare(before: &Config, after: &Config, salt: u64) -> ConfigDiff {
    let mut changes = Vec::new();
    let names: std::collections::BTreeSet<&String> =
        before.processes.keys().chain(after.processes.keys()).collect();
    for name in names {
        let mut both = [before, after].map(|config| config.processes.get(name).cloned());
        cover_secrets(&before.run, &mut both);
        let [old, new] = both.map(|config| lines(config.as_ref()));
        changes.extend(change(&format!("process.{name}"), old, new));
    }
    let pools = |config: &Config| {
        let slots = slots_of(config).into_iter().map(|(name, slots)| format!("{name} = {slots}"));
        Some(slots.collect())
    };
    changes.extend(change("pools", pools(before), pools(after)));
    let sections = [
        ("server", before.server == after.server),
        ("run", before.run == after.run),
        (
            "limits",
            before.limits
                == crate::config::LimitsConfig {
                    max_jobs: before.limits.max_jobs,
                    ..after.limits.clone()
                },
        ),
        ("auth", before.auth == after.auth),
        ("oidc", before.oidc == after.oidc),
        ("audit", before.audit == after.audit),
        ("logs", before.logs == after.logs),
        ("roles", before.roles == after.roles),
    ];
    let changed = sections.into_iter().filter(|(_, is_same)| !is_same);
    let needs_restart: Vec<String> = changed.map(|(name, _)| name.to_owned()).collect();
    let secrets = after.processes.values().flat_map(|process| process.env_secrets.values());
    let secrets: Vec<&str> = secrets.map(Secret::text).collect();
    let digest =
        Sha256::digest(format!("{:?}", (salt, &after.processes, slots_of(after), secrets)));
    let version = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    ConfigDiff { changes, needs_restart, version }
}

/// Takes the secrets out of what will be shown, before and after; whether they changed is still seen.
fn cover_secrets(run: &RunConfig, configs: &mut [Option<ProcessConfig>; 2]) {
    let own = configs.iter().flatten().flat_map(|config| &config.secret_env);
    let names: Vec<String> = run.secret_env.iter().chain(own).cloned().collect();
    let names = SecretNames::new(&names);
    let old = configs[0].clone().unwrap_or_default();
    for config in configs.iter_mut().flatten() {
        for (name, value) in config.env.iter_mut().filter(|(name, _)| names.has(name)) {
            let is_other = old.env.get(name).is_some_and(|before| before != value);
            *value = format!("{COVER}{}", if is_other { " (another)" } else { "" });
        }
        for (name, path) in &mut config.env_file {
            let (before, now) = (old.env_secrets.get(name), config.env_secrets.get(name));
            if before.is_some_and(|before| now.is_some_and(|now| now != before)) {
                path.as_mut_os_string().push(" (another)");
            }
        }
    }
}

fn lines(config: Option<&ProcessConfig>) -> Option<Vec<String>> {
    let text = toml::to_string(config?).unwrap_or_default();
    Some(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn change(
    name: &str,
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
) -> Option<ConfigChange> {
    let kind = match (&before, &after) {
        (Some(before), Some(after)) if before == after => return None,
        (None, None) => return None,
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Removed,
        (Some(_), Some(_)) => ChangeKind::Changed,
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let come = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    Some(ConfigChange { name: name.to_owned(), kind, lines: gone.chain(come).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Sources};

    fn compare(before: &Config, after: &Config) -> ConfigDiff {
        super::compare(before, after, 7)
    }

    fn config(toml: &str) -> Config {
        config_in(&tempfile::tempdir().unwrap(), toml)
    }

    fn config_in(folder: &tempfile::TempDir, toml: &str) -> Config {
        std::fs::write(folder.path().join("runyard.toml"), toml).unwrap();
        let current_dir = folder.path().to_owned();
        let config = Config::load(Sources { current_dir, env: vec![], flags: Flags::default() });
        let mut config = config.unwrap();
        config.server.data_dir = "/data".into();
        config
    }

    #[test]
    fn differences_are_told_by_process_and_line() {
        let before = config(
            "[limits]\nmax_jobs = 3\n[process.a]\nscript = \"x\"\n[process.b]\nscript = \"y\"\n\
             env = { A = \"1\" }\n",
        );
        let after = config(
            "[limits]\nmax_jobs = 4\nmax_buffer = 9\n[pools]\nbuilds = 2\n[process.b]\nscript = \
             \"y\"\nautostart = true\nenv = { A = \"2\" }\n[process.c]\nscript = \"z\"\n",
        );
        let diff = compare(&before, &after);
        let kinds: Vec<_> =
            diff.changes.iter().map(|change| (change.name.as_str(), change.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("process.a", ChangeKind::Removed),
                ("process.b", ChangeKind::Changed),
                ("process.c", ChangeKind::Added),
                ("pools", ChangeKind::Changed),
            ]
        );
        let lines = &diff.changes[1].lines;
        assert_eq!(
            lines,
            &["- autostart = false", "- A = \"1\"", "+ autostart = true", "+ A = \"2\""]
        );
        assert_eq!(diff.needs_restart, ["limits"]);
        let same = compare(&after, &after);
        assert_eq!((same.changes.len(), same.needs_restart.len()), (0, 0));
        assert_eq!(same.version, diff.version);
        assert_ne!(compare(&after, &before).version, diff.version);
    }

    #[test]
    fn another_text_in_a_file_is_a_difference() {
        let toml = "[process.a]\nscript = \"x\"\nenv_file = { A = \"secret\" }\n";
        let with = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("secret"), text).unwrap();
            config_in(&folder, toml)
        };
        let (one, other) = (with("hunter2"), with("hunter3"));
        let diff = compare(&one, &other);
        assert_eq!(diff.changes[0].lines, ["- A = \"secret\"", "+ A = \"secret (another)\""]);
        assert_ne!(diff.version, compare(&other, &one).version);
        assert_ne!(
            diff.version,
            super::compare(&one, &other, 8).version,
            "no guess can be tried on it"
        );
        assert!(compare(&one, &one).changes.is_empty());
    }

    #[test]
    fn a_secret_is_not_among_the_differences() {
        let toml = |token: &str, plain: &str| {
            let env = format!("env = {{ API_TOKEN = \"{token}\", PLAIN = \"{plain}\" }}");
            config(&format!("[process.a]\nscript = \"x\"\n{env}\n"))
        };
        let lines = |before: &Config, after: &Config| {
            let diff = compare(before, after);
            diff.changes.into_iter().flat_map(|change| change.lines).collect::<Vec<_>>()
        };
        let other = lines(&toml("hunter2", "1"), &toml("hunter3", "1"));
        assert_eq!(other, ["- API_TOKEN = \"***\"", "+ API_TOKEN = \"*** (another)\""]);
        let same = lines(&toml("hunter2", "1"), &toml("hunter2", "2"));
        assert_eq!(same, ["- PLAIN = \"1\"", "+ PLAIN = \"2\""]);
        // What is called a secret today was none yesterday.
        let mut marked = toml("hunter2", "2");
        marked.processes.get_mut("a").unwrap().secret_env = vec!["PLAIN".into()];
        let told = lines(&toml("hunter2", "1"), &marked).join("\n");
        assert!(told.contains("+ PLAIN = \"*** (another)\"") && !told.contains('1'), "{told}");
    }
}
