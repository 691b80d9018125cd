//! What the types cannot say: what goes together, and what is there.

use std::collections::BTreeMap;

use super::graph::find_cycle;
use super::{Declaration, Kind, ProbeConfig, ProcessConfig, Schedule, TreeLimits};
use crate::config::ConfigError;
use crate::config::suggest::suggest;

/// A key of a process that does not fit, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key in the process.
    pub key: &'static str,
    /// What was given and what would be right.
    pub message: String,
}

fn wrong<T>(key: &'static str, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { key, message: message.into() })
}

/// More of one process is a mistake, and each needs a port.
const MOST_REPLICAS: u32 = 1_000;

/// Every process by name, when all of them fit, also to each other. `pools` are the known ones, and
/// `bounds` what any tree may use.
pub(in crate::config) fn validate_all(
    declarations: &[Declaration],
    pools: &[&str],
    bounds: TreeLimits,
) -> Result<BTreeMap<String, ProcessConfig>, ConfigError> {
    let names: Vec<&str> = declarations.iter().map(|one| one.name.as_str()).collect();
    for one in declarations {
        let checked = one.config.validate(pools).and_then(|()| check_names(one, &names));
        let checked = checked.and_then(|()| check_bounds(one, bounds));
        checked.map_err(|wrong| one.refuse(wrong))?;
    }
    let processes: BTreeMap<_, _> =
        declarations.iter().map(|one| (one.name.clone(), one.config.clone())).collect();
    if let Some(cycle) = find_cycle(&processes) {
        let first = declarations.iter().find(|one| cycle.first() == Some(&one.name));
        let origin = first.and_then(|one| one.keys.get("depends_on"));
        return Err(ConfigError::BadValue {
            origin: origin.map(ToString::to_string).unwrap_or_default(),
            key: format!("process.{}.depends_on", cycle.first().map_or("", String::as_str)),
            message: format!(
                "these wait for each other, so none could start: {}; take one of them out",
                cycle.join(" → ")
            ),
        });
    }
    Ok(processes)
}

fn check_bounds(one: &Declaration, bounds: TreeLimits) -> Result<(), Wrong> {
    let asked = one.config.limits.unwrap_or_default();
    asked.within(bounds).map(|_| ()).map_err(in_limits)
}

/// A key of `limits`, said as one of the process.
fn in_limits(Wrong { key, message }: Wrong) -> Wrong {
    Wrong { key: "limits", message: format!("{key}: {message}") }
}

fn check_names(one: &Declaration, names: &[&str]) -> Result<(), Wrong> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if one.name.is_empty() || !one.name.chars().all(is_name) {
        return wrong("", "a name has letters, digits, and _ - . :");
    }
    for name in one.config.depends_on.keys() {
        if !names.contains(&name.as_str()) {
            let remedy = suggest("the declared processes are", name, names);
            return wrong("depends_on", format!("there is no process {name:?}: {remedy}"));
        }
    }
    Ok(())
}

impl ProcessConfig {
    /// Whether its keys fit together. `pools` are the known ones.
    ///
    /// # Errors
    /// The key that does not fit, and what would be right.
    pub fn validate(&self, pools: &[&str]) -> Result<(), Wrong> {
        self.check_what_runs()?;
        self.check_kind()?;
        self.check_times()?;
        self.check_care()?;
        if let Some(pool) = &self.pool
            && !pools.contains(&pool.as_str())
        {
            let remedy = suggest("the pools are", pool, pools);
            return wrong(
                "pool",
                format!("there is no pool {pool:?}: {remedy}; add it to [pools]"),
            );
        }
        if let Some(probe) = &self.ready {
            probe.validate("ready")?;
        }
        if let Some(probe) = &self.alive {
            probe.validate("alive")?;
        }
        self.limits.unwrap_or_default().validate().map_err(in_limits)?;
        self.check_env()?;
        if let Some((columns, rows)) = self.tty_size {
            if !self.tty {
                return wrong("tty_size", "only a process with tty = true has a terminal");
            }
            if !(1..=1_000).contains(&columns) || !(1..=1_000).contains(&rows) {
                return wrong("tty_size", "expected columns and rows from 1 to 1000");
            }
        }
        Ok(())
    }

