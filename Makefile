# Commands for developers. Each works on a fresh clone and installs what it needs into .venv.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Where the environment forbids compiled modules, each of some thousand processes would compile what it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-fast lint lint-formats docs wheel bench lock clean

help:          ## list these commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

LOCKED := requirements.lock pyproject.toml hatch_build.py scripts/install.sh $(wildcard src/tradewinds/engine/*/*.[ch])

.venv/.runs: $(LOCKED)
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is missing; install Python 3.11, 3.12 or 3.13, or set PYTHON=." >&2; exit 2; }
	$(PYTHON) -m venv .venv 2> /dev/null || { $(PYTHON) -m pip install --quiet virtualenv && $(PYTHON) -m virtualenv --quiet .venv; }
	scripts/install.sh run
	touch $@

.venv/.installed: .venv/.runs
	scripts/install.sh all
	touch $@

install: .venv/.installed    ## make .venv with the locked versions

demo: .venv/.runs  ## run a backtest of two cities over a synthetic archive, without internet
	$(BIN)/tradewinds demo

test:          ## run all linters and tests; mypy works beside them and says at the end what it found
	scripts/services.sh & services=$$!; \
	$(MAKE) --no-print-directory install || { wait $$services; exit 1; }; \
	$(BIN)/mypy > .venv/mypy.txt 2>&1 & types=$$!; failed=0; \
	$(MAKE) --no-print-directory lint-formats && wait $$services || { wait; cat .venv/mypy.txt; exit 1; }; \
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder || failed=$$?; \
	wait $$types || failed=1; \
	cat .venv/mypy.txt; exit $$failed

test-fast: install  ## run what needs no service, no workflow and no quarter of a second, in a minute or two: for the time between two edits
	$(BIN)/python -m pytest --quiet --numprocesses auto --dist loadfile -m 'not slow' tests/unit tests/families

lint: install  ## run mypy and, meanwhile, ruff, clang-format, snakefmt and snakemake --lint
	$(BIN)/mypy & types=$$!; \
	$(MAKE) --no-print-directory lint-formats || { wait $$types; exit 1; }; \
	wait $$types

lint-formats:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror src/tradewinds/engine/*/*.[ch] tests/warm/*.c
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint --configfile config/kalshi_chicago.yaml

docs: install  ## build the documentation site into site/, and fail if a link leads nowhere
	$(BIN)/mkdocs build --strict --quiet

wheel: install ## build the wheel into dist/: one for every Python from 3.11 on, on Linux with glibc 2.17 or later
	scripts/wheel.sh dist

bench: install ## measure the figures of PERFORMANCE.md and write the page
	$(BIN)/python benchmarks/run_all.py

lock:          ## resolve all dependencies again and write requirements.lock, for every Python from 3.11 on
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra signing --extra cluster --universal --python-version 3.11 --no-emit-index-url --no-header --quiet --generate-hashes --output-file requirements.lock

clean:         ## remove .venv, the demo and logs; fetched data and runs stay
	rm -rf .venv demo dist logs site .snakemake
