# make run    set everything up and open the window on a sample (without a display: its figures into figures/)
# make test   set everything up and run every check and test
# make bench  how fast, against the bare forward pass and against other packages
SHELL := /bin/bash
BIN := .venv/bin
SAMPLE ?= digits-mlp
PYTEST_ARGS ?= -n 2 --dist loadfile
export PYTHON

.PHONY: run test check bench samples pictures doctor wheel setup setup-test clean help

help:
	@sed -n 's/^# make/make/p' Makefile

run: setup
	@if $(BIN)/python -m landscape_gui.doctor display; then \
	  exec $(BIN)/landscape-gui samples:$(SAMPLE); \
	else \
	  echo "The figures of the sample $(SAMPLE) are drawn into figures/ instead."; \
	  exec $(BIN)/python -m landscape_gui.gallery --output figures $(SAMPLE); \
	fi

# Each worker has one thread, and starts a screen of its own (tests/conftest.py).
test: check
	@OMP_NUM_THREADS=1 LP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

check: setup-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# How fast: ratios into benchmarks/latest.json.
bench: setup-test
	@$(BIN)/python benchmarks/run.py

# Trains the shipped samples again and draws their pictures.
samples: setup-test
	@$(BIN)/python sample_checkpoints/train.py
	@$(MAKE) --no-print-directory pictures

pictures: setup
	@$(BIN)/python -m landscape_gui.gallery --thumbnails

doctor: setup
	@$(BIN)/landscape-gui doctor

wheel: setup
	@$(BIN)/python -m pip wheel --quiet --no-deps -w dist .

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

clean:
	rm -rf .venv figures dist build .pytest_cache .mypy_cache .ruff_cache
