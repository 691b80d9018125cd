/** A project with something of all that can be declared: services, a schedule, a pool, an open breaker. */

const DECLARED = `[pools]
builds = 2

[process.api]
command = ["sh", "-c", "echo listening on 4000; exec sleep 300"]
type = "long-running"
autostart = true
ready = { log = "listening", period_s = 0.2 }

[process.worker]
command = ["sleep", "300"]
type = "long-running"
depends_on = { mailer = "ready" }
autostart = true

[process.mailer]
command = ["sh", "-c", "echo cannot reach the mail host >&2; exit 1"]
type = "long-running"
autostart = true
ready = { log = "never" }
restart = { delay_ms = 10, factor = 1.0, jitter = 0.0 }
breaker = { failures = 3, within_s = 60, cooldown_s = 600 }

[process.nightly]
command = ["true"]
schedule = "0 3 * * *"
timezone = "Europe/Berlin"
`;

/** Its files, by their paths. */
export const DECLARED_FILES = {
  'package.json': JSON.stringify({ name: 'shop', scripts: { build: 'sleep 300', test: 'true' } }),
  'runyard.toml': DECLARED,
};
