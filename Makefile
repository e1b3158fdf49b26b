# Every target is one line of `make help`; the work is done by deploy/local and manage.py.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
LOCAL := $(PY) -m deploy.local
# Warnings only: what people read here is the command's own output.
MANAGE := LOG_LEVEL=WARNING ENV_FILE=$(CURDIR)/.local/dev/env $(PY) manage.py
ARGS ?=
# Without cached bytecode each of the stack's Python processes compiles every module at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help staff setup up down stop start status logs demo import verify test test-full openapi check bench-checkout bench-ledger ledger-tour cqlsh spark failover clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what a fresh clone needs: servers, jars, .venv, .local/dev/env (quick when done before)
	@python3 -m deploy.local.setup

up: setup ## start the dev stack; return when everything answers (PORT_BASE=18000 moves the ports)
	@$(LOCAL) up

down: ## stop the dev stack and only what it started
	@if [ -x $(PY) ]; then $(LOCAL) down; else echo "nothing is set up here"; fi

stop: ## stop one program of the dev stack and keep it stopped (PROGRAM=cassandra)
	@$(LOCAL) stop $(PROGRAM)

start: ## start one program of the dev stack again and wait until it answers (PROGRAM=cassandra)
	@$(LOCAL) start $(PROGRAM)

status: ## show every program: state, pid, memory, port, part
	@$(LOCAL) status

logs: ## show the end of a program's log and follow it (PROGRAM=web)
	@$(LOCAL) logs $(PROGRAM)

demo: up ## seed, buy 300 times and refund some through the API, and prove that all stores agree
	@$(PY) -m deploy.demo $(ARGS)

import: ## import a year of orders (FILE=orders.parquet)
	@test -n "$(FILE)" || { echo "which file? make import FILE=orders.parquet"; exit 2; }
	@$(MANAGE) import_orders "$(FILE)" $(ARGS)

verify: ## compare PostgreSQL and Cassandra, day by day; exit 1 and name the keys where they differ
	@$(MANAGE) ledger verify $(ARGS)

test: setup ## run the tests on a stack of their own (ARGS="tests/e2e -x")
	@$(LOCAL) test $(ARGS)

test-full: setup ## run the tests with full counts, those marked `full` too
	@$(LOCAL) test -m "full or not full" $(ARGS)

openapi: ## write docs/openapi.yaml from the code
	@$(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

check: ## ruff, format, mypy, import contracts, missing migrations, docker-compose.yml
	@$(PY) -m deploy.local check

staff: ## make a registered user staff (EMAIL=merchant@example.org)
	@test -n "$(EMAIL)" || { echo "whom? make staff EMAIL=merchant@example.org"; exit 2; }
	@$(MANAGE) staff add "$(EMAIL)"

ledger-tour: up ## break the ledger of a month of orders in five ways, find it, mend it, seal it (FILE=orders.parquet)
	@LOG_LEVEL=WARNING $(PY) -m deploy.demo.ledger_tour $(if $(FILE),--file "$(FILE)") $(ARGS)

bench-checkout: setup ## measure the wallet checkout on a stack of its own (ARGS="--seconds 5 --runs 1")
	@$(PY) -m benchmarks.checkout $(ARGS)

bench-ledger: setup ## measure the ledger on a stack of its own (ARGS="--only sink")
	@$(PY) -m benchmarks.ledger_bench $(ARGS)

cqlsh: ## open cqlsh on the ledger as an analyst (ROLE=reader or writer, ARGS="-e 'SELECT ...'")
	@ROLE=$(or $(ROLE),analyst) $(LOCAL) cqlsh $(ARGS)

spark: setup ## compare the stores, or ask them, with Spark (ARGS="verify --day 2026-11-20"; none: only install it)
	@$(LOCAL) spark $(ARGS)

failover: ## promote the PostgreSQL standby: check the mark, fence the primary, promote
	@$(LOCAL) failover

clean: down ## stop both stacks, then delete .local and .venv
	@if [ -x $(PY) ]; then $(LOCAL) down --stack test; fi
	@rm -rf .local .venv
