//! How a process is looked after once it runs: everything decided, nothing left to a default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use app::model::ProcessType;

use crate::config::{
    BreakerConfig, Condition, Kind, Missed, Overlap, ProbeConfig, ProcessConfig, RestartConfig,
    RestartWhen, RetriesConfig, Schedule, WatchConfig, WhenFull, is_this_machine,
};

use super::PlanError;

/// A terminal's size when nothing is said, in columns and rows.
const TTY_SIZE: (u16, u16) = (120, 40);
/// A declared job that runs longer is stopped.
const JOB_TIMEOUT_S: f64 = 60.0;

/// Which declared process it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The name of `[process.NAME]`.
    pub name: String,
    /// Which of its replicas, from 0.
    pub replica: u32,
    /// How many there are.
    pub replicas: u32,
}

/// When a process that is not declared runs, again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// The pattern of times.
    pub schedule: String,
    /// The name of its time zone; UTC when `None`.
    pub timezone: Option<String>,
    /// What becomes of a time that comes during a run.
    pub overlap: Overlap,
    /// What becomes of a time at which Runyard was not there.
    pub missed: Missed,
}

impl Timed {
    /// As a start asks for it.
    pub(super) fn of(config: &ProcessConfig) -> Option<Self> {
        Some(Self {
            schedule: config.schedule.clone()?,
            timezone: config.timezone.clone(),
            overlap: config.overlap,
            missed: config.missed,
        })
    }

    /// The times; `None` for what is no pattern, which was refused when it was asked for.
    #[must_use]
    pub fn times(&self) -> Option<Schedule> {
        Schedule::parse(&self.schedule, self.timezone.as_deref()).ok()
    }
}

/// How a process is looked after. It is kept with the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Strategy {
    /// `None` for one that was only asked for.
    pub declared: Option<Declared>,
    /// Which of how many, from 0, when a start asked for several.
    pub replica: Option<(u32, u32)>,
    /// When it runs by itself, where no file says so.
    pub timed: Option<Timed>,
    /// Whether its log tells of attempts and decisions: not for a plain start of a job, whose one
    /// attempt is the process.
    pub is_told: bool,
    /// Whether and when it is started again.
    pub restart: RestartConfig,
    /// When the restarts are given up.
    pub breaker: BreakerConfig,
    /// How a failed job is tried again.
    pub retries: Option<RetriesConfig>,
    /// Exit codes besides 0 that count as success.
    pub success_codes: Vec<i32>,
    /// Tells when it can be used.
    pub ready: Option<ProbeConfig>,
    /// Tells whether it still works.
    pub alive: Option<ProbeConfig>,
    /// What comes before it.
    pub depends_on: BTreeMap<String, Condition>,
    /// Files whose change starts it again.
    pub watch: Option<WatchConfig>,
    /// Milliseconds to end in; the general grace when `None`.
    pub grace_ms: Option<u64>,
    /// What asks it to end, instead of a signal.
    pub stop_command: Option<Vec<String>>,
    /// The pool whose slots it takes.
    pub pool: Option<String>,
    /// Greater is served first.
    pub priority: i32,
    /// Lines can be sent to it.
    pub stdin: bool,
    /// The terminal that it gets: columns and rows.
    pub tty: Option<(u16, u16)>,
    /// What becomes of output that cannot be kept; the general rule when `None`.
    pub when_full: Option<WhenFull>,
}

impl Default for Strategy {
    /// Nothing is done for it: what was stored before there were strategies reads so.
    fn default() -> Self {
        Self {
            declared: None,
            replica: None,
            timed: None,
            is_told: false,
            restart: RestartConfig { when: RestartWhen::Never, ..RestartConfig::default() },
            breaker: BreakerConfig::default(),
            retries: None,
            success_codes: Vec::new(),
            ready: None,
            alive: None,
            depends_on: BTreeMap::new(),
            watch: None,
            grace_ms: None,
            stop_command: None,
            pool: None,
            priority: 0,
            stdin: false,
            tty: None,
            when_full: None,
        }
    }
}

impl Strategy {
    /// No pause between two attempts is longer, in milliseconds.
    #[must_use]
    pub fn longest_pause_ms(&self) -> u64 {
        let retries = self.retries.as_ref().map_or(0, |retries| retries.max_delay_ms);
        let delay_ms = self.restart.max_delay_ms.max(self.restart.delay_ms).max(retries);
        // What is left to chance may come on top.
        delay_ms.saturating_mul(2).max(to_ms(self.breaker.cooldown_s))
    }

    /// Whether it is asked anything while it runs.
    #[must_use]
    pub fn is_probed(&self) -> bool {
        self.ready.is_some() || self.alive.is_some()
    }

    /// That of a start which says nothing: a service comes back, a job runs once.
    pub(super) fn plain(is_service: bool) -> Self {
        match is_service {
            true => Self { is_told: true, restart: RestartConfig::default(), ..Self::default() },
            false => Self::default(),
        }
    }

