# The project's commands. Each says in one line what it does (`make help`); the logic is in scripts/.
# Each installs what it needs first (Debian 12 with Rust and Python) and says nothing if it is there.

PREFIX ?= /usr/local
DESTDIR ?=
# How long `make soak` (10), `make soak-store`, `make stress` and `make fuzz` (20) go on, in minutes, and the seed that
# replays a run of theirs.
MINUTES ?=
SEED ?=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup run test test-c test-python test-pythons test-php test-php-zts bench bench-daemon bench-python bench-php bench-store install deb soak soak-store stress fuzz sanitize miri clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## install everything any target needs
	@scripts/setup.sh build c php adapters python memcached bench checks deb packaging

run: ## the demo: users in SQLite behind the cache, in C, Python and PHP; one cache for all three; orders in a durable store
	@scripts/setup.sh build c php python memcached
	@scripts/run.sh

test: ## every test of every part; the last line counts the stages
	@scripts/setup.sh build c php adapters python memcached checks deb packaging
	@scripts/test.sh

test-c: ## the tests of the C library alone
	@scripts/setup.sh build c checks
	@tests/c/run.sh

test-python: ## the tests of the Python module alone
	@scripts/setup.sh build python
	@tests/python/run.sh

test-pythons: ## the Python module in every Python from 3.9 on that is found (PYTHONS names them), a wheel for each
	@scripts/setup.sh build
	@tests/python/pythons.sh

test-php: ## the tests of the PHP extension alone
	@scripts/setup.sh build php adapters memcached
	@tests/php/run.sh

test-php-zts: ## the PHP extension in PHPs with threads and in debug builds, which it builds first (10 minutes, once)
	@scripts/setup.sh build php php-source
	@scripts/php_zts.sh

bench: ## every benchmark; one table, also in target/bench/summary.md (TRACES=directory: hit ratios too)
	@scripts/setup.sh build c php python memcached bench redis
	@scripts/bench.sh

bench-daemon: ## nearcached beside the machine's memcached (ROUNDS, SECONDS_EACH, ONLY: see server/bench.sh)
	@scripts/setup.sh build memcached
	@server/bench.sh

bench-python: ## the Python module beside other caches for Python (REPORT=directory: a table and a chart)
	@scripts/setup.sh build python memcached
	@REPORT='$(REPORT)' bindings/python/benches/run.sh

bench-php: ## NearCache\Cache beside APCu, Yac and php-memcached (ROUNDS, BARS=1; REPORT=directory for a table and a chart)
	@scripts/setup.sh build php memcached bench
	@scripts/faces.sh php
	@REPORT='$(REPORT)' bindings/php/benches/bench.sh

bench-store: ## the store and the queues beside SQLite, LMDB and Redis (QUICK=1, BARS=1; REPORT=directory: a table and a chart)
	@scripts/setup.sh build redis
	@QUICK='$(QUICK)' REPORT='$(REPORT)' tests/compare-store/bench.sh

install: ## library, headers, nearcached, nearcache, pages, completions, units: under PREFIX (/usr/local) in DESTDIR
	@scripts/setup.sh build
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' scripts/install.sh

deb: ## Debian packages of the daemon, the command, the library and its header, in target/deb
	@scripts/setup.sh build deb
	@scripts/deb.sh

soak: ## processes in C, Python, PHP and Rust on one cache, killed and stopped at random for MINUTES (10)
	@scripts/setup.sh build c php python
	@scripts/faces.sh
	@MINUTES='$(MINUTES)' SEED='$(SEED)' scripts/soak.sh processes

soak-store: ## losses of power replayed, processes killed and queues beside their model, with new seeds for MINUTES (20)
	@scripts/setup.sh build
	@MINUTES='$(MINUTES)' SEED='$(SEED)' scripts/soak.sh store

stress: ## threads on one cache: the concurrent tests, repeated with new seeds for MINUTES (20)
	@scripts/setup.sh build
	@MINUTES='$(MINUTES)' SEED='$(SEED)' scripts/soak.sh stress

fuzz: ## random verbs beside the sequential model, in damaged arenas, and from clients of the daemon, for MINUTES (20)
	@scripts/setup.sh build
	@MINUTES='$(MINUTES)' SEED='$(SEED)' scripts/soak.sh model

sanitize: ## short rounds of the engine under the thread and the address sanitizer
	@scripts/setup.sh build
	@core/tests/sanitizers.sh

miri: ## the engine's protocols under Miri (needs a nightly toolchain; says which)
	@core/tests/miri.sh

clean: ## remove what was built: target/ and .venv
	@rm -rf target .venv
