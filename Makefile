# One command for each thing a person wants here; `make` alone lists them.
#
# Needs Python 3.11 or newer and make, nothing else. Everything is installed into .venv, from the
# exact versions in requirements/. Where there is no GPU, the smaller build of torch will do:
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Not compiled at once: nine seconds saved, and Python compiles what it imports.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.DEFAULT_GOAL := help
.PHONY: help demo test test-light test-quick lint check fix lock golden docs clean

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 18

demo: $(VENV)/run.stamp ## turn the example photograph into out/demo.mp4
	@$(BIN)/lyra-zoom generate examples/harbour.jpg --prompt "$$(cat examples/harbour.txt)" \
		--zoom-in-trajectory spiral --seed 1 -o out/demo.mp4

test: $(VENV)/lyra2.stamp ## run all tests; what this machine lacks is skipped with the reason
	@$(BIN)/pytest -n 2 --dist worksteal

test-light: $(VENV)/dev.stamp ## the same without torch, which is not installed; says what it skips
	@$(BIN)/pytest -n 2 --dist worksteal --without-torch

test-quick: $(VENV)/lyra2.stamp ## run the tests that take less than two seconds each
	@$(BIN)/pytest -n 2 -m "not slow"

lint: $(VENV)/lyra2.stamp ## check format, lint, imports and types; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

check: lint test-quick ## what a change must pass before it is committed: lint, quick tests, documents

fix: $(VENV)/dev.stamp ## repair what machines can repair
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

golden: $(VENV)/dev.stamp ## write the golden tables anew; commit them with a sentence why
	@$(BIN)/python -m tests.golden.camera_tables

docs: $(VENV)/dev.stamp ## draw the generated parts of the documents anew
	@$(BIN)/python -m tests.docs.axes
	@$(BIN)/python -m tests.docs.blocks

lock: $(VENV)/lock.stamp ## choose the exact versions anew
	@for set in run dev lyra2; do \
		case $$set in \
			run) group= ;; \
			dev) group="--group dev -c requirements/run.txt" ;; \
			lyra2) group="--extra lyra2 -c requirements/run.txt -c requirements/dev.txt" ;; \
		esac; \
		$(VENV)/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
			--no-emit-index-url --no-emit-find-links --annotation-style line \
			--custom-compile-command "make lock" pyproject.toml $$group \
			-o requirements/$$set.txt || exit 1; \
	done

clean: ## remove what was installed and made here
	rm -rf $(VENV) out

# What the targets above stand on: a virtual environment, and three sets of packages in it.

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "lyra-zoom needs Python 3.11 or newer: install it, or name it: make PYTHON=python3.12 ..."; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: run  sudo apt install python3-venv  and try again"; \
		exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp requirements/run.txt pyproject.toml
	@echo "installing lyra-zoom into $(VENV)"
	@$(PIP) -r requirements/run.txt
	@$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt $(VENV)/js.stamp
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) -r requirements/dev.txt
	@touch $@

$(VENV)/lyra2.stamp: $(VENV)/dev.stamp requirements/lyra2.txt
	@echo "installing torch and what else the lyra2 engine needs into $(VENV): a minute or two"
	@$(PIP) -r requirements/lyra2.txt
	@touch $@

# The JavaScript client that tests use; without npm they are skipped.
$(VENV)/js.stamp: $(VENV)/made.stamp tests/clients/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --no-fund --no-audit --prefix tests/clients; fi
	@touch $@

$(VENV)/lock.stamp: $(VENV)/made.stamp
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@
