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
from tests.cli.conftest import Orchestra

HEAVY = [
    "rich", "streamlit", "pandas", "numpy", "fastapi", "starlette", "uvicorn", "openai", "github", "notion_client",
    "googleapiclient", "genai_prices", "markdownify", "bs4", "argon2", "jwt",
    "prometheus_client", "structlog", "opentelemetry.sdk",
]  # fmt: skip
LOOKS = [*HEAVY, "httpx", "clients.gmail.client", "clients.github.client", "engine.runner.worker.execution"]
"""What a command that only looks at something does without, too."""
PURE = [
    *HEAVY, "clients.imap.session", "sqlalchemy.dialects.postgresql", "engine.agents.store", "engine.prompts.prompts",
    "engine.connections.connections", "engine.outgoing.markdown", "engine.tools.store",
]  # fmt: skip
"""What a run does without that neither asks a service nor a model."""
_SCRIPT = """
import json, sys, cli
for one in json.loads(sys.argv[1]):
    print(json.dumps([cli.main(one), list(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param([("run pure", PURE)], id="a run of three steps"),
        pytest.param(
            [
                ("--help", [*LOOKS, "pydantic", "sqlalchemy", "engine.plugins.step"]),
                ("runs list", [*LOOKS, "engine.compiler.compiler"]),
                ("prompts list", [*LOOKS, "clients.imap.session"]),
                ("workflows list", LOOKS),
                ("validate", LOOKS),
            ],
            id="what only looks",
        ),
    ],
)
@pytest.mark.slow
def test_a_command_imports_only_what_it_needs(workspace: Path, commands: list[tuple[str, list[str]]]) -> None:
    """Those of one row run in one process: what a command may not import, the ones before it may not, either."""
    words = [one.split() if one == "--help" else [*one.split(), "--json"] for one, _ in commands]
    process = _process(_SCRIPT, arguments=[json.dumps(words)], stdout=subprocess.PIPE, cwd=workspace)
    for (command, unneeded), line in zip(commands, process.stderr.splitlines(), strict=True):
        code, modules = json.loads(line)
        assert (command, code, [name for name in unneeded if name in modules]) == (command, 0, []), process.stdout


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


def test_a_process_ends_when_all_is_done_and_what_is_raised_is_told() -> None:
    late = "__import__('threading').Timer(0.2, print, ['done']).start()"
    script = _AS_PROCESS.format(what=f"(print('said'), atexit.register(print, 'left'), {late}, 1 / 0)")
    process = _process(script, stdout=subprocess.PIPE)
    assert process.stdout == "said\ndone\nleft\n", "its threads end first, then exit handlers"
    assert (process.returncode, "ZeroDivisionError" in process.stderr) == (1, True)


@pytest.mark.slow
def test_streams_that_a_shell_has_closed_are_empty_and_keep_their_numbers(workspace: Path) -> None:
    """Without any the process ends with its code, whatever it has written."""
    what = "real(['validate', '--json']) + len(cli.sys.stdin.read()) + (open('/dev/null').fileno() < 3)"
    script = f"import cli; real = cli.main; {_AS_PROCESS.format(what=what)}"
    command = ["/bin/sh", "-c", f'"{sys.executable}" -c "$1" <&- >&- 2>&-', "sh", script]
    assert subprocess.run(command, cwd=workspace, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("run pure --inputs -", "standard input", id="inputs"),
        pytest.param("runs undo 20260501T080000Z-aaaaaaaa", "no run named", id="undo"),
        pytest.param("users add ann@example.org --password-stdin", "password", id="password"),
    ],
)
def test_a_command_without_standard_input_says_what_it_lacks(orchestra: Orchestra, arguments: str, said: str) -> None:
    result = orchestra(*arguments.split(), stdin="")
    assert result.code != 0
    assert "Unexpected" not in result.err
    assert said in result.err


@pytest.mark.slow
def test_output_that_cannot_be_written_is_told_in_one_sentence(workspace: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = _process("import cli; cli.process()", stdout=full, arguments=("validate", "--json"))
    assert process.returncode == 4
    assert "No space left on device" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_deleted_folder_is_no_workspace(
    tmp_path: Path, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.delenv(WORKSPACE_VARIABLE)
    monkeypatch.setenv("PWD", str(gone))
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = orchestra("runs", "list")
    assert result.code in (2, 3, 4)
    assert str(gone) in result.err
    assert "Traceback" not in result.err


@pytest.mark.slow
def test_a_command_looks_for_garbage_once_its_workspace_is_open(workspace: Path) -> None:
    ending = "import atexit, gc, sys, cli; atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))"
    script = f"{ending}; sys.argv = ['orchestra', 'runs', 'list', '--workspace', {str(workspace)!r}]; cli.process()"
    assert _process(script, stdout=subprocess.PIPE).stdout.splitlines()[-1] == "True True"


def _process(script: str, *, arguments: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE, text=True, check=False, **options
    )
