"""What a command and a server import, and how a process ends: at once, but never before its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.base.checkout import CHECKOUT
from engine.base.environment import WORKSPACE_VARIABLE
from tests.few import rare

HEAVY = [
    "rich", "streamlit", "pandas", "numpy", "fastapi", "starlette", "uvicorn", "openai", "github", "notion_client",
    "googleapiclient", "genai_prices", "markdownify", "bs4", "argon2", "jwt",
    "prometheus_client", "structlog", "opentelemetry.sdk",
]  # fmt: skip
LOOKS = [*HEAVY, "httpx", "clients.gmail.client", "clients.github.client", "engine.runner.worker.execution"]
"""What a command that only looks at something does without, too."""
PURE = [
    *HEAVY, "clients.imap.session", "sqlalchemy.dialects.postgresql", "engine.agents.store", "engine.prompts.prompts",
    "engine.connections.connections", "engine.outgoing.markdown", "engine.tools.shelf",
]  # fmt: skip
"""What a run does without that neither asks a service nor a model."""
_SCRIPT = "import json, sys, cli; code = cli.main(sys.argv[1:]); json.dump([code, list(sys.modules)], sys.stderr)"


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        pytest.param(["run", "pure", "--json"], PURE, id="a run of three steps"),
        pytest.param(["runs", "list", "--json"], [*LOOKS, "engine.compiler.compiler"], id="the list of runs"),
        rare(["workflows", "list", "--json"], LOOKS, id="the list of workflows"),
        rare(["prompts", "list", "--json"], [*LOOKS, "clients.imap.session"], id="the list of prompts"),
        pytest.param(["validate", "--json"], LOOKS, id="validate"),
        pytest.param(["--help"], [*LOOKS, "pydantic", "sqlalchemy", "engine.plugins.step"], id="all commands"),
    ],
)
@pytest.mark.slow
def test_a_command_imports_only_what_it_needs(workspace: Path, arguments: list[str], unneeded: list[str]) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], cwd=workspace, capture_output=True, text=True, check=False
    )
    code, modules = json.loads(process.stderr)
    assert code == 0, process.stdout
    assert [name for name in unneeded if name in modules] == []


SERVING = {"streamlit", "fastapi", "starlette", "uvicorn"}
AT_REST = [
    *(name for name in LOOKS if name not in SERVING),
    "httpcore", "jsonschema", "pyarrow", "sqlalchemy.dialects.postgresql", "engine.sandbox.code.running",
    "engine.workflows.editing.editing", "engine.workflows.bundles.bundle", "api.routes.catalog", "api.routes.users",
    "api.routes.copilot.answers",
    "api.routes.data.tools", "api.routes.projects.projects", "api.routes.prompts.tries", "api.routes.workflows.editing",
]  # fmt: skip
"""What a server does without until a page or an address needs it."""


@pytest.mark.slow
def test_a_server_at_rest_has_only_what_it_needs(workspace: Path) -> None:
    script = (
        f"import sys, app; from engine import shared; shared(); print([one for one in {AT_REST} if one in sys.modules])"
    )
    environment = {**os.environ, WORKSPACE_VARIABLE: str(workspace)}
    process = _process(script, stdout=subprocess.PIPE, env=environment, cwd=CHECKOUT)
    assert process.stdout.splitlines()[-1:] == ["[]"], process.stderr


def test_the_process_that_stays_while_a_workspace_is_served_is_small() -> None:
    large = [
        "asyncio",
        "_hashlib",
        "ssl",
        "sqlite3",
        "sqlalchemy",
        "pydantic",
        "typer",
        "argparse",
        "logging",
        "tempfile",
    ]
    large += ["engine.workspace.file_store", *HEAVY]
    script = f"import sys, commands.parent; print([name for name in {large} if name in sys.modules])"
    process = _process(script, stdout=subprocess.PIPE)
    assert (process.stdout, process.stderr) == ("[]\n", "")


_AS_PROCESS = "import atexit, cli; cli.main = lambda: {what}; cli.process()"


@pytest.mark.parametrize(
    ("what", "code", "out"),
    [
        pytest.param("print('said') or 3", 3, "said\n", id="what was said is written before it ends"),
        pytest.param("atexit.register(print, 'left') and 0", 0, "left\n", id="exit handlers are called"),
        pytest.param(
            "__import__('threading').Timer(0.2, print, ['done']).start() or 0", 0, "done\n", id="threads end first"
        ),
        pytest.param("1 / 0", 1, "", id="what is raised is told"),
    ],
)
def test_a_process_ends_with_its_code_when_all_is_done(what: str, code: int, out: str) -> None:
    process = _process(_AS_PROCESS.format(what=what), stdout=subprocess.PIPE)
    assert (process.returncode, process.stdout) == (code, out)
    assert ("ZeroDivisionError" in process.stderr) == (what == "1 / 0")


def test_output_that_cannot_be_written_is_told() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = _process(_AS_PROCESS.format(what="print('said') or 0"), stdout=full)
    assert process.returncode != 0
    assert "No space left" in process.stderr


@pytest.mark.slow
def test_a_process_without_output_ends_with_its_code(workspace: Path) -> None:
    command = f'"{sys.executable}" -m cli validate --json >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", command], cwd=workspace, check=False).returncode == 0


def test_streams_that_a_shell_has_closed_are_empty_and_keep_their_numbers() -> None:
    what = "len(cli.sys.stdin.read()) + (open('/dev/null').fileno() < 3)"
    command = ["/bin/sh", "-c", f'"{sys.executable}" -c "$1" <&- >&-', "sh", _AS_PROCESS.format(what=what)]
    process = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("run pure --inputs -", "standard input", id="inputs"),
        rare("runs undo 20260501T080000Z-aaaaaaaa", "no run named", id="undo"),
        rare("users add ann@example.org --password-stdin", "password", id="password"),
    ],
)
def test_a_command_without_standard_input_says_what_it_lacks(workspace: Path, arguments: str, said: str) -> None:
    command = f'"{sys.executable}" -m cli {arguments} <&-'
    process = subprocess.run(
        ["/bin/sh", "-c", f'cd "{CHECKOUT}"; {command}'], capture_output=True, text=True, check=False
    )
    assert "Unexpected" not in process.stderr
    assert said in process.stderr


@pytest.mark.slow
def test_output_that_cannot_be_written_is_told_in_one_sentence(workspace: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = _process("import cli; cli.process()", stdout=full, arguments=("validate", "--json"))
    assert process.returncode == 4
    assert "No space left on device" in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.slow
def test_a_deleted_folder_is_no_workspace(tmp_path: Path) -> None:
    command = f'mkdir gone; cd gone; rmdir ../gone; unset ORCHESTRA_WORKSPACE; "{sys.executable}" -m cli runs list'
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode in (2, 3, 4)
    assert str(tmp_path / "gone") in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.slow
def test_a_command_looks_for_garbage_once_its_workspace_is_open(workspace: Path) -> None:
    ending = "import atexit, gc, sys, cli; atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))"
    script = f"{ending}; sys.argv = ['orchestra', 'runs', 'list', '--workspace', {str(workspace)!r}]; cli.process()"
    assert _process(script, stdout=subprocess.PIPE).stdout.splitlines()[-1] == "True True"


def _process(script: str, *, arguments: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE, text=True, check=False, **options
    )
