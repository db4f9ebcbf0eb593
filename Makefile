# Two commands on a fresh machine: `make demo`, `make test`. Nothing needed but Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin
# Two processes with one thread each finish sooner than one process with two.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile

.PHONY: demo test thorough documents docs test-all test-oldest lint notebooks bench dist clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up .venv and run the main job; figures land in jaxdiode-demo/"
	@echo "make test       set up and run the tests (minutes)"
	@echo "make thorough   run the tests that take seconds each"
	@echo "make documents  run the README, the site's pages, examples of docstrings, notebooks (short)"
	@echo "make docs       build the site into site/, strictly; open site/index.html"
	@echo "make test-all   all of these and the long ones"
	@echo "make lint       ruff and pyright"
	@echo "make test-oldest  the tests of the core with the oldest packages that pyproject allows"
	@echo "make dist       wheel and sdist in dist/, installed once in an empty environment"
	@echo "make notebooks  execute the notebooks and keep their figures"
	@echo "make bench      benchmarks beside their peers, written to benchmarks/results/"

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,dev,docs]'
	@touch $@

demo: .venv/ready
	$(BIN)/jaxdiode demo --force

# CI takes the thorough ones with them: tests of one file share what they compile.
MARKS ?= not thorough and not slow and not document
test: .venv/ready
	$(PYTEST) -m '$(MARKS)'

thorough: .venv/ready
	$(PYTEST) -m 'thorough and not slow'

# Pages stand in one file and are processes of their own.
documents: .venv/ready
	$(PYTEST) --dist worksteal -m document tests/docs tests/test_docstrings.py tests/test_notebooks.py \
		tests/test_readme.py

docs: .venv/ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

test-all: .venv/ready
	$(PYTEST)

.venv-oldest/ready: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=.venv-oldest .venv-oldest/bin/uv pip install --quiet --resolution lowest-direct -e '.[test]'
	@touch $@

test-oldest: .venv-oldest/ready
	.venv-oldest/bin/python -m pytest -q -n 2 --dist loadfile -m 'not thorough and not slow and not document' \
		tests/core tests/numerics tests/test_contract.py tests/test_fit.py tests/test_design.py \
		tests/test_sweep.py tests/test_sweep_files.py tests/files tests/test_cli.py tests/test_citation.py \
		tests/posterior
	.venv-oldest/bin/python -m pytest -q -m 'not slow and not document' tests/explore/test_explorer.py

dist: .venv/ready
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv --clear dist/empty
	dist/empty/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd dist && empty/bin/jaxdiode demo --force
	rm -rf dist/empty

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

notebooks: .venv/ready
	$(BIN)/python -m tests.execute_notebooks

bench: .venv/ready
	for peer in $$(sed 's/#.*//' benchmarks/peers.txt); do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $$peer || \
		echo "$$peer cannot be installed: its rows are skipped"; done
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf .venv
