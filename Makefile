# make run: set up and open the app; make run LIGHT=1 without torch, in a tenth of the room, for the
# starter and for models that were exported elsewhere; TORCH_INDEX names where PyTorch comes from (see
# clip_app/set_up.py). make test: set up and run every check and test. make quick: the
# tests that take no browser and no patience. make check: style and types only.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(if $(LIGHT),-light)

# Tests wait for downloads, processes and pages: two files at once, each up to 4 GB, files whole, since
# their tests share what was started. Those that drive a browser wait on other things than those that
# compute, so each kind has its own run; the few that measure how quick something is run alone. Threads
# of torch that wait for each other sleep: spinning, two processes on two cores take twice the time.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -q
AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: run test quick check setup setup-dev browser bench clean

run: $(VENV)/.installed$(SETUP)
	$(BIN)/python app.py --open-browser $(ARGS)

test: check browser
	$(PYTEST) $(AT_ONCE) -m "not browser" $(ARGS)
	$(PYTEST) $(AT_ONCE) -m "browser and not alone" $(ARGS) || [ $$? = 5 ] # none was asked for
	$(PYTEST) -m alone $(ARGS) || [ $$? = 5 ]

quick: $(VENV)/.installed-dev
	$(PYTEST) $(AT_ONCE) -m "not browser and not slow" $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.installed$(SETUP)
setup-dev: $(VENV)/.installed-dev

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/serving.py $(ARGS)

$(VENV)/.installed $(VENV)/.installed-light: $(VENV)/.installed%: requirements%.txt
	$(PYTHON) clip_app/set_up.py --venv $(VENV) $(if $*,--light)
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	touch $@

# The end-to-end tests drive the system's Chromium and need a font with Chinese characters.
browser:
	@command -v chromium >/dev/null && fc-list :lang=zh | grep -q . || \
	if command -v apt-get >/dev/null; then \
	  SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$SUDO apt-get update -q && $$SUDO apt-get install -y -q chromium fonts-noto-cjk fontconfig; \
	else echo "Please install Chromium and a Chinese font (Noto Sans CJK)." >&2; exit 1; fi

clean:
	rm -rf $(VENV)