    fn check_what_runs(&self) -> Result<(), Wrong> {
        if self.script.is_some() && self.command.is_some() {
            return wrong("command", "give either script or command, not both");
        }
        if self.command.as_ref().is_some_and(Vec::is_empty) {
            return wrong(
                "command",
                "expected a program and its arguments, such as [\"node\", \"server.js\"]",
            );
        }
        let texts = self.command.iter().flatten().chain(&self.args).chain(self.env.values());
        if texts.into_iter().any(|text| text.contains('\0')) {
            return wrong(
                "command",
                "a zero byte stands in what it is given: no process can have one",
            );
        }
        if let Some(replicas) = self.replicas
            && !(1..=MOST_REPLICAS).contains(&replicas)
        {
            return wrong("replicas", format!("expected 1 to {MOST_REPLICAS}, got {replicas}"));
        }
        let last_port = u32::from(self.port.unwrap_or(1)) + self.replicas() - 1;
        if self.port == Some(0) || last_port > u32::from(u16::MAX) {
            return wrong("port", "expected a port from 1 to 65535, for the last replica too");
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<(), Wrong> {
        let of_jobs = [
            ("schedule", self.schedule.is_some()),
            ("retries", self.retries.is_some()),
            ("timeout_s", self.timeout_s.is_some()),
            ("pool", self.pool.is_some()),
        ];
        let of_services = [
            ("restart", self.restart.is_some()),
            ("breaker", self.breaker.is_some()),
            ("alive", self.alive.is_some()),
            ("replicas", self.replicas.is_some_and(|n| n > 1)),
        ];
        let (other, keys) = match self.kind() {
            Some(Kind::LongRunning) => ("jobs (type = \"short-lived\")", &of_jobs),
            Some(Kind::ShortLived) => ("services (type = \"long-running\")", &of_services),
            None => return Ok(()),
        };
        match keys.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => {
                wrong(key, format!("it is for {other} only: take it out, or change type"))
            }
            None => Ok(()),
        }
    }

    fn check_times(&self) -> Result<(), Wrong> {
        let Some(pattern) = &self.schedule else {
            return match self.timezone {
                Some(_) => wrong("timezone", "it belongs to a schedule, and there is none"),
                None => Ok(()),
            };
        };
        Schedule::parse(pattern, self.timezone.as_deref())
            .map(|_| ())
            .map_err(|(key, message)| Wrong { key, message })
    }

    fn check_care(&self) -> Result<(), Wrong> {
        if let Some(timeout_s) = self.timeout_s {
            seconds("timeout_s", timeout_s)?;
        }
        if let Some(restart) = &self.restart {
            pauses("restart", restart.factor, restart.jitter)?;
            seconds("restart", restart.reset_after_s)?;
        }
        if let Some(retries) = &self.retries {
            pauses("retries", retries.factor, retries.jitter)?;
        }
        if let Some(breaker) = &self.breaker {
            seconds("breaker", breaker.within_s)?;
            seconds("breaker", breaker.cooldown_s)?;
        }
        if let Some(grace_s) = self.stop.as_ref().and_then(|stop| stop.grace_s) {
            seconds("stop", grace_s)?;
        }
        if let Some(stop) = &self.stop
            && stop.command.as_ref().is_some_and(Vec::is_empty)
        {
            return wrong("stop", "command: expected a program and its arguments");
        }
        if let Some(watch) = &self.watch {
            if watch.paths.is_empty() {
                return wrong("watch", "paths: expected at least one pattern, such as src/**");
            }
            for pattern in watch.paths.iter().chain(&watch.ignore) {
                let is_inside = !pattern.starts_with('/') && !pattern.split('/').any(|p| p == "..");
                if !is_inside {
                    return wrong(
                        "watch",
                        format!("{pattern:?} leads out of the project's folder"),
                    );
                }
                if let Err(error) = globset::Glob::new(pattern) {
                    return wrong("watch", format!("{error}"));
                }
            }
        }
        Ok(())
    }
}

impl ProbeConfig {
    fn validate(&self, key: &'static str) -> Result<(), Wrong> {
        let given = [
            self.http.is_some(),
            self.tcp.is_some(),
            self.exec.as_ref().is_some_and(|command| !command.is_empty()),
            self.log.as_ref().is_some_and(|text| !text.is_empty()),
        ];
        if given.into_iter().filter(|is_given| *is_given).count() != 1 {
            return wrong(key, "give exactly one of http, tcp, exec and log");
        }
        if let Some(url) = &self.http
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            return wrong(
                key,
                format!(
                    "http: expected an address such as http://127.0.0.1:$PORT/health, got {url:?}"
                ),
            );
        }
        if let Some(address) = &self.tcp
            && !address.contains(':')
        {
            return wrong(
                key,
                format!(
                    "tcp: expected an address with a port, such as 127.0.0.1:$PORT, got {address:?}"
                ),
            );
        }
        seconds(key, self.period_s)?;
        seconds(key, self.timeout_s)?;
        seconds(key, self.grace_s)?;
        if self.period_s < 0.05 || self.timeout_s < 0.01 || self.failures == 0 {
            return wrong(
                key,
                "expected period_s of 0.05 or more, timeout_s of 0.01 or more, failures of 1 or more",
            );
        }
        Ok(())
    }
}

/// A year is for ever.
fn seconds(key: &'static str, value: f64) -> Result<(), Wrong> {
    if (0.0..=31_536_000.0).contains(&value) {
        return Ok(());
    }
    wrong(key, format!("expected seconds from 0 to 31536000, got {value}"))
}

fn pauses(key: &'static str, factor: f64, jitter: f64) -> Result<(), Wrong> {
    if !(1.0..=100.0).contains(&factor) {
        return wrong(key, format!("factor: expected 1 to 100, got {factor}"));
    }
    if !(0.0..=1.0).contains(&jitter) {
        return wrong(key, format!("jitter: expected 0 to 1, got {jitter}"));
    }
    Ok(())
}
