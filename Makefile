# Two commands on a fresh machine: `make demo`, `make test`. Nothing needed but Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin
# Two processes with one thread each finish sooner than one process with two.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile

.PHONY: demo test thorough documents docs test-all lint notebooks bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up .venv and run the main job; figures land in jaxdiode-demo/"
	@echo "make test       set up and run the tests (minutes)"
	@echo "make thorough   run the tests that take seconds each"
	@echo "make documents  run the README, the site's pages, examples of docstrings, notebooks (short)"
	@echo "make docs       build the site into site/, strictly; open site/index.html"
	@echo "make test-all   all of these and the long ones"
	@echo "make lint       ruff and pyright"
	@echo "make notebooks  execute the notebooks and keep their figures"
	@echo "make bench      benchmarks, written to benchmarks/results/"

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,dev,docs]'
	@touch $@

demo: .venv/ready
	$(BIN)/jaxdiode demo --force

test: .venv/ready
	$(PYTEST) -m 'not thorough and not slow and not document'

thorough: .venv/ready
	$(PYTEST) -m 'thorough and not slow'

documents: .venv/ready
	$(PYTEST) -m document

docs: .venv/ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

test-all: .venv/ready
	$(PYTEST)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

notebooks: .venv/ready
	$(BIN)/python -m tests.execute_notebooks

bench: .venv/ready
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf .venv
