# What a developer types. A fresh machine needs Python 3.11 to 3.14 and make; the rest is made here, in .venv.
# Everything that is installed is pinned, with the hashes of its files, in requirements/*.txt.

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make

# The newest of the Pythons that toolgate supports. Each is tried, because a name in PATH may be a stand-in.
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& echo "$$python" && break; done)

PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install
# pyproject.toml counts for its scripts and its version; the code itself is used where it lies.
INSTALL_PROJECT := $(PIP) --no-deps --no-build-isolation --no-index --editable .

SERVE_FLAGS ?=
DEMO_FLAGS ?=
PYTEST_FLAGS ?=
BENCH_FLAGS ?=
LOCK_FLAGS ?=

CHECKS := check-format check-types check-imports check-lock

.PHONY: help demo serve test check $(CHECKS) format bench lock wheel clean

help: ## Show this list
	@echo "usage: make TARGET [PYTHON=python3.X]"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-10s %s\n", $$1, $$2 }'

demo: $(STAMPS)/runtime ## See a tool call run and another refused: no API key, no Docker, no network
	@$(BIN)/toolgate demo $(DEMO_FLAGS)

serve: $(STAMPS)/runtime ## Serve gateway.yaml (SERVE_FLAGS="--config FILE" for another)
	@$(BIN)/toolgate serve $(SERVE_FLAGS)

test: $(STAMPS)/dev ## Run every test (PYTEST_FLAGS="-k word" for some); REQUIRE_ALL=1 forbids skips
	@$(BIN)/pytest $(PYTEST_FLAGS)

check: $(CHECKS) ## Judge form, types, layering and the lock; make -k check goes on after a fault

check-format: $(STAMPS)/dev
	@echo "check: format and lint"
	@$(BIN)/ruff format --quiet --check --diff .
	@$(BIN)/ruff check --quiet .

check-types: $(STAMPS)/dev
	@echo "check: types (about a minute)"
	@$(BIN)/basedpyright

check-imports: $(STAMPS)/dev
	@echo "check: which package may import which"
	@$(BIN)/lint-imports

check-lock: $(STAMPS)/dev
	@echo "check: the lock"
	@$(BIN)/pytest -q --no-header tests/unit/packaging/test_lock.py

format: $(STAMPS)/dev ## Lay the code out, and mend what the linter can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

bench: $(STAMPS)/dev ## Measure toolgate beside its peers (BENCH_FLAGS="--help" says what there is to choose)
	@$(BIN)/python -m bench $(BENCH_FLAGS)

# runtime.txt and build.txt take their versions from dev.txt, so that one environment can hold all three.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(LOCK_FLAGS)

lock: $(STAMPS)/dev ## Pin the dependencies of pyproject.toml again (LOCK_FLAGS=--upgrade to renew them)
	@echo "lock: requirements/dev.txt, runtime.txt, litellm.txt, build.txt"
	@$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	@$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/runtime.txt
	@$(COMPILE) pyproject.toml --extra litellm --constraints requirements/dev.txt --output-file requirements/litellm.txt
	@$(COMPILE) --group build --constraints requirements/dev.txt --output-file requirements/build.txt

wheel: $(STAMPS)/dev ## Build dist/toolgate-*.whl
	@$(BIN)/hatchling build -t wheel -d dist

clean: ## Remove what was made here: the environment, caches, builds
	rm -rf $(VENV) $(STAMPS) dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find bench gateway mcp_servers sandbox tests tool_policies -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 to 3.14 with the venv module is in PATH" >&2; \
		echo "hint: install one (on Debian: apt install python3 python3-venv), or say make PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: $(STAMPS)/venv requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo "installing what toolgate needs to run (half a minute the first time)"
	@$(PIP) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(INSTALL_PROJECT)
	@touch $@

$(STAMPS)/dev: $(STAMPS)/runtime requirements/dev.txt
	@echo "installing what development needs (a minute the first time)"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
