# `make demo` and `make test` need Python 3.11 to 3.13 and a package index, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
UV := $(shell command -v uv || echo .venv/bin/uv)
BIN := .venv/bin

# Packages come uncompiled, and compiling them takes longer than most of what they do: so once, not at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test drills lint format bench peers servers lock clean

demo: .venv/ready ## the main job on the sample campaign
	$(BIN)/postwright demo

test: .venv/ready ## all tests but the drills
	$(BIN)/python -m pytest

drills: .venv/ready ## what takes a minute and more each: kills, clusters, PostgreSQL, two hosts
	$(BIN)/python -m pytest -m drill

lint: .venv/ready ## style, then types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready ## every benchmark; each prints a ratio
	@for file in bench/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

servers: .venv/ready ## real servers that tests buy from (tests/servers): the LiteLLM proxy, and what `transformers serve` wants
	test -x .venv-peers/litellm-proxy/bin/python || $(UV) venv --quiet --python $(BIN)/python .venv-peers/litellm-proxy
	$(UV) pip install --quiet --python .venv-peers/litellm-proxy/bin/python --requirement tests/servers/litellm-proxy.txt
	$(UV) pip install --quiet --python $(BIN)/python --target .venv-peers/serving --no-deps accelerate==1.15.0

peers: .venv/ready ## the libraries that bench/engine.py compares with, each in an environment of its own
	$(BIN)/python bench/peers/install.py

.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --python $(BIN)/python --require-hashes --requirement requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

lock: ## pin again what pyproject.toml allows: exact versions with hashes, and no index's address
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --group dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .venv-peers .postwright build dist .pytest_cache .mypy_cache .ruff_cache
