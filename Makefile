PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: setup ## place sample calls through everything, and stay up at http://127.0.0.1:8080 until Ctrl-C
	@$(BIN)/trunkline demo

.PHONY: test
test: setup ## run all tests, on an embedded PostgreSQL or on TRUNKLINE_TEST_DATABASE_URL
	@$(BIN)/pytest --numprocesses 3 --dist worksteal

.PHONY: check
check: setup ## lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: bench
bench: setup ## measure the packet path beside its baselines, in one run (about 25 minutes; needs wrk)
	@$(BIN)/python -m benchmarks

.PHONY: faults
faults: setup ## break what it stands on, under load, and check its promises (at most 5 minutes; SEED=)
	@$(BIN)/python -m faults $(if $(SEED),--seed $(SEED))

MINUTES ?= 60

.PHONY: soak
soak: setup ## the long form of each experiment, again and again (MINUTES=60 SEED=)
	@$(BIN)/python -m faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

.PHONY: setup
setup: $(INSTALLED) ## make the virtual environment with the locked dependencies

$(INSTALLED): locks/build.txt locks/development.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trunkline needs Python 3.11 or later; name one with PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'installing the locked dependencies into $(VENV) ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/build.txt -r locks/development.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command 'make lock'

.PHONY: lock
lock: setup ## solve the dependencies of setup.cfg anew into locks/
	@echo 'setuptools >=77' | $(LOCK) -o locks/build.txt -
	@$(LOCK) -o locks/runtime.txt setup.cfg
	@$(LOCK) -c locks/runtime.txt --extra bench --extra dev --extra speech -o locks/development.txt setup.cfg

.PHONY: page
page: ## build the supervisor's page from entrypoints/page/src (the only thing that needs Node)
	@cd entrypoints/page && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent build

.PHONY: format
format: setup ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
