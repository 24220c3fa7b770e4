"""`orchestra` called in this process or as one of its own, in workspaces with small workflows."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pytest

from cli import main
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import copied, init

PURE = {
    "schema_version": 1,
    "title": "Pure",
    "inputs": {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "default": 2},
            "who": {"type": "string", "default": "world"},
            "tags": {"type": "array", "items": {"type": "string"}, "default": []},
        },
    },
    "steps": [
        {"id": "first", "uses": "flow.set", "with": {"values": {"v": "{{ inputs.n }}"}}},
        {
            "id": "each",
            "foreach": "{{ [1, 2] }}",
            "as": "number",
            "key": "{{ string(number) }}",
            "item_title": "{{ inputs.who }} {{ number }}",
            "steps": [{"id": "inner", "uses": "flow.set", "with": {"values": {"v": "{{ number }}"}}}],
        },
        {
            "id": "check",
            "uses": "flow.assert",
            "with": {"condition": "{{ steps.first.output.v == 2 }}", "message": "n is not two"},
        },
    ],
    "outputs": {"n": "{{ inputs.n }}", "who": "{{ inputs.who }}", "tags": "{{ inputs.tags }}"},
}
WAITING = {
    "schema_version": 1,
    "title": "Waiting",
    "steps": [{"id": "pause", "uses": "flow.wait", "with": {"seconds": 3600}}],
}


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Orchestra = Callable[..., Result]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new workspace with two small workflows beside the samples; copied, never used."""
    root = tmp_path_factory.mktemp("fresh") / "workspace"
    init(root, all_cases=False)
    for name, document in (("pure", PURE), ("waiting", WAITING)):
        (root / "workflows" / f"{name}.json").write_text(json.dumps(document))
    return root


@pytest.fixture
def workspace(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of the test's own, which the commands work in."""
    root = tmp_path / "workspace"
    copied(fresh, root)
    monkeypatch.setenv("ORCHESTRA_WORKSPACE", str(root))
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "NOTION_TOKEN", "GMAIL_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def orchestra(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Orchestra:
    """Run a command in this process; with `typed`, at a terminal where somebody has typed these answers."""

    def run(*arguments: str, stdin: str = "", typed: str | None = None) -> Result:
        with _piped(stdin) if typed is None else _terminal(typed) as given:
            monkeypatch.setattr(sys, "stdin", given)
            capsys.readouterr()
            code = main(arguments)
            written = capsys.readouterr()
        return Result(code, written.out, written.err)

    return run


def _piped(text: str) -> TextIO:
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")


@contextmanager
def _terminal(typed: str) -> Iterator[TextIO]:
    """A terminal at which this was typed, and then Ctrl-D, so that nobody waits who asks once more."""
    keyboard, inside = pty.openpty()
    os.write(keyboard, typed.encode() + b"\x04")
    with os.fdopen(inside, encoding="utf-8") as given:
        yield given
    os.close(keyboard)


@dataclass
class Running:
    """A command as a process of its own; what it writes goes to files, which never fill up as a pipe does."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def line(self) -> str:
        """The first line of standard output, once it is there."""
        until(lambda: "\n" in self.out or self.process.poll() is not None, "a line")
        assert "\n" in self.out, self.err
        return self.out.splitlines()[0]

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


Start = Callable[..., Running]


@pytest.fixture
def start(workspace: Path, tmp_path: Path) -> Iterator[Start]:
    """Start a command as a process; it is killed after the test if it still runs."""
    started: list[Running] = []

    def run(*arguments: str, **environment: str) -> Running:
        folder = tmp_path / f"process-{len(started)}"
        folder.mkdir()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **environment},
            )
        started.append(Running(process, folder))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.wait(PATIENCE_SECONDS)


def listed(*options: str) -> str:
    """What `ps` says; "" where it finds nothing."""
    return subprocess.run(["ps", *options], capture_output=True, text=True, check=False).stdout.strip()


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet reaped does not.

    The first thread of a killed process may end before the others, which keep its files open and locked until they do.
    """
    threads, _, status = listed("-p", str(pid), "-o", "nlwp=,stat=").strip().partition(" ")
    return threads != "" and not (status.strip().startswith("Z") and threads in {"0", "1"})
