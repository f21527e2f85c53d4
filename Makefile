# Two commands: `make run` serves the application, `make test` checks everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.PHONY: run test test-load setup setup-test lock check

run: setup
	@$(BIN)/python app.py

setup: $(VENV)/.run

setup-test: $(VENV)/.test
	@scripts/browser

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $(VENV)/.run $@

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup-test check
	$(BIN)/pytest -n 4 --ignore tests/load

test-load: setup-test
	$(BIN)/pytest -s tests/load

lock:
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-annotate requirements.in -o requirements.txt
	sed -n '/^urllib3/d; s/ \\$$//; /==/p' requirements.txt > $(VENV)/constraints.txt
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-annotate -c $(VENV)/constraints.txt requirements-dev.in -o requirements-dev.txt
