# What a person types and what CI runs are the same. `make` alone lists the targets.
# Variables, by argument: SOURCE=berka SOURCE_DIR=folder CUSTOMERS=n MONTHS=n DAYS=n (demo), PYTHON=python3.11 (setup),
# TESTS=tests/folder (test), SEEDS=n (test-faults), KEY=value (what a target asks for), DATA=folder AS_OF=date
# WRITE=file (bench-models).

VENV := .bankmart/venv
PY := $(VENV)/bin/python
BANKMART := $(PY) -m bankmart
DEMO := $(if $(SOURCE),--source "$(SOURCE)") $(if $(SOURCE_DIR),--source-dir "$(SOURCE_DIR)") \
	$(if $(CUSTOMERS),--customers "$(CUSTOMERS)") $(if $(MONTHS),--months "$(MONTHS)") $(if $(DAYS),--days "$(DAYS)")
# Run for real: a shim of that name may be there without a Python behind it.
IS_311 := -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-faults up down status check format bench bench-models docs tag-diff reset clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Make the environment in .bankmart/venv (every target does this first; done already, it takes no time)
	@for python in $(PYTHON) python3.11 /usr/bin/python3.11 python3; do \
		if "$$python" $(IS_311) 2>/dev/null; then exec "$$python" -I plugins/bankmart/runtime/setup.py; fi; \
	done; \
	echo "setup: Python 3.11 is missing. Get it by \`sudo apt-get install -y python3.11 python3.11-venv\`," >&2; \
	echo "       or name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1

demo: setup ## Run the whole line from extracts to scored, tagged customers, and print a report
	@$(BANKMART) demo $(DEMO)

test: setup ## Run all the tests, two at a time, each half against a Postgres of its own
	@$(PY) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(TESTS)

test-faults: setup ## Every kind of fault at every step of the line, ten seeds each (SEEDS=n), and print the table
	@BANKMART_FAULT_SEEDS="$(or $(SEEDS),10)" $(PY) -m pytest --timeout 0 tests/e2e/test_faults.py

up: setup ## Start Postgres, MLflow and Airflow
	@$(BANKMART) up

down: setup ## Stop them; nothing is lost
	@$(BANKMART) down

status: setup ## Show what runs where, and where to look
	@$(BANKMART) status

check: setup ## Lint, format, types, SQL and the project's own rules
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests
	@$(BANKMART) check

format: setup ## Put Python files into the project's format
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: setup ## Measure the speed of each step
	@$(BANKMART) bench

bench-models: setup ## Judge the models on public data (DATA=folder) and, with AS_OF=date, against the simulated bank's truth
	@$(PY) -m ml bench models --data "$(or $(DATA),../shared/data)" $(if $(AS_OF),--as-of "$(AS_OF)") \
		$(if $(WRITE),--write "$(WRITE)")

tag-diff: setup ## Show how many customers a changed tag moves: make tag-diff KEY=aum_tier
	@$(BANKMART) tag-diff "$(KEY)"

docs: setup ## Make the reference from the code
	@$(BANKMART) docs

reset: setup ## Stop the servers and delete all data; the environment stays
	@$(BANKMART) reset --yes

clean: ## Stop the servers and delete .bankmart: all data, the environment, everything
	@if [ -x $(PY) ]; then $(BANKMART) reset --yes; fi
	@rm -rf .bankmart
