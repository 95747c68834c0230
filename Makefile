# The two commands a newcomer needs are `make demo` and `make test`; everything else is for people working on the project.
PYTHON ?= python3
VENV = .venv
INSTALLED = $(VENV)/.installed
DATA ?= ../shared/data

.PHONY: demo test test-slow lint bench install clean

demo: install
	$(VENV)/bin/anonimage demo demo --overwrite

# Two processes of one thread each: what the tests train is too small to share among threads
test: install
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: install
	$(VENV)/bin/python -m pytest -m slow

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: install
	$(VENV)/bin/python benchmarks/run.py --data $(DATA)

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "anonimage needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' || { echo "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build *.egg-info demo
