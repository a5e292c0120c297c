# Everything a visitor needs: `make help`. System needs: Python >= 3.11, make, perl, g++.

PYTHON ?=
SUITABLE := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
VENV := .venv
RUN := $(VENV)/.installed-run
TEST := $(VENV)/.installed-test
BENCH := $(VENV)/.installed-bench
ALHENA := $(VENV)/bin/alhena
# a file's tests share what they build: one worker takes them all
PYTEST := $(VENV)/bin/python -m pytest --dist loadfile --no-loadscope-reorder
PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check
PROGRESS := awk '/^(Collecting|  Downloading|Installing|Successfully)/ {print substr($$0, 1, 110); fflush()}'
CONFIG ?= default
BOARD ?= ulx3s
SEEDS ?= 1
JOBS ?= 2

# numpy's own threads would fight with the simulators for the same cores
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help sim formats test test-full bench verilog bitstream doctor docs lint train clean distclean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sim: $(RUN) ## run the digits network on every engine (WAVES=1 writes waves)
	@$(ALHENA) sim

test: $(TEST) ## run the test suite (about 25 minutes)
	@$(PYTEST) -n $(JOBS)

test-full: $(TEST) ## the same with more than 20,000 random programs and full sweeps
	@ALHENA_FULL=1 $(PYTEST) -n $(JOBS)

formats: $(RUN) ## run the digits network in every format on the Verilated accelerator
	@$(ALHENA) sim --format all --images 450

bench: $(BENCH) ## measure performance beside published figures, write build/bench.json (hours)
	@$(ALHENA) bench

verilog: $(RUN) ## print the accelerator's Verilog to build/verilog (CONFIG=small:dim=6, say)
	@$(ALHENA) verilog --config $(CONFIG)

bitstream: $(BENCH) ## build a bitstream and its report (BOARD=ulx3s, colorlight_i9, …; SEEDS=4)
	@$(ALHENA) fpga build --board $(BOARD) --seeds $(SEEDS)

doctor: $(RUN) ## check every tool and say how to mend what is missing
	@$(ALHENA) doctor

docs: $(RUN) ## regenerate the generated pages of docs/
	@$(ALHENA) docs

lint: $(TEST) ## check style
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

train: $(RUN) ## train the digits network again (writes sw/network/digits.npz)
	@$(VENV)/bin/python -m sw.train.digits

clean: ## remove build products
	rm -rf build .pytest_cache .ruff_cache .hypothesis

distclean: clean ## remove the Python environment too
	rm -rf $(VENV)

$(VENV)/bin/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	  if $$python -c '$(SUITABLE)' 2>/dev/null; then \
	    echo "creating $(VENV) with $$python"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "no Python >= 3.11 with its venv module found (on Debian: apt-get install python3-venv);"; \
	echo "name another one with: make PYTHON=/path/to/python3"; exit 1

$(RUN): pyproject.toml | $(VENV)/bin/python
	@echo "installing Alhena and its tools into $(VENV) (first time: a minute or two)"
	@rm -f $@.done; { $(PIP) -e . && touch $@.done; } | $(PROGRESS); mv $@.done $@

$(BENCH): pyproject.toml $(RUN)
	@echo "installing the tools of the benchmarks into $(VENV)"
	@rm -f $@.done; { $(PIP) -e '.[fast,fpga]' && touch $@.done; } | $(PROGRESS); mv $@.done $@

$(TEST): pyproject.toml $(RUN)
	@echo "installing the test tools into $(VENV)"
	@rm -f $@.done; { $(PIP) -e '.[test]' && touch $@.done; } | $(PROGRESS); mv $@.done $@
