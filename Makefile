# `make run` and `make test` need nothing but Rust, Node.js and a C compiler: scripts/setup.sh
# installs the rest. Every target works with a CARGO_TARGET_DIR outside of this folder.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export RUNYARD_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/runyard/tools
export PATH := $(RUNYARD_TOOLS)/bin:$(PATH)
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))

# The frontend is built into SITE, and server/build.rs puts what it finds there into the binary.
SITE := $(CARGO_TARGET_DIR)/site
BIN := $(CARGO_TARGET_DIR)/release/runyard

# The style is in files of one idea each, and a page needs one request: the files are joined. What
# stands first is the order of the layers.
STYLE := $(CARGO_TARGET_DIR)/style.css
STYLE_PARTS := style/layers.css $(filter-out style/layers.css,$(sort $(wildcard style/*.css)))
# What only the pages without a module need, which the others need not load.
PLAIN_STYLE_PARTS := $(sort $(wildcard style/plain/*.css))

# cargo-leptos writes the site anew each time, after which the server would have to be built anew
# too; so it is called only when something that goes into the site has changed. Folders count as
# well: a file may have been deleted.
SITE_STAMP := $(CARGO_TARGET_DIR)/site.stamp
SITE_SOURCES := $(shell find app frontend style public Cargo.toml Cargo.lock rust-toolchain.toml)

# Where `make run` listens and keeps its data.
LISTEN ?= 127.0.0.1:3147
DATA ?= .runyard

# The benchmark's program and its arguments.
BENCH ?=
BENCH_ARGS ?=

say = @printf '\n==> %s\n' "$(1)"

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: build ## Build, and serve examples/site on http://127.0.0.1:3147
	@scripts/setup.sh site
	$(call say,serving examples/site on http://$(LISTEN); the data is in $(DATA))
	@exec $(BIN) serve --listen $(LISTEN) --data $(DATA) --project examples/site

.PHONY: build
build: $(SITE_STAMP) ## Build the release: one file, with the site in it
	$(call say,building the server (2 of 2))
	@RUNYARD_SITE_DIR=$(SITE) cargo build --release --locked --package server --features embed
	$(call say,built $(BIN))

$(SITE_STAMP): $(SITE_SOURCES) | setup
	$(call say,building the frontend (1 of 2))
	@mkdir -p $(dir $(STYLE)) && cat $(STYLE_PARTS) > $(STYLE)
	@LEPTOS_SITE_ROOT=$(SITE) LEPTOS_STYLE_FILE=$(STYLE) cargo leptos build --release --frontend-only --split --lib-cargo-args=--locked
	@scripts/mend-split.sh $(SITE)/pkg
	@cat $(PLAIN_STYLE_PARTS) > $(SITE)/pkg/plain.css
	@touch $@

.PHONY: setup
setup:
	@scripts/setup.sh build

.PHONY: test
test: ## Check and test everything, in a real browser too
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory fmt-check lint unit e2e api-test
	$(call say,every test passed)

.PHONY: fmt
fmt: ## Format the sources
	@cargo fmt --all

.PHONY: fmt-check
fmt-check:
	$(call say,checking the format)
	@cargo fmt --all --check

# The app is one crate with two faces, so it is checked once with each.
.PHONY: lint
lint: ## Look for mistakes in the native code and in the browser's
	$(call say,checking the server with clippy)
	@cargo clippy --locked --package app --package server --all-targets -- --deny warnings
	$(call say,checking the frontend with clippy)
	@cargo clippy --locked --package frontend --target wasm32-unknown-unknown -- --deny warnings

.PHONY: unit
unit: ## Run the unit and integration tests
	$(call say,running the unit and integration tests)
	@cargo test --locked --package app --package server

# What reads bytes of others: the keeper's protocol, the spool, lines, messages of the WebSocket. Each of
# these tests makes so many cases up.
CASES ?= 10000
# What they make up follows from this number: with the one that was printed it is the same again.
SEED := $(or $(SEED),$(shell date +%s))
READERS := keeper::protocol keeper::handshake sys::spool sys::procfs logs::split logs::tail http::ws

.PHONY: faults
faults: ## Break everything that can break, many times over
	$(call say,feeding nonsense to everything that reads: CASES=$(CASES) SEED=$(SEED))
	@PROPTEST_CASES=$(CASES) PROPTEST_RNG_SEED=$(SEED) cargo test --locked --package app --package server --lib -- $(READERS)
	$(call say,running the fault tests in full)
	@RUNYARD_FAULTS=full cargo test --locked --package server --test faults

.PHONY: outage
outage: ## Keep the database away for OUTAGE_S=600, in each way
	$(call say,keeping the database away for $(OUTAGE_S) seconds in each of three ways)
	@RUNYARD_FAULTS=full RUNYARD_OUTAGE_S=$(OUTAGE_S) cargo test --locked --package server --test faults -- row_15_database_ --test-threads 4

# How long `make outage` and `make soak` go on.
OUTAGE_S ?= 600
MINUTES ?= 10

.PHONY: soak
soak: ## Kill server and keeper at random for MINUTES=10, and account for every line and exit
	$(call say,soaking for $(MINUTES) minutes)
	@RUNYARD_SOAK_MINUTES=$(MINUTES) cargo test --locked --package server --test faults -- --exact row_99_soak --nocapture

.PHONY: e2e
e2e: build ## Drive the release binary with a real browser
	@scripts/setup.sh test
	$(call say,running the end-to-end tests)
	@cd end2end && npm run --silent check && RUNYARD_BIN=$(BIN) npm run --silent test

.PHONY: api-test
api-test: build ## Try the API as its description says, and as it does not
	@scripts/setup.sh python
	$(call say,trying the API)
	@RUNYARD_BIN=$(BIN) scripts/api-test.sh --max-examples 25

.PHONY: bench
bench: $(if $(BENCH),build) ## Compare with other servers: BENCH=path/to/bench/run
	@RUNYARD_BIN=$(BIN) scripts/bench.sh $(if $(BENCH),'$(abspath $(BENCH))') $(BENCH_ARGS)
