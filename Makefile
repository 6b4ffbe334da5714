# `make demo` and `make test` need Python 3.11 or later and nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# -n: tests side by side; the benchmarks are not among them.
WORKERS ?= 2

.PHONY: demo test format clean

demo: .venv/installed
	$(BIN)/dlgrade check --at tests/submissions/right/cross_entropy.py
	$(BIN)/dlgrade check --at tests/submissions/mistaken/softmax.py; test $$? -eq 1
	$(BIN)/dlgrade check --at tests/submissions/hostile/softmax.py; test $$? -eq 1

test: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/dlgrade release --check
	$(BIN)/dlgrade selftest
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

format: .venv/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	$(BIN)/python -m compileall -q grader
	touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	$(BIN)/python -m compileall -q grader
	touch $@ .venv/installed
