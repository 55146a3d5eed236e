# make book   set everything up and build the book          make lab     open the notebooks live
# make serve  read the built book in a browser              make test    run every check
# make help   the rest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
HTML := _build/html
PORT ?= 8000

# CPU torch, from where pip is configured to look; on Linux, where the plain package brings gigabytes
# of CUDA, else from PyTorch's own CPU index.
TORCH := 2.13.0
TORCH_INDEX := https://download.pytorch.org/whl/cpu
LINUX := $(filter Linux,$(shell uname -s 2>/dev/null))
ROOT_USER := $(filter 0,$(shell id -u 2>/dev/null))

# One thread for each numerical library: two stages run side by side on two cores.
QUIET_THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.PHONY: help setup book cold-book serve lab test code lint types unit nbval alone browser budget bench results \
  fuzz kill mutations coverage bounds \
  student instructor slides pdf offline lock clean
.DEFAULT_GOAL := help

help:
	@echo "make book      set up what is needed and build the book into $(HTML)"
	@echo "make serve     serve the built book on http://localhost:$(PORT)"
	@echo "make lab       open the notebooks live in JupyterLab"
	@echo "make test      lint, types, unit tests, every notebook, a cold build, the pages in Chromium"
	@echo "make budget    seconds and peak memory of each notebook on one core"
	@echo "make bench     speed of the library and of the browser's engine, for the book's page"
	@echo "make fuzz      ten thousand broken files of each kind; make kill: commands killed fifty times each"
	@echo "make coverage  lines and branches that the unit tests run; make mutations: faults they notice"
	@echo "make bounds    the library's tests with the oldest and the newest packages allowed (needs uv)"
	@echo "make results SONGS=FOLDER   score every method on your songs: chapter 9's table"
	@echo "make student   the notebooks without solutions in _build/student; make instructor: solved"
	@echo "make slides    each chapter as slides, in _build/slides"
	@echo "make pdf       each page of the book on paper; make offline: the whole book as one zip"
	@echo "make lock      resolve requirements.lock again (needs uv)"
	@echo "make clean     remove what was built (the virtual environment stays)"

# ---------------------------------------------------------------- what is needed

.make/python: requirements.lock pyproject.toml
	@mkdir -p .make
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which with: make PYTHON=/path/to/python"; exit 1; }
	@echo "== Setting up Python packages in $(VENV) (a few minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifneq ($(LINUX),)
	@$(BIN)/python -m pip install -q torch==$(TORCH)+cpu -c requirements.lock 2>/dev/null || \
	  $(BIN)/python -m pip install -q torch==$(TORCH)+cpu -c requirements.lock --extra-index-url $(TORCH_INDEX)
else
	@$(BIN)/python -m pip install -q torch==$(TORCH) -c requirements.lock
endif
	@$(BIN)/python -m pip install -q -r requirements.lock
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.make/node: package.json package-lock.json .make/python
	@echo "== Setting up MathJax, axe and the type checkers in node_modules"
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

setup: .make/python .make/node

# ---------------------------------------------------------------- the book

SOURCES := $(shell find book hpss_lib -type f -not -path '*/__pycache__/*' -not -path '*/.ipynb_checkpoints/*' 2>/dev/null) _config.yml _toc.yml
BUILD_BOOK = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter-book build . -n -W --keep-going -q

.make/book: .make/python .make/node $(SOURCES)
	@echo "== Building the book (every notebook is executed: some minutes)"
	@# Pages whose notebook did not change are kept, but not when the library behind them did.
	@test -z "$$(find hpss_lib _config.yml _toc.yml -newer $@ 2>/dev/null | grep -v __pycache__)" || rm -rf _build
	@$(BUILD_BOOK)
	@touch $@

book: .make/book
	@echo
	@echo "The book is in $(HTML).  Read it with:   make serve"

cold-book: .make/python .make/node
	@echo "== Building the book from nothing, warnings as errors"
	@rm -rf _build .make/book
	@$(QUIET_THREADS) $(BUILD_BOOK)
	@touch .make/book

serve: .make/book
	@$(BIN)/python tools/serve.py $(HTML) --port $(PORT)

# Jupyter refuses to start for root, whom a container has and nobody else should be; and it takes
# messages of up to 10 MB, which is less than some songs that chapter 10 lets a reader upload.
# Memory that is freed in pieces of a megabyte or more goes back to the system at once: left to
# itself, Linux's C library keeps what arrays have freed, 100 MB in a notebook about spectrograms.
lab: export MALLOC_MMAP_THRESHOLD_ = 1048576
lab: .make/python
ifneq ($(ROOT_USER),)
	@echo "You are root, as in a container: Jupyter starts all the same (--allow-root)"
