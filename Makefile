# make demo and make test need Rust, git and make only; scripts/setup installs the rest (Debian packages).
PURLIN := target/release/purlin
SECONDS_EACH ?= 60
SECONDS ?= 600

.PHONY: demo test suites test-stress stress loom limits valgrind lint fuzz bench build setup

setup:
	@scripts/setup

build:
	cargo build --release -q -p purlin-cli

demo: setup build
	$(PURLIN) run examples/worker_pool.exs

# Everything: unit and property tests, the programs compared with the real BEAM, the seeds when they are there.
test: setup build
	scripts/test

# OTP's and Elixir's own tests, when what runs them is there; those that fail are in tests/suites/known_failures.tsv.
# `make test` leaves out the slow ones. `make suites ONLY=^emulator/`.
suites: setup build
	scripts/test-suites --all $(ONLY)

# The tests, programs and seeds again, with a collection forced at every allocation point and with 1, 2 and 8 schedulers.
test-stress: setup build
	scripts/test-stress

# Storms of processes, signals, names and timers against a model, for ten minutes: `make stress SECONDS=60`.
stress: setup build
	scripts/stress $(SECONDS)

# All interleavings of the lock-free parts.
loom:
	scripts/loom

# A million processes, ten million messages, a full process table, integers of a million digits, ...
limits: setup build
	scripts/limits

# Terms, heaps, mailboxes, schedulers and natives under memcheck.
valgrind:
	scripts/valgrind

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -q -- -D warnings

# A deterministic mutator over real files, for the .beam reader and the external term decoder.
fuzz:
	cargo build --release -q -p purlin-testkit --bin purlin-fuzz
	target/release/purlin-fuzz beam $(SECONDS_EACH)
	target/release/purlin-fuzz etf $(SECONDS_EACH)

# Every benchmark on Purlin and on the BEAM in alternation, as a table: `make bench ONLY=ring RUNS=3`.
bench: setup build
	cargo build --release -q -p purlin-testkit --bin purlin-bench
	target/release/purlin-bench $(PURLIN) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS))
