# Touchline: everything a developer or a curious visitor runs. `make` alone lists the targets.
# Nothing here needs root or writes outside this folder (pip's own download cache aside).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.touchline-installed
ORACLES := .venv-oracles
UV ?= $(BIN)/uv
JOBS ?= 3
MODULES := hub sync cloud tests benchmarks

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak oracles screenshots lock clean

help: ## list the targets
	@echo "Touchline. make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

demo: $(STAMP) ## a hub, a cloud and 24 virtual athletes on this machine (SPEED=20 for faster training)
	@exec $(BIN)/touchline-hub demo $(if $(SPEED),--speed $(SPEED))

test: $(STAMP) ## all tests (ARGS="-k board" goes to pytest; JOBS=2 for fewer at once)
	@if [ -z "$$TOUCHLINE_CHROMIUM" ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null \
	    && ! command -v google-chrome >/dev/null; then \
	    echo "No Chromium found, so the browser tests are skipped: apt install chromium, or set TOUCHLINE_CHROMIUM=/path/to/chromium."; fi
	@exec $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(STAMP) ## ruff, mypy and the import table
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(STAMP) ## measure sizes and speeds (ONLY=imports for those whose name begins so)
	@for file in benchmarks/$(or $(ONLY),[a-z])*.py; do \
	    name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

soak: $(STAMP) ## long runs: 30 min of radio chaos, 10,000 power cuts, 50,000 worlds of the sync simulator (hours)
	@$(BIN)/python -m tests.soak_radio
	@$(BIN)/python -m tests.soak_power_loss
	@$(BIN)/python -m tests.soak_sync --seeds 50000

oracles: $(ORACLES)/.installed ## compare the formulas with NeuroKit2, hrv-analysis and pandas (an environment of its own)
	@exec $(ORACLES)/bin/python -m pytest -c tests/oracles/pytest.ini tests/oracles $(ARGS)

screenshots: $(STAMP) ## photograph the pages at tablet size into docs/images (needs Chromium)
	@exec $(BIN)/python -m tests.screenshots $(ARGS)

# Universal locks: one file for CPython 3.11 to 3.14 on x86_64 and aarch64, every package with its digests. They
# name no index, so they install from whichever one pip is set up to use. The Pi's holds only what a hub runs on.
# Needs uv: .venv/bin/pip install uv
UV_COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --annotation-style line --custom-compile-command "make lock" --quiet $(LOCK_OPTIONS)

lock: ## resolve the three requirements.lock files anew from pyproject.toml (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: run $(BIN)/pip install uv, or give UV=/path/to/uv."; exit 1; }
	@$(UV_COMPILE) pyproject.toml --all-extras --output-file requirements.lock
	@echo 'setuptools>=77' | $(UV_COMPILE) pyproject.toml - --extra hub --constraint requirements.lock --output-file deploy/raspberry-pi/requirements.lock
	@$(UV_COMPILE) --group oracles --output-file tests/oracles/requirements.lock
	@echo "requirements.lock holds $$(grep -c '==' requirements.lock) packages, the Pi's $$(grep -c '==' deploy/raspberry-pi/requirements.lock)."

clean: ## remove what make has made; recorded data stays
	@rm -rf $(VENV) $(ORACLES) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	@for folder in $(MODULES); do [ ! -d $$folder ] || find $$folder -name __pycache__ -type d -prune -exec rm -rf {} +; done
	@echo "Removed the virtual environment and the caches. The data folder was left alone."

$(ORACLES)/.installed: tests/oracles/requirements.lock
	@[ -x $(ORACLES)/bin/python ] || $(PYTHON) -m venv $(ORACLES)
	@echo "Installing the oracles (NeuroKit2, hrv-analysis, pandas; half a minute the first time)"
	@$(ORACLES)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(STAMP): pyproject.toml requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "Touchline needs Python 3.11 or newer: apt install python3 python3-venv, or give PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Touchline needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1): give a newer one as PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	    || { echo "This Python cannot make a virtual environment: apt install python3-venv, then run make again."; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Making the virtual environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the locked dependencies (about a minute the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock \
	    || { echo "The dependencies could not be installed (see above). Is there a network, and room on the disk? Then run make again."; exit 1; }
	@echo "Installing Touchline itself"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
