#!/usr/bin/env bash
# Runs a benchmark of process-management servers with Runyard as one of them, and that one built for
# production. The benchmark is no part of this project: the first argument is its `run`, the others
# are given to it.
#
#   RUNYARD_BIN=target/release/runyard scripts/bench.sh path/to/bench/run [ARGUMENTS...]
set -euo pipefail

if [ -z "${1:-}" ]; then
  cat <<'HELP'
The benchmark lives outside of this project. Give the path of its `run`, and what it should do:

  make bench BENCH=path/to/bench/run
  make bench BENCH=path/to/bench/run BENCH_ARGS='bun-seed runyard --cases spawn,latency --rounds 3'

HELP
  exit 0
fi

run=$1
shift
[ -x "$run" ] || {
  printf 'bench: %s is no program\n' "$run" >&2
  exit 1
}
bin=$(realpath "${RUNYARD_BIN:?the path of the release binary}")
[ "$#" -gt 0 ] || set -- bun-seed bun-batched runyard

# The benchmark starts more at once, and faster, than a person would be let.
export RUNYARD_RUN__RUNNER=native
export RUNYARD_LIMITS__MAX_JOBS=400
export RUNYARD_LIMITS__STARTS_PER_MINUTE=1000000

# These run in the benchmark's own fresh folder, which is the project; PORT comes from there.
data=.runyard
exec "$run" "$@" \
  --cmd "$bin serve --data $data" \
  --token-cmd "$bin token create --role admin --name bench --ttl 2h --data $data" \
  --pids-cmd "cat $data/keeper.pid"
