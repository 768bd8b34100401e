# The doors of the project. Each works on a fresh clone and installs what it needs into .venv.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help install demo test lint bench lock clean

help:          ## show this
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/'

.venv/.installed: requirements.lock pyproject.toml hatch_build.py src/tradewinds/engine/event_contracts/kernel.c
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is missing; install Python 3.11 or set PYTHON=." >&2; exit 2; }
	$(PYTHON) -m venv .venv 2> /dev/null || { $(PYTHON) -m pip install --quiet virtualenv && $(PYTHON) -m virtualenv --quiet .venv; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

install: .venv/.installed    ## make .venv with the locked versions

demo: install  ## a backtest of two cities over a synthetic archive, no internet
	$(BIN)/python scripts/demo.py

test: install  ## every test, and the linters
	scripts/services.sh
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile

lint: install  ## ruff, clang-format, snakefmt, snakemake --lint, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror src/tradewinds/engine/event_contracts/*.c
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint --configfile config/kalshi_chicago.yaml
	$(BIN)/mypy

bench: install ## the figures of PERFORMANCE.md
	$(BIN)/python benchmarks/run_all.py

lock:          ## pin all dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra signing --extra cluster --python-version 3.11 --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:         ## remove what can be made again; fetched data stays
	rm -rf .venv demo logs .snakemake
