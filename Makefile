# Two commands do everything on a fresh machine: `make up` and `make test`.

# The first Python that is new enough; PYTHON=/path/to/python overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
CORES := $(shell getconf _NPROCESSORS_ONLN)
HOST ?= 127.0.0.1
PORT ?= 8000
WEB ?= 1
WORKERS ?= $(CORES)
JOBS ?= 300
MINUTES ?= 5
DATABASE ?= sqlite
OUT ?= var/assets.tar.gz

VENV := .venv
BIN := $(VENV)/bin
BESIDE := $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder \
	--maxprocesses 4 --numprocesses
# One more than there are cores: a test waits for a third of its time.
PYTEST := $(BESIDE) $(shell expr $(CORES) + 1)
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint deploy/constraints.txt \
	--override deploy/overrides.txt
# Whatever the environment says: a site, or its tests, are dozens of processes of the same modules.
export PYTHONDONTWRITEBYTECODE :=
ASSETS = $(BIN)/python -m deploy.assets $(if $(BUNDLE),--from $(BUNDLE))

.PHONY: up demo assets assets-bundle calibrate test bench chaos lint audit fast screenshot pins clean

up: $(VENV)/run-ready  ## start everything on this machine
	@$(ASSETS) >/dev/null || true  # without them pages are plain, and work
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT) --workers $(WORKERS) --web $(WEB)

demo: $(VENV)/run-ready  ## from nothing to two results, then stop
	@exec $(BIN)/python manage.py demo

assets: $(VENV)/run-ready  ## fonts and what draws molecules, from npm or from BUNDLE=file
	@$(ASSETS)

assets-bundle: assets  ## the same as one file, for a site without a network
	@$(BIN)/python -m deploy.assets --bundle $(OUT)

calibrate: $(VENV)/run-ready  ## measure this machine, so that jobs say how long they will take
	@$(BIN)/python manage.py calibrate

test: lint assets  ## the whole suite, and once more on PostgreSQL
	$(PYTEST) -m "not stack"
	# Not again: what knows no database or has its own, and who may open which URL.
	BACKPLANE_TEST_DATABASE=postgres $(PYTEST) -m "not stack" \
		--ignore=tests/simulations --ignore=tests/assets --ignore=tests/chaos \
		--ignore=tests/deploy --ignore=tests/docs --ignore=tests/security/test_url_walk.py \
		--deselect=tests/jobs/test_migrations.py::test_a_site_of_any_age_keeps_its_rows \
		--deselect=tests/jobs/test_migrations.py::test_the_oldest_site_is_brought_to_this_release_at_once \
		--deselect=tests/jobs/test_migrations.py::test_jobs_from_before_are_found_by_their_formula
	# Whole sites, each of which has work for a core.
	$(BESIDE) $(CORES) -m "stack and not timed"
	# How soon something comes is asked of a machine that does nothing else.
	$(BIN)/python -m pytest -m timed

bench: $(VENV)/test-ready  ## beside what users would pick instead; writes docs/performance.md
	@$(BIN)/python -m bench.side_by_side

chaos: $(VENV)/test-ready  ## hundreds of real jobs under random faults; SEED=… replays a run
	$(BIN)/python -m tests.chaos --jobs $(JOBS) --minutes $(MINUTES) --database $(DATABASE) \
		$(if $(SEED),--seed $(SEED))

fast: $(VENV)/test-ready assets  ## the part of the suite that takes seconds
	$(PYTEST) -m "not slow"

lint: $(VENV)/test-ready  ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python deploy/audit.py

audit: $(VENV)/test-ready  ## whether what is installed is what is pinned
	$(BIN)/python deploy/audit.py

screenshot: $(VENV)/test-ready  # make the README's picture anew
	BACKPLANE_SCREENSHOT=docs/job.png $(BIN)/python -m pytest \
		tests/e2e/test_browser.py -k test_a_molecule_is_submitted_by_form

pins: $(VENV)/python-ready  # resolve the newest versions into deploy/constraints.txt
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-header --no-annotate \
		--override deploy/overrides.txt \
		--no-emit-index-url --group pyproject.toml:dev --group pyproject.toml:bench \
		pyproject.toml -o deploy/constraints.txt

clean:
	rm -rf $(VENV)

$(VENV)/python-ready:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer was found." \
		"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) cannot make" \
		"virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Creating the virtual environment with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		"$$(grep '^uv==' deploy/constraints.txt)"
	@touch $@

$(VENV)/run-ready: $(VENV)/python-ready pyproject.toml deploy/constraints.txt
	@echo "Installing the pinned dependencies (once; a minute or two) ..."
	@$(UV) -r pyproject.toml
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/$(BIN)/python" -m backplane "$$@"\n' \
		"$(CURDIR)" "$(CURDIR)" >$(BIN)/backplane && chmod +x $(BIN)/backplane
	@touch $@

$(VENV)/test-ready: $(VENV)/run-ready
	@$(UV) --group pyproject.toml:dev --group pyproject.toml:bench
	@touch $@
