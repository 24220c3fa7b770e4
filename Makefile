# `make run` and `make test` set everything up by themselves; PYTHON=… chooses another Python, PORT=… another port.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
READY := .venv/ready
PACKAGES := engine clients demo api dashboard commands cli.py app.py

.PHONY: setup run test coverage check lint bench bench-peers chaos fresh

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed and was not found; PYTHON=… names one." >&2; exit 2; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv || \
		{ echo "On Debian and Ubuntu: sudo apt install python3-venv" >&2; rm -rf .venv; exit 2; }
	@echo "Installing what is in requirements.txt (about a minute the first time) …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m compileall -q $(PACKAGES)  # what pip does for the others: the first command need not
	@touch $@

run: setup
	@exec $(BIN)/orchestra serve --workspace . $(if $(PORT),--port $(PORT))

test: lint
	$(BIN)/pytest -n 3 --dist loadfile

# Apart from `test`: tracing slows every thread down, and Python 3.11 may fail to start one while another is being traced.
coverage: setup
	$(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered -m "not slow"

check: lint
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow and not service"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m bench

bench-peers: setup .venv-peers/ready
	$(BIN)/python -m bench.peers

.venv-peers/ready: bench/peers/requirements.txt
	@test -x .venv-peers/bin/python || $(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -qq --disable-pip-version-check -r bench/peers/requirements.txt
	@touch $@

chaos: setup
	$(BIN)/pytest -q -s tests/kill/chaos.py tests/faults/power/chaos.py
	$(BIN)/pytest -q --hypothesis-profile=wide tests/semantics/chaos.py tests/faults/chaos.py tests/clients/chaos.py

fresh:
	.ci/fresh
