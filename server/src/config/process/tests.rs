use std::fs;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, Flags, Sources};

fn load(toml: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("runyard.toml"), toml).unwrap();
    let current_dir = folder.path().to_owned();
    let env = Vec::new();
    Config::load(Sources { current_dir, env, flags: Flags::default() })
        .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

const EVERYTHING: &str = r#"
[pools]
builds = 2

[process.db]
command = ["postgres", "-p", "$PORT"]

[process.migrate]
script = "migrate"
type = "short-lived"

[process.api]
script = "dev"
type = "long-running"
autostart = true
replicas = 2
port = 4000
env = { NODE_ENV = "development" }
restart = { when = "on-failure", delay_ms = 500, factor = 2.0, max_delay_ms = 60000, jitter = 0.25, reset_after_s = 30, never_codes = [78] }
breaker = { failures = 5, within_s = 60, cooldown_s = 300 }
ready = { http = "http://127.0.0.1:$PORT/health", period_s = 10, timeout_s = 1, failures = 3, grace_s = 5 }
alive = { tcp = "127.0.0.1:$PORT" }
depends_on = { db = "ready", migrate = "completed" }
watch = { paths = ["src/**"], ignore = ["**/*.test.ts"], debounce_ms = 300 }
stop = { signal = "SIGTERM", grace_s = 10 }

[process.nightly]
script = "build"
schedule = "0 3 * * *"
timezone = "Europe/Berlin"
overlap = "queue"
missed = "run-once"
timeout_s = 600
retries = { max = 3, delay_ms = 1000 }
pool = "builds"
priority = 5
"#;

#[test]
fn every_key_is_read() {
    let config = load(EVERYTHING).unwrap();
    assert_eq!(config.pools.slots["builds"], 2);
    let api = &config.processes["api"];
    assert_eq!((api.replicas(), api.port, api.kind()), (2, Some(4000), Some(Kind::LongRunning)));
    assert_eq!(api.restart.as_ref().unwrap().never_codes, [78]);
    assert_eq!(api.depends_on["migrate"], Condition::Completed);
    let nightly = &config.processes["nightly"];
    assert_eq!(nightly.kind(), Some(Kind::ShortLived));
    assert_eq!((nightly.overlap, nightly.missed), (Overlap::Queue, Missed::RunOnce));
    assert_eq!(nightly.retries, Some(RetriesConfig { max: 3, ..RetriesConfig::default() }));
    assert_eq!(config.processes["db"].kind(), None);
    // What is written down again is the same.
    let text = toml::to_string(api).unwrap();
    assert_eq!(&toml::from_str::<ProcessConfig>(&text).unwrap(), api);
}

#[test]
fn errors_name_the_file_the_key_and_what_would_be_right() {
    let cases = [
        (
            "[process.a]\nscript = \"a\"\nrestart = { delay = 5 }\n",
            "runyard.toml:3: bad value for process.a.restart.delay: unknown field `delay`, expected \
             one of `when`, `delay_ms`",
        ),
        (
            "[process.a]\nscripts = 1\n",
            "runyard.toml:2: bad value for process.a.scripts: unknown field",
        ),
        ("[process]\na = 1\n", "runyard.toml:2: bad value for process.a: invalid type: integer"),
        (
            "[process.a]\nscript = \"a\"\ncommand = [\"a\"]\n",
            "runyard.toml:3: bad value for process.a.command: give either script or command",
        ),
        (
            "[process.a]\ntype = \"short-lived\"\nbreaker = {}\n",
            "runyard.toml:3: bad value for process.a.breaker: it is for services",
        ),
        (
            "[process.a]\ntype = \"long-running\"\nretries = {}\n",
            "runyard.toml:3: bad value for process.a.retries: it is for jobs",
        ),
        (
            "[process.a]\nready = { http = \"http://x\", tcp = \"x:1\" }\n",
            "runyard.toml:2: bad value for process.a.ready: give exactly one of http, tcp, exec",
        ),
        (
            "[process.a]\ndepends_on = { datbase = \"ready\" }\n[process.database]\n",
            "process.a.depends_on: there is no process \"datbase\": did you mean database?",
        ),
        (
            "[process.a]\nschedule = \"0 25 * * *\"\n",
            "runyard.toml:2: bad value for process.a.schedule: \"0 25 * * *\" is no pattern of times",
        ),
        (
            "[process.a]\nschedule = \"@daily\"\ntimezone = \"Berlin\"\n",
            "runyard.toml:3: bad value for process.a.timezone: \"Berlin\" is no time zone",
        ),
        (
            "[process.a]\npool = \"build\"\n[pools]\nbuilds = 1\n",
            "process.a.pool: there is no pool \"build\": did you mean builds?",
        ),
        (
            "[process.a]\nwatch = { paths = [\"../x\"] }\n",
            "process.a.watch: \"../x\" leads out of the project's folder",
        ),
        ("[pools]\njobs = 3\n", "runyard.toml:2: bad value for pools.jobs"),
        (
            "[process.a]\ndepends_on = { b = \"ready\" }\n[process.b]\ndepends_on = { c = \
             \"started\" }\n[process.c]\ndepends_on = { b = \"exited\" }\n",
            "process.b.depends_on: these wait for each other, so none could start: b → c → b",
        ),
        (
            "[process.a]\nrestart = { jitter = 2.0 }\n",
            "runyard.toml:2: bad value for process.a.restart: jitter: expected 0 to 1, got 2",
        ),
    ];
    for (toml, wanted) in cases {
        let error = load(toml).unwrap_err();
        assert!(error.contains(wanted), "{error}\ndoes not have\n{wanted}");
    }
}

