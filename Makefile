# What one does with this project. `make` alone prints this list. GNU make 3.81 (macOS) is enough.

SHELL := /bin/bash
BIN := .venv/bin
DEMO := .venv/.installed-demo
DEV := .venv/.installed-dev
WEB := web/static/built/manifest.json
# Arguments for what a target runs, e.g.: make test ARGS="tests/unit -k codec"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test web check format bench screenshots services services-stop lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO) $(WEB) ## the whole system on embedded services with a simulated city; Ctrl+C ends it
	@exec $(BIN)/parking demo $(ARGS)

# Hundreds of short processes need not compile the same modules. No test's data need outlive a crash of the machine:
# it is written without fsync, into memory where there is room.
test: $(DEV) $(WEB) ## bring up a real broker and database where possible, run every test, stop them again
	@deploy/toolchain.sh
	@PYTHONDONTWRITEBYTECODE= PARKING_TEST_FSYNC=off exec deploy/services/with.sh $(BIN)/pytest -n 3 --dist worksteal $(ARGS)

web: $(WEB) ## build the scripts and styles of the pages

check: $(DEV) $(WEB) ## lint, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@PATH="$(CURDIR)/.venv/bin:$$PATH" web/node_modules/.bin/tsc --noEmit -p web

format: $(DEV) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV) $(WEB) ## measure ingest and reads beside the limits of this machine
	@exec deploy/services/with.sh $(BIN)/python -m bench $(ARGS)

screenshots: $(DEV) $(WEB) ## picture the pages into docs/images
	@exec deploy/services/with.sh $(BIN)/python -m tests.browser.screenshots $(ARGS)

services: $(DEV) ## keep a broker and a database running for tests and development
	@deploy/services/up.sh

services-stop: ## stop what `make services` started
	@deploy/services/down.sh

lock: $(DEV) ## redo the locks after a change of dependencies (UPGRADE=--upgrade for newer versions)
	$(BIN)/uv $(LOCK) --extra demo pyproject.toml -o requirements.lock
	$(BIN)/uv $(LOCK) --extra demo --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock

clean: services-stop ## remove everything that was made here, the services' Debian root too
	rm -rf .venv .services web/node_modules web/static/built .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOCK = pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate $(UPGRADE)

$(DEMO): requirements.lock pyproject.toml
	@deploy/venv.sh demo

$(DEV): requirements-dev.lock pyproject.toml
	@deploy/venv.sh dev

$(WEB): web/package-lock.json web/build.mjs $(shell find web/src -type f)
	@deploy/web.sh
