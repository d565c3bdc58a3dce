# Every target is one command. The first one prepares .venv from the lock, once; it needs CPython >= 3.11, pip, make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test test-fast test-storage test-others test-clock fuzz check all format diagram docs wheel up bench day drill month chaos lock clean
help: ## Show this help
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Miraikakaku needs CPython >= 3.11; call make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "preparing .venv from requirements.lock, one or two minutes, once"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY) ## The whole pipeline against a simulated exchange; SYMBOLS=n for fewer than 400 issues
	$(BIN)/miraikakaku demo $(if $(SYMBOLS),--symbols $(SYMBOLS))

test: $(READY) ## The whole test suite against a real PostgreSQL
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## Tests without those marked slow
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-storage: $(READY) ## Dagster's own storage tests against our instance storage; asks the package index for them once
	$(BIN)/python -m miraikakaku_assets_tests.storage.dagster_tests_source
	$(BIN)/python -m pytest -n 2 -W ignore miraikakaku_assets_tests/storage/dagster_storage.py

test-others: $(READY) ## Suites that others wrote: ta-lib-python's, exchange_calendars', yfinance's pairs; asks the package index once
	$(BIN)/python -m miraikakaku_assets_tests.others.source_distributions
	$(BIN)/python -m pytest -W ignore miraikakaku_assets_tests/others/talib_suite.py miraikakaku_assets_tests/others/calendar_answers.py miraikakaku_assets_tests/others/repair_suite.py

fuzz: $(READY) ## Parsers with coverage guidance; TARGET=name for one, SECONDS=n of each; needs atheris, see CONTRIBUTING.md
	$(BIN)/python -m miraikakaku_assets_tests.fuzz $(or $(TARGET),all) $(or $(SECONDS),60)

test-clock: $(READY) ## The suite at other moments and on a busy machine; MOMENT=leap-day for one, ARGS=… for pytest
	$(BIN)/python -m miraikakaku_assets_tests.at_moments $(MOMENT) $(ARGS)

check: $(READY) ## Formatter, linter, type checker, import contract, unused dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg
	$(BIN)/deptry .

all: check test test-storage ## check and every test

format: $(READY) ## Format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

diagram: $(READY) ## Draw the diagram of packages in docs/architecture.md from the imports
	$(BIN)/python -m miraikakaku_assets_tests.package_diagram

docs: $(READY) ## The documentation site in site/, with every link checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "open site/index.html"

wheel: $(READY) ## dist/miraikakaku_assets-….whl; installed after requirements.lock it runs anywhere
	rm -rf dist
	$(BIN)/hatchling build -t wheel -d dist

up: $(READY) ## Dagster web UI on http://127.0.0.1:3000, its daemon, REST API on :8000, dashboard on :8501
	$(BIN)/miraikakaku up

bench: $(READY) ## Benchmarks; QUICK=1 for a small size, ONLY=name,… for some
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

day: $(READY) ## A simulated day: 16,000 symbols, faults, killed processes, then the books; SYMBOLS=n for fewer
	$(BIN)/python -m benchmarks.simulated_day $(if $(SYMBOLS),--symbols $(SYMBOLS))

drill: $(READY) ## Damages of a demo, each noticed, told once and mended; ONLY=name,… for some
	$(BIN)/miraikakaku drill $(if $(ONLY),--only $(ONLY))

month: $(READY) ## A month of simulated operation: no false high alert and none missed; DAYS=n for less; needs libfaketime
	$(BIN)/python -m benchmarks.month --measure docs/operations.md $(if $(DAYS),--days $(DAYS))

chaos: $(READY) ## Random kills and broken connections; contents as after an undisturbed round; SEED=n, ROUNDS=n
	$(BIN)/python -m benchmarks.chaos --seed $(or $(SEED),7) --rounds $(or $(ROUNDS),50)

lock: $(READY) ## Resolve requirements.lock anew (hashes, no host names, no CUDA)
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --python-version 3.11 --no-header -q -o requirements.lock

clean: ## Remove the virtual environment, what was downloaded for tests, and what was built
	rm -rf .venv .cache site dist
