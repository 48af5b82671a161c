# One word per loop; `make` alone lists them. CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps build demo test check fmt bench fuzz sim up conformance docs clean

JOBS ?= $(shell nproc)
ROUNDS ?= 200
SEED ?=
SCENARIO ?=
PART ?=
PROJECT ?= examples/web-analytics
FUZZ_SECONDS ?= 60
PYTHON := /usr/bin/python3
NINJA := cmake --build
CTEST := ctest --output-on-failure --no-tests=error -j $(JOBS)

help: ## list the loops
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

deps: ## install what building, testing and checking need
	tools/install_deps.sh check

build: ## build everything for development, into build/dev
	tools/install_deps.sh test
	cmake --preset dev
	$(NINJA) build/dev -j $(JOBS)

demo: ## drop session files, watch them become rows
	tools/install_deps.sh build
	cmake --preset release
	$(NINJA) build/release -j $(JOBS) --target weir
	examples/web-analytics/demo.sh build/release/src/weir

test: build ## build and run every test
	$(CTEST) --test-dir build/dev

check: ## format, sanitizers, a brief fuzz, the crash simulation
	tools/install_deps.sh check
	tools/format.sh --check
	cmake --preset asan && $(NINJA) build/asan -j $(JOBS)
	$(CTEST) --test-dir build/asan -LE slow
	cmake --preset tsan && $(NINJA) build/tsan -j $(JOBS)
	TSAN_OPTIONS="suppressions=$(CURDIR)/tools/tsan.supp detect_deadlocks=0 ignore_noninstrumented_modules=1" $(CTEST) --test-dir build/tsan -LE slow
	$(MAKE) fuzz
	$(MAKE) sim

fmt: ## format the C++ sources
	tools/install_deps.sh test
	tools/format.sh

bench: ## measure, and write docs/benchmarks.md; PART=queue for one section
	tools/install_deps.sh check
	cmake --preset bench && $(NINJA) build/bench -j $(JOBS)
	$(PYTHON) bench/run.py --build build/bench --output docs/benchmarks.md $(addprefix --part ,$(PART))

fuzz: ## run every fuzzer, FUZZ_SECONDS=60 in all
	tools/install_deps.sh check
	cmake --preset fuzz && $(NINJA) build/fuzz -j $(JOBS) --target fuzzers
	tools/fuzz.sh build/fuzz $(FUZZ_SECONDS)

sim: build ## kill weir, fail its disk, lock its files …, ROUNDS=200 SEED=n SCENARIO=kill
	$(PYTHON) tests/sim/sim.py --weir build/dev/src/weir --faulty-files build/dev/tests/sim/faulty_files.so \
	  --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(if $(SCENARIO),--scenario $(SCENARIO))

up: ## build, then watch PROJECT=examples/web-analytics until Ctrl-C
	tools/install_deps.sh build
	cmake --preset release
	$(NINJA) build/release -j $(JOBS) --target weir
	build/release/src/weir up --project $(PROJECT)

conformance: ## other people's clients and servers against ours
	tools/conformance.sh

docs: build ## write the generated reference pages
	tools/write_reference.sh build/dev/src/weir

clean: ## forget every build
	rm -rf build
