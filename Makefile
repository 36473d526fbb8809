# Every target sets itself up: it needs python3 (3.11 to 3.14), make, git and a Python package index.
PYTHON ?= python3
ARGS ?=
LONG ?=

BIN := .venv/bin
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-parts test-page test-whole test-long test-host-tree check bench manifest lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(READY) ## the bot with a stand-in workspace and region, in a page: make demo ARGS="--port 8000"
	@$(BIN)/maasbot demo $(ARGS)

ifdef PYTEST_ARGS
test: $(READY) ## the tests; some of them only: make test PYTEST_ARGS="tests/command -k clean"
	$(BIN)/python -m pytest $(PYTEST_ARGS)
else
test: test-parts test-page test-whole
endif

# Three runs, so that what starts bots and browsers does not share its workers with the quick ones. Most tests wait for
# something, those of the whole bot most of all: more workers than cores.
test-parts: $(READY) ## of the tests, the quick ones
	$(BIN)/python -m pytest -n 4 -m "not long" --ignore tests/endtoend --ignore tests/chaos --ignore tests/kinds \
	    --ignore tests/project --ignore tests/browser --ignore tests/bench
test-page: $(READY) ## of the tests, those in a browser, and of the measures
	$(BIN)/python -m pytest -n 3 -m "not long" tests/browser tests/bench
test-whole: $(READY) ## of the tests, those of the whole bot
	$(BIN)/python -m pytest -n 5 -m "not long" tests/endtoend tests/chaos tests/kinds tests/project

test-long: $(READY) ## the tests that take long: kill -9 of every kind, two bots, a booted host; some: LONG=tests/chaos
	$(BIN)/python -m pytest -n 3 -m long $(LONG)

test-host-tree: $(READY) ## the files of the host that the tests install MAAS on; made once, as root
	$(BIN)/python -m tests.support.host_tree

check: $(READY) ## style, types and import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy scripts
	$(BIN)/lint-imports

bench: $(READY) ## the measures, as tables: make bench ARGS=...
	$(BIN)/python -m bench $(ARGS)

manifest: $(READY) ## write manifest.yml from the commands
	@$(BIN)/maasbot manifest > .venv/manifest.yml
	@cp .venv/manifest.yml manifest.yml

lock: ## bring uv.lock in step with pyproject.toml; newer versions: make lock ARGS=--upgrade
	@python=$$(scripts/find-python "$(PYTHON)") && "$$python" scripts/lock.py $(ARGS)

clean: ## remove the environment and everything that the targets made
	rm -rf .test-host .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .test-output build dist
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml uv.lock scripts/find-python $(wildcard scripts/*.py)
	@python=$$(scripts/find-python "$(PYTHON)") && "$$python" scripts/environment.py
