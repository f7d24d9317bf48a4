# Two commands do everything: `make demo` shows it at work, `make test` proves it.
PYTHON ?= python3
# The CPU build, first, so that no CUDA packages come along. For a GPU: make setup TORCH="torch==2.13.0 --index-url URL-OF-THE-CUDA-BUILDS"
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup demo test slow lint format model model-after-surgery docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, then run a synthetic exam from raw images to a report"
	@echo "make test    set up, then lint and test"
	@echo "make slow    the tests that take minutes"
	@echo "make model   train, measure and describe the default model (DATA=, SHAPES=, WORK=)"
	@echo "make model-after-surgery   the same of the model for exams after surgery, when that is done"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove what make made"

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Glioscope needs Python 3.11 or later; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $(TORCH)
	$(PIP) install --quiet --editable '.[robex,dev]'
	$(BIN)/glioscope atlases install
	touch $@

demo: setup
	$(BIN)/glioscope demo demo

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	# A worker that dies or hangs ends the run at once, with a reason: xdist would wait for ever (its issue 1378).
	$(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 0 -o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true -m "not slow"

slow: setup
	$(BIN)/pytest -m slow

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The default model from its recipe: hours on two cores, resumable. Exams are not part of this repository.
DATA ?= ../shared/exams/glioma-labelled
SHAPES ?= ../shared/exams/labels-only
RAW ?= ../shared/exams/raw/TCGA-FG-6692
CONSENSUS ?= ../shared/exams/raters/TCGA-FG-6692/published-fusions/simple.nii.gz
WORK ?= model/work
model: setup
	$(BIN)/python model/build.py --data $(DATA) --shapes $(SHAPES) --work $(WORK)
	$(BIN)/python model/score.py --data $(DATA) --work $(WORK)
	$(BIN)/python model/raw_exam.py --exam $(RAW) --consensus $(CONSENSUS) --work $(WORK)
	$(BIN)/python model/card.py --work $(WORK)

# The model for exams after surgery, once `make model` has run with the same WORK.
MEASURED = $(WORK)/after-surgery/measured
BY = --by after-surgery default
model-after-surgery: setup
	$(BIN)/python model/after_surgery.py --data $(DATA) --shapes $(SHAPES) --work $(WORK)
	$(BIN)/python benchmarks/cut_exams.py $(WORK)/after-surgery/held-out.csv $(MEASURED)/operated --scheme brats-2024-gli $(BY)
	$(BIN)/python benchmarks/cut_exams.py post-operative $(MEASURED)/synthetic --exams 60 --seed 2 $(BY)
	$(BIN)/python model/after_surgery_card.py --work $(WORK)

docs: setup
	$(PIP) install --quiet --editable '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site demo build dist
