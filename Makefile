# The doors of this repository. `make run` and `make test` install what is missing, build, and go.
#
# Variables: JOBS (compilers at once), DUCKDB_ROOT (a DuckDB of your own: a prefix with
# include/duckdb.h and lib/libduckdb.so), DEMO (flags for the demo: make run DEMO="--orders 1000000"),
# STAGES (some stages of the tests: make test STAGES="tidy unit"), SEED and MINUTES (of make soak).

JOBS ?= $(shell nproc)
DEMO ?=
STAGES ?=
SECONDS ?= 60
SEED ?=
MINUTES ?= 10
RELEASE := build/release
# ccache is looked for when the line runs: on a new machine it has just been installed.
CONFIGURE = mkdir -p build && cmake --preset release $(if $(DUCKDB_ROOT),-DDUCKDB_ROOT=$(DUCKDB_ROOT)) \
  $$(command -v ccache > /dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache) \
  > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
export DUCKDB_ROOT JOBS

.DEFAULT_GOAL := help
.PHONY: help run test soak build bench format tidy fuzz clean deps

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build  ## install what is missing, build, run the demo
	@$(RELEASE)/freshet demo $(DEMO)

test:  ## the same, then every test; ends with one line: N passed, N failed
	@packaging/install-deps.sh build run test || { echo "0 passed, 1 failed"; exit 1; }
	@/usr/bin/python3 tests/run.py $(STAGES)

soak: build  ## the random oracle for MINUTES (10), from SEED on; stops at the first difference
	@packaging/install-deps.sh test
	@cd tests && /usr/bin/python3 -m oracle $(if $(SEED),--seed $(SEED)) --minutes $(MINUTES)

build:  ## release build: build/release/freshet
	@packaging/install-deps.sh build run
	@$(CONFIGURE)
	@cmake --build $(RELEASE) --target freshet -j $(JOBS)

bench:  ## the figures of the README, as a table and as JSON
	@packaging/install-deps.sh build run test bench
	@$(CONFIGURE)
	@cmake --build $(RELEASE) --target freshet -j $(JOBS)
	@/usr/bin/python3 bench/run.py

format:  ## format every C++ file
	@packaging/install-deps.sh format
	@find src tests bench -name '*.h' -o -name '*.cc' | xargs -r clang-format-14 -i

tidy:  ## clang-tidy over src (slow); FILES="src/stream/stream.cc …" for some
	@packaging/install-deps.sh build tidy
	@$(CONFIGURE)
	@packaging/run-clang-tidy.sh $(RELEASE) $(FILES)

fuzz:  ## every fuzz target for SECONDS each (60)
	@packaging/install-deps.sh build run fuzz
	@mkdir -p build && cmake --preset fuzz > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/fuzz -j $(JOBS)
	@for target in $$(find build/fuzz/src -name '*_fuzz' -type f); do \
	  echo "$$target"; $$target -max_total_time=$(SECONDS) > $$target.log 2>&1 || { tail -40 $$target.log; exit 1; }; \
	  tail -1 $$target.log; done

deps:  ## only install what is missing
	@packaging/install-deps.sh build run test

clean:  ## remove what was built
	rm -rf build
