# Fresh checkout to result: `make demo`, `make test`. Needs Python >= 3.11 and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/$(BIN):$(PATH)

.PHONY: setup synth demo demo-quick test acceptance check format docs prose dist sbom

setup: .venv/.installed node_modules/.installed

.venv/.installed: requirements.txt pyproject.toml
	@echo "Python packages into .venv: a minute or two, once"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

node_modules/.installed: package.json package-lock.json .venv/.installed
	@echo "the CDK command line into node_modules: half a minute, once"
	npm ci --silent
	touch $@

build/models/v1/model.tar.gz: examples/recommender/model/train.py | setup
	python -m examples.recommender.model.train

synth: setup build/models/v1/model.tar.gz
	cdk synth --quiet

demo: setup
	python -m examples.recommender.demo

# The same in a few minutes: fixed steps, one release that is promoted and one that is rolled back.
demo-quick: setup
	python -m examples.recommender.demo --releases v2 v3 --steps 50,100 --bake 50

# The emulator keeps its state in its modules: what starts it, and what rehearses with a copy of it, share no process.
# Hypothesis draws from the constants of all modules that are loaded: the interleavings are the same ones only by themselves.
# A rollout in the local AWS waits for most of its time: three at once keep two processors busy.
test: setup
	python -m pytest --numprocesses 3 tests/rollouts
	python -m pytest --numprocesses 2 tests/sandbox canary_tools/sandbox
	python -m pytest --numprocesses 2 tests/rehearsal tests/faults bench/chaos/sample.py bench/chaos/shrinking.py bench/chaos/worlds.py
	python -m pytest --numprocesses 2 tests/acceptance canary_tools/acceptance --ignore tests/acceptance/test_local_run.py
	python -m pytest --numprocesses 2 tests/lambdas/test_interleavings.py
	python -m pytest --numprocesses 2 tests lambdas canary_construct canary_tools/aws_models canary_tools/cli client --ignore tests/rollouts --ignore tests/sandbox --ignore tests/acceptance --ignore tests/rehearsal --ignore tests/faults --ignore tests/lambdas/test_interleavings.py

# The whole walk of the acceptance command against the local AWS takes a quarter of an hour: run it by hand.
acceptance: setup
	python -m pytest tests/acceptance/test_local_run.py

check: setup
	ruff format --check .
	ruff check .
	mypy
	python -m tests.packaging.typed_examples
	$(MAKE) test

format: setup
	ruff format .
	ruff check --fix .

# The site has an environment of its own: neither tests nor demo pay for it. NO_MKDOCS_2_WARNING silences an announcement.
# No page may load anything from the internet.
docs: .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	! grep -rlE '<(script|link|img)[^>]+(src|href)="?https?:' build/site --include='*.html'
	@echo "read it: python3 -m http.server --directory build/site"

prose: .venv-docs/.installed
	.venv-docs/bin/codespell
	.venv-docs/bin/python -m docs.prose --proselint

.venv-docs/.installed: docs/requirements.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --requirement docs/requirements.txt
	touch $@

# What a release consists of: the library and its client, each as wheel and sources.
dist: setup
	python -m hatchling build -d $(CURDIR)/dist
	cd client && python -m hatchling build -d $(CURDIR)/dist

# The bill of materials of what `pip install canary-construct` installs, in CycloneDX's format.
sbom: dist .venv-sbom/.installed
	rm -rf build/installed && $(PYTHON) -m venv build/installed
	build/installed/bin/python -m pip install --quiet --disable-pip-version-check dist/canary_construct-[0-9]*.whl
	build/installed/bin/python -m pip uninstall --quiet --yes setuptools pip
	.venv-sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file dist/canary-construct.cdx.json build/installed

.venv-sbom/.installed: Makefile
	$(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	touch $@