endif
	@$(BIN)/jupyter lab $(if $(ROOT_USER),--allow-root )\
	  --ServerApp.tornado_settings='{"websocket_max_message_size": 200000000}' book/00_index.ipynb

# The same notebooks without and with the exercises' solutions; the built book on paper and as a zip.
student instructor: .make/python
	@$(BIN)/python tools/editions.py $@

slides: .make/book
	@$(BIN)/python tools/slides.py

pdf offline: .make/book
	@$(BIN)/python tools/editions.py $@

# ---------------------------------------------------------------- the checks

test: setup
	@$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) lint types browser code
	@echo "All checks passed."

# One after the other, so that of the two slots above one is the library's and one the pages'.
code:
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory nbval NBVAL_WORKERS=0
	@$(MAKE) --no-print-directory alone

lint: .make/python
	@echo "== Lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .make/node
	@echo "== Types"
	@PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/pyright
	@PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/tsc -p book/engine

unit: .make/python
	@echo "== Unit tests"
	@$(QUIET_THREADS) $(BIN)/python -m pytest --doctest-modules hpss_lib tests --ignore=tests/browser --durations=5

# By itself on two cores, two notebooks at a time.
NBVAL_WORKERS := 2
nbval: .make/python
	@echo "== Every notebook, top to bottom"
	@$(QUIET_THREADS) $(BIN)/python -m pytest --nbval-lax book --nbval-cell-timeout=300 \
	  -n $(NBVAL_WORKERS) --dist loadfile

# What needs no built book: JupyterLab, and parts on a page of their own.
ALONE := $(addprefix tests/browser/test_,lab.py questions.py phasor.py players.py computing.py)

alone: .make/python
	@echo "== JupyterLab, and the pages' parts by themselves, in Chromium"
	@$(QUIET_THREADS) $(BIN)/python -m pytest $(ALONE)

browser: cold-book
	@echo "== The built pages in Chromium"
	@$(QUIET_THREADS) $(BIN)/python -m pytest tests/browser $(addprefix --ignore=,$(ALONE)) --durations=5

budget: .make/python
	@$(BIN)/python tools/notebook_budget.py book/*.ipynb

bench: .make/python
	@$(BIN)/python tools/bench.py --json book/data/bench.json
	@PATH="$(CURDIR)/$(BIN):$$PATH" node tools/bench_engine.mjs

# What make test does a little of, at length; mutations needs mutmut, which tools/mutations.py names.
fuzz: .make/python
	@HPSS_FUZZ=10000 $(QUIET_THREADS) $(BIN)/python -m pytest tests/test_fuzz.py

kill: .make/python
	@$(BIN)/python tools/kill.py

coverage: .make/python
	@$(QUIET_THREADS) $(BIN)/coverage run --branch --source=hpss_lib --data-file=.make/coverage \
	  -m pytest --doctest-modules hpss_lib tests --ignore=tests/browser
	@$(BIN)/coverage report --data-file=.make/coverage --skip-covered

mutations: .make/python
	@$(BIN)/python tools/mutations.py --survivors

# The ends of pyproject.toml's bounds, each in an environment of its own. KEEP="torch==2.13.0+cpu" holds
# a package whose oldest release cannot be had; PYTHON chooses the interpreter.
BOUNDS_TESTS := stft median kam subtraction sinusoids puiter measures madtwinnet recurrence separation audio \
  data training
bounds:
	@for end in lowest-direct highest; do \
	  echo "== $$end"; \
	  uv venv -q --clear --python $(PYTHON) .make/$$end && \
	  uv pip install -q --python .make/$$end --resolution $$end -e '.[evaluation,training]' 'matplotlib>=3.9' $(KEEP) && \
	  uv pip install -q --python .make/$$end pytest hypothesis psutil && \
	  $(QUIET_THREADS) .make/$$end/bin/python -m pytest -q -p no:cacheprovider \
	    $(BOUNDS_TESTS:%=tests/test_%.py) || exit 1; \
	done

# Chapter 9's table, from a folder of songs (drums.* beside harmonic.* or other stems in each).
results: .make/python
	@test -n "$(SONGS)" || { echo "Say which songs: make results SONGS=FOLDER"; exit 1; }
	@$(BIN)/python tools/results.py "$(SONGS)" --full .make/results-all.csv --out book/data/results.csv

# torch is left out (it has a line of its own above), and with it every CUDA package.
lock:
	@echo "torch; python_version < '3'" > .make/no-torch
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --override .make/no-torch --no-header --no-annotate -q -o requirements.lock

clean:
	rm -rf _build .make/book
