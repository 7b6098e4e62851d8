# make demo: see it work.  make test: check everything.  Both create what they need in .venv on their first run.
PYTHON = python3
VENV = .venv
PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST = $(VENV)/bin/python -m pytest --quiet

demo: $(VENV)/.demo examples/fake.mp4
	@echo '$$ dfdetect scan examples/real.mp4 examples/fake.mp4'
	@$(VENV)/bin/dfdetect scan examples/real.mp4 examples/fake.mp4; code=$$?; echo "(exit code $$code: 1 says that a fake was found)"; [ $$code -eq 1 ]

test: lint
	$(PYTEST) -m 'not slow' --numprocesses auto
	$(PYTEST) -m slow

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

generate: $(VENV)/.test
	$(VENV)/bin/python tools/generate.py

clean:
	rm -rf examples build dist

examples/fake.mp4: tools/make_examples.py | $(VENV)/.demo
	$(VENV)/bin/python tools/make_examples.py examples

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[demo]'
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[train,test]'
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

# A half-made clip must not pass for a whole one.
.DELETE_ON_ERROR:
.PHONY: demo test lint generate clean
