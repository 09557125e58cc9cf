# `make` alone lists the targets.
PYTHON ?= python3.11
VENV := .venv
RUN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What is translated; English is the language of the texts themselves.
LANGUAGES := de fr es

.DEFAULT_GOAL := help
.PHONY: help install system demo test test-postgresql-15 lint types imports suite bench fmt lock messages clean

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-20s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { deploy/install-system python3.11-venv && $(PYTHON) -m venv $(VENV); }
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(RUN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

install: $(STAMP) ## Create the environment in .venv from the hashed lock file

system: ## Install what only the operating system has (Chromium, nginx, PostgreSQL 15, Redis), where we may
	@deploy/install-system chromium nginx-light postgresql-15 redis-server

demo: install ## Start everything with three branded resellers on http://kontor.localhost:8000
	@$(RUN)/kontor demo

test: install system lint types imports suite ## Run every check and the whole suite

lint: install ## Check style
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: install ## Check types
	$(RUN)/mypy

imports: install ## Check the import order
	$(RUN)/lint-imports

suite: install ## Run the tests alone
	$(RUN)/python -m pytest

test-postgresql-15: install system ## Run the tests on Debian's PostgreSQL 15
	KONTOR_TEST_POSTGRES=/usr/lib/postgresql/15/bin $(RUN)/python -m pytest

bench: install system ## Measure, and write docs/benchmarks.md
	$(RUN)/python -m tests.benchmarks

fmt: install ## Format the code
	$(RUN)/ruff check --fix --quiet . || true
	$(RUN)/ruff format .

lock: install ## Pin the newest releases, with hashes and without addresses
	$(RUN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade --quiet -o requirements/dev.txt
	$(RUN)/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet -c requirements/dev.txt -o requirements/run.txt

messages: install ## Collect texts and compile the catalogues
	@mkdir -p build
	$(RUN)/pybabel -q extract -F babel.cfg --ignore-dirs ".* ._* build var" --add-location=file --project=Kontor -o build/messages.pot .
	for language in $(LANGUAGES); do \
	  $(RUN)/pybabel -q update --init-missing --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -i build/messages.pot -d app/web/translations -l $$language || exit 1; \
	done
	$(RUN)/pybabel -q compile -d app/web/translations

clean: ## Remove the environment and the demo's data
	@test ! -x $(RUN)/kontor || $(RUN)/kontor demo --remove
	rm -rf $(VENV) var build *.egg-info
