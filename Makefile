# Entry points; what they do in detail is CMakePresets.json and scripts/. `make help` lists them.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
CTEST = ctest --output-on-failure --no-tests=error
export ASAN_OPTIONS ?= detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
export UBSAN_OPTIONS ?= print_stacktrace=1:halt_on_error=1
TSAN_DEFAULT = halt_on_error=0:exitcode=66:second_deadlock_stack=1:history_size=7
export TSAN_OPTIONS ?= $(TSAN_DEFAULT)$(if $(wildcard tests/tsan.supp),:suppressions=$(CURDIR)/tests/tsan.supp)

.DEFAULT_GOAL := help
.PHONY: run cluster build test sim bench bench-cluster asan tsan fuzz lint fmt clean help

help:  ## list these targets
	@sed -n 's/^\([a-z -]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run:  ## build and start a development node on http://127.0.0.1:8080
	@scripts/bootstrap web
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target nacred nacre -j $(JOBS)
	@scripts/run-dev

cluster:  ## build and start a development cluster: three nodes from http://127.0.0.1:8080 on
	@scripts/bootstrap web
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target nacred nacre -j $(JOBS)
	@exec build/release/bin/nacre cluster dev --nodes 3 --data-dir data/cluster --http-base-port 8080

build:  ## release binaries: build/release/bin/nacred and nacre
	@scripts/bootstrap web
	cmake --preset release
	cmake --build --preset release --target nacred nacre -j $(JOBS)

test:  ## build everything (release) and run every test
	@scripts/bootstrap web test browser
	cmake --preset release
	cmake --build --preset release -j $(JOBS)
	$(CTEST) --test-dir build/release -j 2

sim:  ## the replicated log over SEEDS (20000) random histories; SEED=n replays one
	@scripts/bootstrap
	cmake --preset release
	cmake --build --preset release --target test_sim -j $(JOBS)
	$(if $(SEED),NACRE_SIM_SEED=$(SEED),NACRE_SIM_SEEDS=$(or $(SEEDS),20000)) build/release/bin/test_sim

asan tsan:  ## every test under AddressSanitizer + UBSan, or ThreadSanitizer
	@scripts/bootstrap test
	cmake --preset $@
	cmake --build --preset $@ -j $(JOBS)
	$(CTEST) --test-dir build/$@

fuzz:  ## each libFuzzer target for FUZZ_SECONDS (60)
	@scripts/bootstrap fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	@scripts/run-fuzz build/fuzz/bin $(FUZZ_SECONDS)

bench:  ## the benchmark report, beside ceilings measured in the same run
	@scripts/bootstrap web bench
	cmake --preset release
	cmake --build --preset release -j $(JOBS)
	build/release/bin/nacre_bench

bench-cluster:  ## three nodes beside three members of etcd; QUICK=1: in two minutes
	@scripts/bootstrap web bench
	cmake --preset release
	cmake --build --preset release --target nacre_bench -j $(JOBS)
	build/release/bin/nacre_bench --only cluster $(if $(QUICK),--quick)

lint:  ## clang-format, clang-tidy (changed files; ALL=1 for all) and the grep gates
	@scripts/bootstrap web lint
	@scripts/check-gates
	@scripts/run-lint $(if $(ALL),--all)

fmt:  ## format the C++ files in place
	@scripts/bootstrap lint
	git ls-files -z -- '*.cpp' '*.hpp' | xargs -0 -r clang-format -i

clean:  ## remove build/ (data/ is yours and stays)
	rm -rf build