#[test]
fn the_schema_knows_every_key() {
    let schema = json_schema();
    let process = &schema["$defs"]["ProcessConfig"];
    assert_eq!(process["additionalProperties"], false);
    let keys = process["properties"].as_object().unwrap();
    for key in ["script", "depends_on", "schedule", "tty_size", "type", "success_codes"] {
        assert!(keys.contains_key(key), "{key} in {keys:?}");
    }
    assert!(schema["$defs"]["RestartConfig"]["properties"]["delay_ms"]["description"].is_string());
    assert_eq!(
        schema["properties"]["process"]["additionalProperties"]["$ref"],
        "#/$defs/ProcessConfig"
    );
}

#[test]
fn clock_changes_neither_lose_nor_double_a_time() {
    const MINUTE_MS: i64 = 60_000;
    let times = |pattern: &str, after: i64, count| {
        let schedule = Schedule::parse(pattern, Some("Europe/Berlin")).unwrap();
        schedule.next_times(after, count)
    };
    // 2026-03-29 in Berlin has no 02:30: it happens right after the gap; the days around are plain.
    let before = 1_774_652_400_000; // 2026-03-28 00:00 +01:00
    let spring = times("30 2 * * *", before, 3);
    assert_eq!(spring[0], before + 150 * MINUTE_MS);
    let gap = before + 24 * 60 * MINUTE_MS + 120 * MINUTE_MS; // 02:00 becomes 03:00
    assert!((gap..=gap + 30 * MINUTE_MS).contains(&spring[1]), "{}", spring[1] - gap);
    assert_eq!(spring[2] - spring[0], 47 * 60 * MINUTE_MS, "that day has 23 hours");
    // 2026-10-25 has 02:30 twice: a fixed time happens once.
    let before = 1_792_792_800_000; // 2026-10-24 00:00 +02:00
    let autumn = times("30 2 * * *", before, 3);
    assert_eq!(autumn[2] - autumn[0], 49 * 60 * MINUTE_MS, "that day has 25 hours");
    assert_eq!(autumn.len(), 3);
}

proptest! {
    #[test]
    fn an_order_has_all_that_is_depended_on_before(
        edges in proptest::collection::vec((0usize..12, 0usize..12), 0..40),
    ) {
        let name = |n: usize| format!("p{n:02}");
        let mut processes: BTreeMap<String, ProcessConfig> =
            (0..12).map(|n| (name(n), ProcessConfig::default())).collect();
        // Edges to smaller names only: no cycle.
        for (from, to) in edges.iter().filter(|(from, to)| to < from) {
            let config = processes.get_mut(&name(*from)).unwrap();
            config.depends_on.insert(name(*to), Condition::Ready);
        }
        prop_assert_eq!(graph::find_cycle(&processes), None);
        let all: Vec<String> = processes.keys().cloned().collect();
        let order = dependencies_first(&processes, &all);
        prop_assert_eq!(order.len(), processes.len());
        let place = |name: &String| order.iter().position(|other| other == name).unwrap();
        for (name, config) in &processes {
            for below in config.depends_on.keys() {
                prop_assert!(place(below) < place(name));
            }
        }
        let mut reverse = dependants_first(&processes);
        reverse.reverse();
        prop_assert_eq!(reverse, order);
        // One edge back closes a cycle, and it is found.
        if let Some((from, to)) = edges.iter().find(|(from, to)| to < from) {
            let config = processes.get_mut(&name(*to)).unwrap();
            config.depends_on.insert(name(*from), Condition::Ready);
            let cycle = graph::find_cycle(&processes).unwrap();
            prop_assert!(cycle.len() > 2 && cycle.first() == cycle.last());
        }
    }
}
