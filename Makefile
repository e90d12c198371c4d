# make demo and make test need Rust, git and make only; scripts/setup installs the rest (Debian packages).
PURLIN := target/release/purlin
SECONDS_EACH ?= 60
SECONDS ?= 600
PREFIX ?= /usr/local
SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-release suites tls-suites node-suites test-stress stress stress-nodes loom limits valgrind lint doc fuzz fuzz-nodes bench chart install

help: ## Print what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  %-12s %s\n", $$1, $$2}'

setup: ## Install what the other targets need (Debian packages)
	@scripts/setup

build: ## Build target/release/purlin
	cargo build --release -q -p purlin-cli

demo: setup build ## Build, and run an Elixir program on Purlin
	$(PURLIN) run examples/worker_pool.exs

test: setup build ## Run all tests: unit, property, programs against the real BEAM, OTP's and Elixir's suites
	scripts/test

test-release: setup build ## Run the programs on the libraries of another release of OTP: RELEASE=27
	RELEASE=$(or $(RELEASE),27) scripts/test-programs $(ONLY)

suites: setup build ## Run all of OTP's and Elixir's tests, the slow ones too: ONLY=^emulator/ RELEASE=27
	RELEASE=$(RELEASE) scripts/test-suites --all $(ONLY)

tls-suites: setup build ## Run OTP's tests of crypto, public_key, ssl and ssh: ONLY=^ssl/
	PART=tls scripts/test-suites --all $(ONLY)

node-suites: setup build ## Run OTP's tests that start other nodes, in three mixes with the BEAM: ONLY=^kernel/ MIXES=purlin+beam
	scripts/test-node-suites $(ONLY)

test-stress: setup build ## Run the tests with 1, 2, 8 schedulers and a collection at every allocation point
	scripts/test-stress

stress: setup build ## Run storms of processes, signals, names, timers against a model: SECONDS=60
	scripts/stress $(SECONDS)

stress-nodes: setup build ## Run three nodes whose connections are cut and that are killed, against a model: SECONDS=60
	scripts/stress-nodes $(SECONDS)

loom: ## Check all interleavings of the lock-free parts
	scripts/loom

limits: setup build ## Run a million processes, ten million messages, a full process table, ...
	scripts/limits

valgrind: ## Run unit tests, programs and storms under memcheck
	scripts/valgrind

lint: ## Check format, clippy, documentation, and what dependencies may be (deny.toml)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -q -- -D warnings
	@$(MAKE) --no-print-directory doc
	scripts/deny

doc: ## Build the crates' documentation into target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --no-deps --document-private-items -q

fuzz: setup build ## Fuzz random programs against the BEAM, the .beam reader, the packets of nodes and the external terms: SECONDS_EACH=60
	cargo build --release -q -p purlin-testkit --bin purlin-fuzz
	target/release/purlin-fuzz programs $(SECONDS_EACH) $(or $(SEED),0)
	target/release/purlin-fuzz beam $(SECONDS_EACH)
	target/release/purlin-fuzz distribution $(SECONDS_EACH)
	target/release/purlin-fuzz etf $(SECONDS_EACH)

fuzz-nodes: setup build ## Send damaged handshakes and packets to a node: SECONDS_EACH=60
	scripts/fuzz-nodes $(SECONDS_EACH)

bench: setup build ## Time every benchmark on Purlin and on the BEAM in alternation: ONLY=ring RUNS=3, RELEASE=27 or installed,27, ONLY=sweep, ONLY=dist, ONLY=net or net/NAME PACKAGES=_build/prod/lib, ONLY=memory, ONLY=races
	cargo build --release -q -p purlin-testkit --bin purlin-bench
	set -o pipefail; target/release/purlin-bench $(PURLIN) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS)) $(if $(RELEASE),--releases $(RELEASE)) $(if $(PACKAGES),--packages $(PACKAGES)) | tee target/bench.md
	@if grep -q '^| benchmark' target/bench.md; then target/release/purlin-bench --chart target/bench.md target/bench.svg && echo "target/bench.svg draws them"; fi

chart: ## Draw docs/bench.svg from the first table of BENCHMARKS.md
	cargo build --release -q -p purlin-testkit --bin purlin-bench
	target/release/purlin-bench --chart BENCHMARKS.md docs/bench.svg

install: build ## Install the command, its debug file, manual page and completions: PREFIX=/usr/local
	scripts/install "$(DESTDIR)$(PREFIX)"
