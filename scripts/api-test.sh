#!/usr/bin/env bash
# Tries the API as its description says and as it does not (schemathesis): nothing may answer with a
# server error, a status that is not described, or a body of another shape.
#
#   scripts/api-test.sh [ARGUMENTS FOR schemathesis run]
set -euo pipefail
cd "$(dirname "$0")/.."

python="${RUNYARD_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/runyard/tools}/python/bin"
bin=$(realpath "${RUNYARD_BIN:-target/release/runyard}")
[ -x "$python/schemathesis" ] || scripts/setup.sh python

work=$(mktemp -d)
server=
clean() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  # The keeper ends by itself when nothing runs; here it need not be waited for.
  [ ! -f "$work/data/keeper.pid" ] || kill "$(cat "$work/data/keeper.pid")" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

mkdir "$work/project"
cat >"$work/project/package.json" <<'JSON'
{ "name": "tried", "scripts": { "hello": "echo hello", "sleep": "sleep 600" } }
JSON
RUNYARD_RUN__RUNNER=native RUNYARD_LIMITS__STARTS_PER_MINUTE=1000000 \
  "$bin" serve --listen 127.0.0.1:0 --data "$work/data" --project "$work/project" >"$work/out" &
server=$!
for _ in $(seq 100); do
  url=$(sed -n 's|^open \(http://[^/]*\)/.*|\1|p' "$work/out")
  [ -z "$url" ] || break
  sleep 0.1
done
[ -n "$url" ] || { echo 'api-test: the server did not start' >&2; exit 1; }
token=$("$bin" token create --name api-test --ttl 1h --data "$work/data")

# Something of each kind, so that what is tried is not always about something that is not there.
api() { curl -fsS -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }
first_id() { sed -n 's/.*"\(id\|processId\)":"\([^"]*\)".*/\2/p' | head -1; }
process=$(api "$url/api/processes" -d '{"scriptName": "sleep"}' | first_id)
password='correct horse battery'
user=$(api "$url/api/users" -d "{\"name\": \"tried\", \"role\": \"viewer\", \"password\": \"$password\"}" | first_id)
curl -fsS -o "$work/signed-in" -H "Origin: $url" --data-urlencode "password=$password" -d name=tried "$url/sign-in"
session=$(api "$url/api/sessions" | first_id)
[ -n "$process$user$session" ] || { echo 'api-test: there is nothing to try it on' >&2; exit 1; }

# It reads its settings here, and writes here what it found; that is not for the sources.
cd "$work"
cat >schemathesis.toml <<TOML
[[operations]]
include-path-regex = "^/api/processes/[{]id[}]"
parameters = { "path.id" = "$process" }

[[operations]]
include-path = "/api/users/{id}"
parameters = { "path.id" = "$user" }

[[operations]]
include-path = "/api/sessions/{id}"
parameters = { "path.id" = "$session" }
TOML
try() {
  "$python/schemathesis" run "$url/api/openapi.json" \
    --header "Authorization: Bearer $token" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing --generation-database none --no-color "$@"
}
# What takes tokens back finds the one that it came with in a list, and then nothing is let in any more: it is last.
failed=0
try --exclude-path '/api/tokens/{id}' "$@" || failed=1
try --include-path '/api/tokens/{id}' "$@" || failed=1
exit "$failed"
