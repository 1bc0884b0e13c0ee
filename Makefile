# Everything that a contributor runs. `make` alone lists the targets.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUILT := $(or $(CARGO_TARGET_DIR),target)/debug
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

ifeq ($(NEXTEST),yes)
  TEST_RUN := cargo nextest run --workspace $(if $(filter true,$(CI)),--profile ci)
else
  TEST_RUN := cargo test --workspace --lib --bins --tests
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## build Tieline and start it with demo data
	cargo run --package tieline -- serve --demo

# The tests themselves come last, so that their summary is the last thing on the screen.
.PHONY: test
test: lint build-tests doc-tests check-generated ## all checks and tests; on PostgreSQL too when it is installed
	$(if $(NEXTEST),,@echo "cargo-nextest is not installed: falling back to cargo test" >&2)
	$(BUILT)/with-postgres -- $(TEST_RUN)

.PHONY: lint
lint: ## formatting, and clippy without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

.PHONY: fmt
fmt: ## format the code
	cargo fmt --all

.PHONY: build-tests
build-tests:
	cargo build --workspace --bins --tests

.PHONY: doc-tests
doc-tests:
	cargo test --workspace --doc --quiet

.PHONY: generate
generate: build-tests ## rewrite the files that the program prints: API description, default settings
	scripts/generated.sh write $(BUILT)/tieline

.PHONY: check-generated
check-generated: build-tests
	scripts/generated.sh check $(BUILT)/tieline

.PHONY: deny
deny: ## licences, advisories and banned dependencies (needs cargo-deny)
	cargo deny check

.PHONY: bench
bench: ## measure throughput and latency against the budgets
	scripts/bench.sh
	scripts/bench-calls.sh
	scripts/bench-mapping.sh

.PHONY: soak
soak: ## run under load for long, with crashes, replays, and a store that has grown
	scripts/soak.sh
	scripts/soak-replay.sh
	scripts/soak-growth.sh

.PHONY: fuzz
fuzz: ## fuzz what reads the texts of tenants (needs a nightly toolchain and cargo-fuzz)
	scripts/fuzz.sh

.PHONY: setup
setup: ## install what the tests need on Debian or Ubuntu
	scripts/setup.sh
