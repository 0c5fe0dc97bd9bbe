.DEFAULT_GOAL := help
.PHONY: help run dev worker stack example soak test test-postgres lint bench bench-stack translations packages lock clean

PYTHON ?= python3
MINUTES ?= 10
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
AXE := tests/npm/node_modules/axe-core/axe.min.js
# side by side: one waits for the network where another computes; never two that install into .venv
TOGETHER = $(MAKE) --no-print-directory -j 3

help: ## list what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

run: $(VENV)/.run ## install into .venv and start the application
	@exec $(BIN)/python wsgi.py

dev: $(VENV)/.dev ## the same, started anew whenever a file changes
	@exec $(BIN)/python wsgi.py --reload

worker: $(VENV)/.stack ## run tasks of servers that share MYAPP_REDIS_URL; without it they run in the server itself
	@exec $(BIN)/python -m myapp.worker

stack: $(VENV)/.stack ## run it as it is deployed: nginx, uWSGI with two workers, a worker for tasks, Redis, PostgreSQL
	@sh stack/install_packages.sh nginx redis postgresql
	@exec $(BIN)/python -m stack

example: $(VENV)/.stack ## a shop of its own with live parts on its pages: examples/host behind one nginx with the application
	@sh stack/install_packages.sh nginx
	@$(PIP) install -c constraints.txt -e clients/python
	@exec $(BIN)/python -m examples.host

soak: $(VENV)/.test ## kill its parts one after the other for MINUTES=10, by the plan of SEED=N, and see that nothing is lost
	@sh stack/install_packages.sh nginx redis postgresql
	@exec $(BIN)/python -m soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

test: ## install what the tests need, check the code and run all tests
	@$(TOGETHER) packages $(VENV)/.test $(AXE) lint
	@$(BIN)/python -m pytest -n 4 --dist worksteal

test-postgres: ## run all tests, with PostgreSQL wherever SQLite is not what is tested
	@$(TOGETHER) packages $(VENV)/.test $(AXE)
	@MYAPP_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 4 --dist worksteal

lint: $(VENV)/.test ## check the code: ruff and mypy --strict
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(VENV)/.test $(VENV)/.bench ## print the figures of docs/performance.md
	@$(BIN)/python -m bench

bench-stack: $(VENV)/.test $(VENV)/.bench ## the same of the whole stack: nginx, two workers, Redis, PostgreSQL
	@sh stack/install_packages.sh nginx redis postgresql
	@$(BIN)/python -m bench.stack

translations: $(VENV)/.run ## collect the texts to translate into translations/*/LC_MESSAGES/messages.po, and compile them
	@mkdir -p build
	@$(BIN)/pybabel -q extract -F babel.cfg -k Text -k _l -k lazy_gettext --no-location --sort-output --no-wrap -o build/messages.pot .
	@$(BIN)/pybabel -q update -i build/messages.pot -d translations --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	@$(BIN)/pybabel compile -d translations --statistics

packages: # Debian packages that the tests start
	@sh stack/install_packages.sh nginx redis postgresql chromium node npm

lock: $(VENV)/.test $(VENV)/.dev $(VENV)/.bench ## write constraints.txt anew from what is installed
	@$(BIN)/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools > constraints.txt

clean: ## remove .venv
	rm -rf $(VENV)

$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=python3.12 make ...)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "on Debian: apt-get install python3-venv"; exit 1; }
	@$(PIP) install 'pip>=25.1'
	@touch $@

$(VENV)/.run: $(VENV)/.pip pyproject.toml constraints.txt
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.stack: $(VENV)/.run
	@$(PIP) install -c constraints.txt -e '.[uwsgi,postgres]'
	@touch $@

$(VENV)/.test: $(VENV)/.run clients/python/pyproject.toml
	@$(PIP) install -c constraints.txt --group test -e clients/python
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(PIP) install -c constraints.txt --group dev
	@touch $@

$(VENV)/.bench: $(VENV)/.run
	@$(PIP) install -c constraints.txt --group bench
	@touch $@

# not before npm itself is there
$(AXE): tests/npm/package-lock.json | packages
	@npm ci --prefix tests/npm --no-audit --no-fund --silent
	@touch $@
