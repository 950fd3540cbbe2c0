# Fresh checkout to result: `make demo`, `make test`. Needs Python >= 3.11 and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/$(BIN):$(PATH)

.PHONY: setup synth demo test check format

setup: .venv/.installed node_modules/.installed

.venv/.installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	touch $@

node_modules/.installed: package.json package-lock.json .venv/.installed
	npm ci --silent
	touch $@

synth: setup
	cdk synth --quiet

demo: setup
	python -m examples.recommender.demo

test: setup
	python -m pytest --numprocesses 2

check: setup
	ruff format --check .
	ruff check .
	mypy
	python -m pytest --numprocesses 2

format: setup
	ruff format .
	ruff check --fix .
