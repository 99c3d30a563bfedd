# Everything here works on a machine with Python 3.11, pip and make; uv is fetched where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv from the PATH, or one of our own beside the virtual environment's.
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)

.PHONY: aws-dev-up aws-research-up aws-research-down aws-prod-up setup docs run ui test test-all campaigns lint format types terraform-check lock bench bench-quick clean help

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(BIN)/.ready  ## Make .venv with the package and its test tools

$(BIN)/.ready: requirements.lock pyproject.toml
	@command -v $(UV) >/dev/null || { $(PYTHON) -m venv .venv-uv && .venv-uv/bin/pip install --quiet uv; }
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps -e .
	@touch $@

run: setup  ## Run the main job: the generated sample, the sandbox, DuckDB, unless settings say otherwise
	$(BIN)/music-assets run

ui: setup  ## Open Dagster's UI on what `make run` filled
	$(BIN)/music-assets ui

test: setup  ## The tests that need Python alone
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: setup  ## All tests: a browser, long campaigns
	$(BIN)/python -m pytest -n 2 --dist loadfile

campaigns: setup  ## The campaigns at their full length (hours): kills, damage, bad responses, weeks of a quota
	MUSIC_ASSETS_CAMPAIGNS=long $(BIN)/python -m pytest music_assets_tests/campaigns

lint: setup  ## Look for mistakes, and for formatting that is not ours
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup  ## Format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup  ## Check types
	$(BIN)/mypy

terraform-check: setup  ## Check the files of the AWS deployment
	.ci/terraform-check

aws-dev-up aws-research-up aws-prod-up aws-research-down: aws-%:
	deploy/up $(patsubst %-up,%,$*)

lock: setup  ## Write requirements.lock anew, keeping what is there unless pyproject.toml says otherwise
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --extra dev pyproject.toml -o requirements.lock

docs: setup  ## Write the pages that are generated: data dictionary, settings, .env.example
	$(BIN)/python -m docs.generate

bench: setup  ## Measure, and print all tables beside their baselines (ten minutes)
	$(BIN)/python -m benchmarks

bench-quick: setup  ## Show that the benchmarks run; their figures mean nothing
	$(BIN)/python -m benchmarks --quick

clean:  ## Remove the virtual environment and caches; the data folder (with Spotify's answers) stays
	rm -rf $(VENV) .venv-uv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