    /// That of a declaration. Variables of `env` are put into probes and commands.
    pub(super) fn of(
        config: &ProcessConfig,
        is_service: bool,
        env: &BTreeMap<String, String>,
    ) -> Self {
        let probe = |probe: &ProbeConfig| ProbeConfig {
            http: probe.http.as_deref().map(|url| expand(url, env)),
            tcp: probe.tcp.as_deref().map(|address| expand(address, env)),
            exec: probe.exec.as_ref().map(|command| expand_all(command, env)),
            ..probe.clone()
        };
        let stop = config.stop.clone().unwrap_or_default();
        let plain = Self::plain(is_service);
        Self {
            declared: None,
            replica: None,
            timed: None,
            is_told: true,
            restart: config.restart.clone().unwrap_or(plain.restart),
            breaker: config.breaker.clone().unwrap_or_default(),
            retries: config.retries.clone().filter(|_| !is_service),
            success_codes: config.success_codes.clone(),
            ready: config.ready.as_ref().map(probe),
            alive: config.alive.as_ref().map(probe),
            depends_on: config.depends_on.clone(),
            watch: config.watch.clone(),
            grace_ms: stop.grace_s.map(to_ms),
            stop_command: stop.command.map(|command| expand_all(&command, env)),
            pool: config.pool.clone(),
            priority: config.priority,
            stdin: config.stdin,
            tty: config.tty.then(|| config.tty_size.unwrap_or(TTY_SIZE)),
            when_full: config.when_full,
        }
    }
}

/// After how many milliseconds a declared job is stopped; `None` is never.
pub(super) fn job_timeout_ms(config: &ProcessConfig) -> Option<u64> {
    Some(to_ms(config.timeout_s.unwrap_or(JOB_TIMEOUT_S))).filter(|ms| *ms > 0)
}

/// What only a file can say.
const OPERATORS: [&str; 3] = ["env_file", "run_as", "sandbox"];

/// What a start may say of how it is looked after, in the words of the file or of the wire
/// (`delayMs`). Nothing that the allow-list of scripts would have to know: no commands, and
/// questions to this machine only. Whether it is a job or a service stands in it: as `kind` says, else
/// as its own words tell, else as `script` is.
pub(super) fn read_asked(
    asked: &serde_json::Value,
    pools: &[&str],
    kind: Option<ProcessType>,
    script: ProcessType,
) -> Result<ProcessConfig, PlanError> {
    let invalid = |message: String| PlanError::StrategyInvalid { message };
    let asked = to_snake_case(asked);
    // Before it is read: whether there is a user or a file of some name is not for a start to learn.
    for key in OPERATORS {
        if asked.get(key).is_some() {
            return Err(invalid(format!("{key} stands in runyard.toml")));
        }
    }
    let mut config: ProcessConfig =
        serde_json::from_value(asked).map_err(|error| invalid(error.to_string()))?;
    let refused = [
        ("script", config.script.is_some()),
        ("command", config.command.is_some()),
        ("project", config.project.is_some()),
        ("args", !config.args.is_empty()),
        ("env", !config.env.is_empty()),
        ("secret_env", !config.secret_env.is_empty()),
        ("cwd", config.cwd.is_some()),
        ("type", config.kind.is_some()),
        ("autostart", config.autostart),
        ("limits", config.limits.is_some()),
    ];
    if let Some((key, _)) = refused.iter().find(|(_, is_set)| *is_set) {
        return Err(invalid(format!("{key} stands beside strategy, or in runyard.toml")));
    }
    let probes = || config.ready.iter().chain(&config.alive);
    let stops_by_command = config.stop.as_ref().is_some_and(|stop| stop.command.is_some());
    if stops_by_command || probes().any(|probe| probe.exec.is_some()) {
        let message = "a start cannot bring commands: declare the process in runyard.toml";
        return Err(invalid(message.to_owned()));
    }
    let of = |kind| match kind {
        ProcessType::ShortLived => Kind::ShortLived,
        ProcessType::LongRunning => Kind::LongRunning,
    };
    config.kind = Some(kind.map(of).or_else(|| config.kind()).unwrap_or_else(|| of(script)));
    if config.kind == Some(Kind::ShortLived) && config.port.is_some() {
        return Err(invalid("port: it is for services (type = \"long-running\") only".to_owned()));
    }
    config.validate(pools).map_err(|wrong| invalid(format!("{}: {}", wrong.key, wrong.message)))?;
    Ok(config)
}

