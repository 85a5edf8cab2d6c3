# What every target makes stands in README.md. Nothing here needs more than Python 3.11+ and make.

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint format bench docs lock clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# -- the environment: made once, made again when the lock changes ------------------------------------------------------

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Accord needs Python 3.11 or newer; $(PYTHON) is older. Say which to use: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; rm -rf .venv; exit 1; }

.venv/ready: requirements.txt pyproject.toml | .venv/pyvenv.cfg
	@echo "Installing Accord into .venv (a minute, once) ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-dev: requirements-dev.txt .venv/ready
	@echo "Installing the tools that test Accord into .venv ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.txt
	@touch $@

# -- the two commands of the README ------------------------------------------------------------------------------------

demo: .venv/ready  ## make a place of 50,000 people, measure it, settle the GP contract, write statements
	@$(BIN)/python -m accord.cli.demo

test: .venv/ready-dev  ## every test that takes seconds
	$(BIN)/python -m pytest -n $(WORKERS)

# -- the rest ----------------------------------------------------------------------------------------------------------

test-long: .venv/ready-dev  ## the tests that take minutes too
	$(BIN)/python -m pytest -n $(WORKERS) -m "long or not long"

lint: .venv/ready-dev  ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: .venv/ready-dev  ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready-dev  ## speed, side by side with hand-written SQL and floating point
	$(BIN)/python -m bench

docs: .venv/ready-dev  ## write the generated pages again: the language reference, the commands
	$(BIN)/python -m tests.spec.book
	$(BIN)/python -m tests.measures.spec.book
	$(BIN)/python -m accord.cli.reference
	$(BIN)/python -m tests.test_tutorial

lock: .venv/pyvenv.cfg  ## choose the newest parts again and write both lock files
	$(BIN)/python -m pip install -q pip-tools
	$(BIN)/python -m piptools compile -q --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-emit-options --upgrade --all-build-deps --extra simulation \
	  --output-file requirements.txt pyproject.toml
	$(BIN)/python -m piptools compile -q --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-emit-options --upgrade --all-build-deps --extra dev \
	  --extra spark --extra simulation -c requirements.txt \
	  --output-file requirements-dev.txt pyproject.toml

clean:  ## remove what was made, the environment too
	rm -rf .venv build dist demo .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
