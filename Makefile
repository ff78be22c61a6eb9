# Everything one does with this project. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# `dev` or `release`: the binaries that the local stack runs.
PROFILE ?= dev
# Where `make test` looks for free ports; a stack that is up is not disturbed.
TEST_PORT_BASE ?= 4660
# How release binaries are built and where they are then; see infra/build/artefacts.py.
CARGO_BUILD ?= cargo build
BUILT ?= $(or $(CARGO_TARGET_DIR),target)/release

export PROFILE PYTHON
export SAM_CLI_TELEMETRY := 0

step := infra/build/step
stack := env PYTHONPATH=infra/local .local/venv/bin/python -m stack
functions := $(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml))
BUILT_HERE = $(or $(CARGO_TARGET_DIR),target)/$(if $(filter release,$(PROFILE)),release,debug)
# From which the storm of faults and the requests of every kind draw: any number.
SEED ?= 1
release_flag := $(if $(filter release,$(PROFILE)),--release)

##@ The stack on this machine
.PHONY: dev
dev: .local/venv/ready binaries ## Start it, play the three workflows, stay up until Ctrl-C
	@$(stack) play -- cargo run --quiet $(release_flag) -p stories --bin play

.PHONY: up
up: .local/venv/ready binaries ## Start it in the background, or bring a running one up to date
	@$(stack) up

.PHONY: down
down: .local/venv/ready ## Stop it
	@$(stack) down

.PHONY: addresses
addresses: .local/venv/ready ## Where everything is
	@$(stack) addresses

.PHONY: token
token: .local/venv/ready ## A JWT for it: make token SCOPE=usher/trader SUB=trader-1 [TTL=3600]
	@$(stack) token --scope "$(SCOPE)" --sub "$(SUB)" --seconds "$(or $(TTL),3600)"

.PHONY: sweep
sweep: .local/venv/ready ## Run the expiry function once, now
	@$(stack) sweep

.PHONY: daily-check
daily-check: .local/venv/ready ## Begin the daily check of all members, now
	@$(stack) daily-check

.PHONY: look
look: .local/venv/ready ## What is in its tables and queues, as JSON
	@$(stack) look

.PHONY: pool-link
pool-link: .local/venv/ready ## The link by which an operator adds spare groups to the pool
	@$(stack) pool-link

.PHONY: redrive
redrive: .local/venv/ready ## Send its dead letters again, once their cause is repaired
	@$(stack) redrive

.PHONY: alarms
alarms: .local/venv/ready ## Whether its alarms on figures of our own would ring
	@$(stack) alarms

.PHONY: logs
logs: .local/venv/ready ## Follow what the functions write
	@$(stack) logs

##@ Checks
.PHONY: test
test: .local/venv/ready .local/venv-schemathesis/ready check-template ## Everything: style, lints, docs, unit and end-to-end tests
	@$(step) "Formatting" cargo fmt --all --check
	@$(step) "Lints" cargo clippy --workspace --all-targets --features testkit/emulator --locked -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(step) "Documentation" cargo doc --workspace --features testkit/emulator --lib --examples --no-deps --locked --quiet
	@$(step) "Tests of the stack's scripts" .local/venv/bin/python -W ignore::ResourceWarning -m unittest discover -q -s infra/local/tests -t infra/local
	@$(step) "Unit, property and handler tests" infra/build/cargo-tests except stories testkit:dynamodb testkit:sqs
	@$(step) "Conformance on the AWS emulator" infra/build/with-emulator infra/build/cargo-tests testkit:dynamodb testkit:sqs
	@$(step) "Examples in the documentation" cargo test --workspace --features testkit/emulator --doc --locked --quiet
	@$(MAKE) binaries BESIDE="--test '*' --features testkit/emulator"
	@PORT_BASE=$(TEST_PORT_BASE) $(step) "End-to-end stories" env NEXTEST_TEST_THREADS=6 $(stack) run -- infra/build/cargo-tests stories
	@$(MAKE) any-request HOW_LONG="--cases 5"
	@$(MAKE) storm STORM_SECONDS=15

.PHONY: soak
soak: soak-world ## Faults for long: the simulated world, then the real functions: [SCHEDULES=1000000] [SECONDS=180] [SEED=…]
	@$(MAKE) soak-real PROFILE=release

.PHONY: soak-world
soak-world: ## The simulated world alone: make soak-world [SCHEDULES=1000000] [SEED=…]
	@cargo run --locked --quiet --profile soak -p testkit --bin world -- soak $(or $(SCHEDULES),1000000) $(SEED)

.PHONY: replay
replay: ## One schedule of it, told as the smallest story: make replay SCHEDULE=…
	@cargo run --locked --quiet -p testkit --bin world -- shrink "$(SCHEDULE)"

