# `make` alone prints what there is. Everything runs in the virtual environment of VENV.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/pip install -c constraints.txt

# Bash's pipefail and no half-made files.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: help
help: ## print this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: install
install: ## create .venv with pysclice from this checkout and all tools
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[dev]'

.PHONY: check
check: lint types test frontend-check ## all that CI asks for

.PHONY: static
static: lint types frontend-check ## what check does besides the tests

.PHONY: lint
lint: ## Python's format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

.PHONY: types
types: ## Python's types
	$(BIN)/mypy

.PHONY: test
test: ## Python's tests, the page's, and the browser's: the README's test command
	$(BIN)/python -m tests

.PHONY: frontend-check
frontend-check: ## the page's types, style and format
	$(BIN)/python build_frontend.py types lint format:check

.PHONY: fix
fix: ## format both languages, mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python build_frontend.py format

.PHONY: frontend
frontend: ## build the page if its sources changed
	$(BIN)/python build_frontend.py

FOLDER ?= build/screenshots

.PHONY: screenshots
screenshots: frontend ## every view and state of the page as pictures, in FOLDER=build/screenshots
	$(BIN)/python -m tests.e2e.screenshots $(FOLDER)

.PHONY: bench
bench: ## measure against the plain loop and other tools
	$(BIN)/python -m benchmarks

.PHONY: bench-frontend
bench-frontend: frontend ## measure the page in a real TensorBoard and browser, against its budgets
	$(BIN)/python -m benchmarks.page

.PHONY: demo
demo: ## train two small networks and show them in TensorBoard
	$(BIN)/pysclice demo

.PHONY: build
build: ## source archive and wheel, in dist/
	rm -rf dist
	$(BIN)/python -m build

.PHONY: clean
clean: ## remove what was built, downloaded or cached; .venv stays
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf frontend/node_modules tensorboard_plugin/tensorboard_loss_slicer/static
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
