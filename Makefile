# ivigil: one command for everything. A bare machine needs python3 (3.11 or newer, with venv), make and git.
#
#   make run      a first look: the demonstration
#   make test     everything that must hold before a change lands
#   make check    the same without the slow tests; changes nothing, reports every failure
#   make bench    the measurements
#   make docs     build the documentation's generated parts
#   make mutants  break each safety control, then each rule of the infusion room, and show that a test notices
#   make setup    only the set-up (run, test and the others do it themselves)
#   make lock     resolve the dependencies anew into uv.lock
#   make clean    remove all that make made

PYTHON ?= python3
UV_VERSION := 0.13.8

BIN := .venv/bin
UV := .tools/bin/uv
UV_STAMP := .tools/uv-$(UV_VERSION).stamp
VENV_STAMP := .venv/ivigil.stamp
KERNELS_STAMP := .venv/kernels.stamp
KERNELS := $(wildcard src/ivigil/kinetics/*.py)

# uv uses the python3 found here, downloads none, and keeps to this folder whatever environment the caller is in.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
UV_PYTHON = $$($(PYTHON) -c 'import sys; print(sys.executable)')

# What the checkers read; a folder counts from the day it exists.
CHECKED := $(wildcard src tests benchmarks docs/*.py)

CHECKS := \
  "$(BIN)/ruff check $(CHECKED)" \
  "$(BIN)/ruff format --check $(CHECKED)" \
  "$(BIN)/mypy $(CHECKED)" \
  "$(BIN)/lint-imports --no-logo"

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench docs mutants lock clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: $(KERNELS_STAMP)
	@:

run: setup
	@$(BIN)/python -m ivigil.cli.demo

# Runs every line even when one fails, then names those that failed.
define run_all
@failed=""; \
for command in $(1); do \
  printf '\n--- %s\n' "$$command"; \
  eval "$$command" || failed="$$failed\n  $$command"; \
done; \
if [ -n "$$failed" ]; then printf "\nFailed:$$failed\n" >&2; exit 1; fi
endef

test: setup
	$(call run_all,$(CHECKS) "$(BIN)/pytest -q -n auto")

check: setup
	$(call run_all,$(CHECKS) "$(BIN)/pytest -q -n auto -m 'not slow'")

bench: setup
	@$(BIN)/python -m benchmarks

docs: setup
	@$(BIN)/python docs/build.py

mutants: setup
	$(call run_all,"$(BIN)/python tests/safety/prove_controls.py" "$(BIN)/python tests/safety/count_mutants.py")

lock: $(UV_STAMP)
	@UV_PYTHON="$(UV_PYTHON)" $(UV) lock --upgrade

clean:
	rm -rf .venv .tools out dist build mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(UV_STAMP):
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "ivigil needs Python 3.11 or newer, and there is no '$(PYTHON)' here. On Debian: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "ivigil needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is not complete here. On Debian: apt install python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2; exit 1; }
	@rm -rf .tools
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv==$(UV_VERSION)'
	@touch $@

$(VENV_STAMP): $(UV_STAMP) pyproject.toml uv.lock
	@UV_PYTHON="$(UV_PYTHON)" $(UV) sync --locked --all-extras --compile-bytecode --quiet
	@touch $@

# The kinetic models' machine code and everybody's byte code, once, so that no first forecast or plan waits for it.
$(KERNELS_STAMP): $(VENV_STAMP) $(KERNELS)
	@echo "Compiling the kinetic models (once, under a minute)"
	@$(BIN)/python -c 'from ivigil.kinetics.compiling import prepare; prepare()'
	@$(BIN)/python -m compileall -q src
	@touch $@