.PHONY: deliberate-mistakes
deliberate-mistakes: ## How soon the simulated world finds each mistake that is made on purpose
	@cargo run --locked --quiet -p testkit --bin world -- bugs

.PHONY: soak-meetings
soak-meetings: ## Every single fault while somebody is in the middle of something and something else happens
	@cargo run --locked --quiet --profile soak -p testkit --bin world -- meetings

.PHONY: soak-real
soak-real: .local/venv/ready binaries ## The real functions under faults and kills: SECONDS=180 SEED=… [PROFILE=release]
	@$(MAKE) storm STORM_SECONDS=$(or $(SECONDS),180)

.PHONY: storm
storm:
	@PORT_BASE=$(TEST_PORT_BASE) $(step) "Storm of $(STORM_SECONDS) s on the real functions" $(stack) faults -- \
	  $(BUILT_HERE)/storm --seconds $(STORM_SECONDS) --seed $(SEED)

.PHONY: schemathesis
schemathesis: .local/venv/ready .local/venv-schemathesis/ready binaries ## Requests of every kind from the contract: SECONDS=600 SEED=…
	@$(MAKE) any-request HOW_LONG="--seconds $(if $(filter command line,$(origin SECONDS)),$(SECONDS),600)"

.PHONY: any-request
any-request:
	@PORT_BASE=$(TEST_PORT_BASE) $(step) "Requests of every kind" $(stack) run -- \
	  .local/venv/bin/python infra/local/bad-input/run.py $(HOW_LONG) --seed $(SEED)

.PHONY: fuzz
fuzz: ## Bad input that learns which branches it takes: SECONDS=60 for each way in; needs g++
	@RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/infra/fuzz/covered $(step) "Fuzzer" cargo build --locked --workspace --bin fuzz --features fuzz/libfuzzer
	@for way in $(notdir $(wildcard shared/testkit/tests/bad_input/corpus/*)); do \
	  $(step) "Bad input: $$way" infra/fuzz/run $$way $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60); done

.PHONY: bench
bench: .local/bench/ready .local/venv/ready binaries ## Beside the throttlers that others use, then the real functions: writes infra/bench/RESULTS.md [REMOVALS=10000]
	@$(step) "Everybody in virtual time" $(BUILT_HERE)/bench --peers .local/bench --seed $(SEED) \
	  --removals $(or $(REMOVALS),10000) --write infra/bench
	@$(MAKE) bench-real

.PHONY: bench-real
bench-real: .local/venv/ready binaries ## The real functions alone, in real time: writes its part there [PROFILE=release]
	@PORT_BASE=$(TEST_PORT_BASE) $(step) "The real functions in real time" $(stack) run -- \
	  $(BUILT_HERE)/bench-real --write infra/bench

.PHONY: check-template
check-template: .local/venv-tools/ready ## Validators on template.yaml and infra/openapi.yaml
	@$(step) "template.yaml: cfn-lint" .local/venv-tools/bin/cfn-lint template.yaml
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(step) "template.yaml: sam validate" \
	  .local/venv-tools/bin/sam validate --lint
	@$(step) "infra/openapi.yaml: valid" .local/venv-tools/bin/openapi-spec-validator infra/openapi.yaml

##@ On AWS
.PHONY: build
build: ## The release artefacts, in target/lambda
	@$(step) "Release build" $(CARGO_BUILD) --release --locked $(addprefix -p ,$(functions))
	@$(step) "Artefacts" python3 infra/build/artefacts.py $(BUILT)

.PHONY: deploy
deploy: build .local/venv-tools/ready ## Deploy them with sam, then register the webhook (settings: README)
	@.local/venv-tools/bin/python infra/build/deploy.py

##@ Else
.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo

# BESIDE: what else is built. Beside the tests, what the tests were built of is used again: alone, the
# binaries would want other features of tokio and the AWS SDK, and compile everything once more.
.PHONY: binaries
binaries:
	@$(step) "Binaries ($(PROFILE))" cargo build --workspace --bins $(BESIDE) --locked $(release_flag)

.local/bench/ready: $(wildcard infra/bench/peers/*/*)
	@$(step) "The others of the bench" infra/bench/peers/install .local/bench

.local/venv/ready: infra/local/requirements.txt
	@$(step) "Python packages of the local stack" infra/build/venv .local/venv $<

.local/venv-schemathesis/ready: infra/local/bad-input/requirements.txt
	@$(step) "schemathesis" infra/build/venv .local/venv-schemathesis $<

.local/venv-tools/ready: infra/build/requirements.txt
	@$(step) "sam and cfn-lint" infra/build/venv .local/venv-tools $<