/// What a start may say of how a declared process is looked after: its place in the line. All else
/// is what the file says.
pub(super) fn read_priority(
    asked: &serde_json::Value,
    name: &str,
) -> Result<Option<i32>, PlanError> {
    let invalid = |message: String| PlanError::StrategyInvalid { message };
    let keys = asked.as_object().ok_or_else(|| invalid("it is no object".to_owned()))?;
    if let Some(key) = keys.keys().find(|key| *key != "priority") {
        let message = format!(
            "{name} is declared, and {key} stands in runyard.toml: a start of it may give priority"
        );
        return Err(invalid(message));
    }
    let Some(priority) = keys.get("priority") else { return Ok(None) };
    let number = priority.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or_else(|| invalid(format!("priority: expected a number, got {priority}")))
}

/// Whether a start's probes ask this machine only, once the variables are put in: they may hold
/// another machine, too.
pub(super) fn check_addresses(strategy: &Strategy) -> Result<(), PlanError> {
    let probes = strategy.ready.iter().chain(&strategy.alive);
    let mut addresses = probes.flat_map(|probe| probe.http.iter().chain(&probe.tcp));
    match addresses.find(|address| !is_loopback(address)) {
        None => Ok(()),
        Some(address) => Err(PlanError::StrategyInvalid {
            message: format!(
                "{address:?} is no address of this machine: a start may ask 127.0.0.1, [::1] and \
                 localhost only"
            ),
        }),
    }
}

fn is_loopback(address: &str) -> bool {
    let scheme = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let authority = scheme.unwrap_or(address).split(['/', '?', '#']).next().unwrap_or_default();
    is_this_machine(authority)
}

/// Keys as the file has them: `delayMs` is `delay_ms`. The names in `depends_on` are left alone.
pub(super) fn to_snake_case(value: &serde_json::Value) -> serde_json::Value {
    let serde_json::Value::Object(entries) = value else { return value.clone() };
    let entries = entries.iter().map(|(key, value)| {
        let mut name = String::with_capacity(key.len() + 2);
        for c in key.chars() {
            if c.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        let value = if name == "depends_on" { value.clone() } else { to_snake_case(value) };
        (name, value)
    });
    serde_json::Value::Object(entries.collect())
}

fn to_ms(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// `$NAME` and `${NAME}` of the environment; other dollars stay.
pub(super) fn expand(text: &str, env: &BTreeMap<String, String>) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some((name, rest)) => (name, rest),
            None => part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len())),
        };
        match env.get(name) {
            Some(value) => out.extend([value.as_str(), rest]),
            None => out.extend(["$", part]),
        }
    }
    out
}

pub(super) fn expand_all(texts: &[String], env: &BTreeMap<String, String>) -> Vec<String> {
    texts.iter().map(|text| expand(text, env)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_asked_and_no_other() {
        for (address, is_here) in [
            ("http://127.0.0.1:3000/health?x#y", true),
            ("https://localhost/", true),
            ("http://[::1]:80", true),
            ("127.0.0.1:5432", true),
            ("http://evil.example/", false),
            ("http://127.0.0.1:80@evil.example/", false),
            ("http://127.0.0.1@evil.example/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://localhost:/", false),
            ("http://[::1]x:80", false),
            ("http://127.0.0.1:$PORT/", false),
            ("169.254.169.254:80", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(address), is_here, "{address}");
        }
    }

    #[test]
    fn what_a_start_asks_for_says_whether_it_is_a_job_or_a_service() {
        use ProcessType::{LongRunning, ShortLived};
        let kind = |asked, kind, script| {
            read_asked(&asked, &["builds"], kind, script)
                .map(|config| config.kind.unwrap())
                .map_err(|error| error.to_string())
        };
        let restart = || serde_json::json!({"restart": {"delayMs": 1}});
        let pool = || serde_json::json!({"pool": "builds"});
        assert_eq!(kind(restart(), None, ShortLived), Ok(Kind::LongRunning));
        assert_eq!(kind(pool(), None, ShortLived), Ok(Kind::ShortLived));
        for refused in [
            kind(restart(), Some(ShortLived), LongRunning),
            kind(pool(), None, LongRunning),
            kind(serde_json::json!({"port": 1}), None, ShortLived),
            kind(serde_json::json!({"replicas": 2, "timeoutS": 5}), None, ShortLived),
        ] {
            assert!(refused.unwrap_err().contains("it is for "));
        }
    }

    #[test]
    fn a_variable_cannot_lead_a_probe_elsewhere() {
        let asked = serde_json::json!({"ready": {"http": "http://127.0.0.1:$NODE_X/"}});
        let service = ProcessType::LongRunning;
        let config = read_asked(&asked, &[], None, service).unwrap();
        let check = |value: &str| {
            let env = BTreeMap::from([("NODE_X".to_owned(), value.to_owned())]);
            check_addresses(&Strategy::of(&config, true, &env))
        };
        assert!(check("3000").is_ok());
        for value in ["80@169.254.169.254", "", "x", "80@evil.example:80"] {
            assert!(check(value).is_err(), "{value}");
        }
    }
}
