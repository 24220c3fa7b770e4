"""Limits that the system itself sets a process: the command ends with code 4 and one sentence, and then goes on."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cli import main
from engine.base.errors import StorageError
from engine.orchestra import Orchestra
from tests.engine.conftest import set_step, write_workflow

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = "import sys, cli; sys.argv = ['orchestra', *sys.argv[1:]]; sys.exit(cli.main())"
LARGE = "x" * 400_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace in which nothing has run yet, and whose state file is there."""
    for name in ("workflows", "prompts", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    inputs = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    write_workflow(tmp_path, "work", [set_step("a", {"text": "{{ inputs.text }}!"}), set_step("b")], inputs=inputs)
    (tmp_path / "inputs.json").write_text(json.dumps({"text": LARGE}))
    Orchestra.open(tmp_path).close()
    return tmp_path


def orchestra(root: Path, *arguments: str, limit: tuple[int, int] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the product, under a limit (which resource, how much)."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(limit[0], (limit[1], limit[1]))

    command = [sys.executable, "-c", COMMAND, *arguments, "--workspace", str(root)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=REPOSITORY, preexec_fn=limited, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        pytest.param((resource.RLIMIT_FSIZE, 100_000), "File too large", id="no file may be so large"),
        pytest.param((resource.RLIMIT_NOFILE, 11), "Too many open files", id="no file descriptors"),
        pytest.param(
            (resource.RLIMIT_NOFILE, 12), "Too many open files", id="one more file descriptor", marks=pytest.mark.chaos
        ),
    ],
)
def test_a_command_under_a_limit_says_so_and_the_run_ends_right_without_it(
    root: Path, limit: tuple[int, int], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = orchestra(root, "run", "work", "--inputs", str(root / "inputs.json"), limit=limit)
    said = refused.stderr + refused.stdout
    assert refused.returncode == 4, said
    assert "Traceback" not in said
    assert reason in said or "unable to open database file" in said, said
    assert not list((root / "logs").rglob("*.tmp"))

    def without_limit(*arguments: str) -> Any:
        capsys.readouterr()
        main([*arguments, "--json", "--workspace", str(root)])
        return json.loads(capsys.readouterr().out)

    without_limit("runs", "resume", "--all")
    assert without_limit("run", "work", "--inputs", str(root / "inputs.json"))["status"] == "succeeded"
    listed = without_limit("runs", "list")
    assert {run["status"] for run in listed["runs"]} == {"succeeded"}


def test_a_folder_that_may_not_be_written_is_named(root: Path) -> None:
    for path in (root / ".orchestra").iterdir():
        if path.is_file():
            path.unlink()
    (root / ".orchestra" / "state.db").mkdir()  # root may write everywhere: this, nobody can
    refused = orchestra(root, "run", "work", "--input", "text=a")
    assert refused.returncode == 4
    assert "state.db" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_api_answers_507_where_the_disk_refuses() -> None:
    from fastapi import FastAPI

    from api.base.errors import install

    app = FastAPI()
    install(app, tuple)

    @app.get("/full")
    def full() -> None:
        raise StorageError("/somewhere/state.db: database or disk is full.")

    answer = TestClient(app, raise_server_exceptions=False).get("/full")
    assert answer.status_code == 507
    assert answer.json()["error"]["message"] == "/somewhere/state.db: database or disk is full."
    assert answer.json()["error"]["remedy"]
