# The seven verbs of this repository. Each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILDER ?= docker
IMAGE ?= rampart:0.1.0
STAMP := $(VENV)/.installed

.PHONY: setup check test demo stories image clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Rampart needs Python 3.11 or newer, found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(STAMP)

check: setup  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup  ## unit tests, stories, and end-to-end tests, inside a sandbox of their own
	$(BIN)/python -m sandbox run -- $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

demo: setup  ## a good release promoted and a bad one taken back, watched live (KEEP=1 keeps the cluster)
	$(BIN)/python -m sandbox.demo $(if $(KEEP),--keep,)

stories: setup  ## write the golden transcripts anew
	STORIES=write $(BIN)/python -m pytest -q tests/stories -k reads

image:  ## build the image with docker or what stands in for it (BUILDER=podman), and see that it starts
	$(BUILDER) build --tag $(IMAGE) .
	$(BUILDER) run --rm --read-only --network none $(IMAGE) --help >/dev/null

clean:
	-$(BIN)/python -m sandbox down
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
