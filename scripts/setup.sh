#!/usr/bin/env bash
# Installs what the build (and, on request, the tests) need and do not find. Says one line for each
# step it does, and does nothing when nothing is missing.
#
#   scripts/setup.sh [build]   the wasm target, cargo-leptos, wasm-bindgen, wasm-opt
#   scripts/setup.sh test      these, the example site's packages, Playwright, a Chromium
#   scripts/setup.sh python  schemathesis and PyJWT, for the tests of the API
#   scripts/setup.sh site      only the example site's packages
#
# Tools go to RUNYARD_TOOLS (default: runyard/tools in the user's cache folder), not to the system.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

readonly CARGO_LEPTOS_VERSION=0.3.6
tools="${RUNYARD_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/runyard/tools}"
PATH="$tools/bin:$PATH"

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# The first two numbers of `node --version` are enough to compare.
check_basics() {
  has cargo || die 'cargo was not found: install Rust from https://rustup.rs and run this again'
  if ! has node || ! has npm; then
    die 'node and npm were not found: install Node.js 20.19 or newer and run this again'
  fi
  node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js 20.19 or newer is needed, this is $(node --version)"
  has cc || die 'a C compiler was not found (cc), which SQLite and zstd are built with: on Debian install build-essential'
}

setup_wasm_target() {
  local lib
  lib="$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown"
  [ -d "$lib" ] && return
  has rustup || die 'the Rust target wasm32-unknown-unknown is missing, and there is no rustup to add it with'
  say 'adding the Rust target wasm32-unknown-unknown'
  rustup target add wasm32-unknown-unknown
}

# cargo_install CRATE VERSION ARGUMENTS...
cargo_install() {
  local crate=$1 version=$2 target="$tools-target"
  shift 2
  # Link-time optimisation would take most of the time and is worth nothing to a build tool.
  CARGO_TARGET_DIR="$target" \
    CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install "$crate" --version "$version" --root "$tools" "$@"
  rm -rf "$target"
}

setup_cargo_leptos() {
  [ "$(version_of cargo-leptos --version)" = "$CARGO_LEPTOS_VERSION" ] && return
  say "building cargo-leptos $CARGO_LEPTOS_VERSION (once, about 15 minutes on two cores)"
  cargo_install cargo-leptos "$CARGO_LEPTOS_VERSION" --locked --features no_downloads
}

# The tool and the crate must be of the same version, so Cargo.lock says which.
setup_wasm_bindgen() {
  local version
  version=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
  [ -n "$version" ] || die 'Cargo.lock names no version of wasm-bindgen'
  [ "$(version_of wasm-bindgen --version)" = "$version" ] && return
  say "building wasm-bindgen $version (once, about 3 minutes on two cores)"
  cargo_install wasm-bindgen-cli "$version"
}

# The last word of what a program says about its version; nothing when it is not there.
version_of() {
  has "$1" || return 0
  "$@" 2>/dev/null | sed -n '1s/.* //p'
}

setup_wasm_opt() {
  local npm="$tools/npm"
  if [ -x "$tools/bin/wasm-opt" ] && cmp -s scripts/tools/package-lock.json "$npm/package-lock.json"; then
    return
  fi
  say 'installing wasm-opt'
  mkdir -p "$npm" "$tools/bin"
  cp scripts/tools/package.json scripts/tools/.npmrc "$npm/"
  cp scripts/tools/package-lock.json "$npm/package-lock.json"
  npm_ci "$npm" || {
    rm -f "$npm/package-lock.json"
    die 'wasm-opt could not be installed'
  }
  ln -sfn ../npm/node_modules/.bin/wasm-opt "$tools/bin/wasm-opt"
}

npm_ci() { npm ci --prefix "$1" --no-audit --no-fund --loglevel=error; }

# setup_packages FOLDER WHAT: npm keeps a copy of the lockfile beside what it installed.
setup_packages() {
  [ "$root/$1/node_modules/.package-lock.json" -nt "$root/$1/package-lock.json" ] && return
  say "installing the packages of $2"
  npm_ci "$root/$1"
}

# Tools that are written in Python, of the versions that the list says, in a place of their own.
setup_python() {
  local list=scripts/python/requirements.txt venv="$tools/python"
  cmp -s "$list" "$venv/requirements.txt" && return
  has python3 || die 'python3 was not found: install Python 3.10 or newer, with venv'
  say 'installing schemathesis and PyJWT'
  rm -rf "$venv"
  python3 -m venv "$venv" || die 'python3 cannot make an environment: on Debian install python3-venv'
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
  cp "$list" "$venv/requirements.txt"
}

has_playwright_chromium() {
  (cd end2end && node -e '
    const { chromium } = require("@playwright/test");
    process.exit(require("node:fs").existsSync(chromium.executablePath()) ? 0 : 1);
  ')
}

# The tests look for a browser in the same order: see end2end/support/chromium.ts.
setup_chromium() {
  local name
  [ -n "${RUNYARD_CHROMIUM:-}" ] && return
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    has "$name" && return
  done
  has_playwright_chromium && return
  if [ "$(id -u)" = 0 ] && [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
    say 'installing Chromium with apt-get'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium
  else
    say "installing Playwright's Chromium"
    (cd end2end && npx playwright install chromium)
  fi
}

setup_build() {
  check_basics
  setup_wasm_target
  setup_cargo_leptos
  setup_wasm_bindgen
  setup_wasm_opt
}

case "${1:-build}" in
  build) setup_build ;;
  site)
    check_basics
    setup_packages examples/site 'the example site'
    ;;
  test)
    setup_build
    setup_packages examples/site 'the example site'
    setup_packages examples/stack 'the example of four services'
    setup_packages end2end 'the end-to-end tests'
    setup_python
    setup_chromium
    ;;
  python) setup_python ;;
  *) die "there is no $1 to set up: build, python, site or test" ;;
esac
