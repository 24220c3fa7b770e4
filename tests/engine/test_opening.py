"""A workspace that cannot be opened."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from engine.base.errors import InvalidFile, StorageError
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS


def open_files(folder: Path) -> list[str]:
    """The files in a folder that this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [found for link in links if (found := str(link.readlink())).startswith(str(folder))]


READ = partial(Orchestra.open, is_read_only=True)


@pytest.mark.parametrize("open_it", [partial(Orchestra.open, serve=True), READ], ids=["to work", "to read"])
def test_an_opening_that_fails_late_closes_what_it_had_opened(
    tmp_path: Path, open_it: Callable[[Path], object]
) -> None:
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    Orchestra.open(tmp_path).close()
    (tmp_path / "config.yaml").write_text("logs: postgres\n")  # which needs a state in PostgreSQL, opened before
    with pytest.raises(InvalidFile):
        open_it(tmp_path)
    assert open_files(tmp_path) == []


@pytest.mark.parametrize("open_it", [Orchestra.open, READ], ids=["to work", "to read"])
def test_a_state_of_another_release_is_closed(tmp_path: Path, open_it: Callable[[Path], object]) -> None:
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    Orchestra.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / ".orchestra" / "state.db")) as state, state:
        state.execute("UPDATE meta SET value = '9999' WHERE key = 'schema_version'")
    with pytest.raises(StorageError):
        open_it(tmp_path)
    assert open_files(tmp_path) == []


def test_reading_that_fails_once_all_is_open_closes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    Orchestra.open(tmp_path).close()

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("engine.orchestra.OperationAreas", no_memory)
    with pytest.raises(MemoryError):
        READ(tmp_path)
    assert open_files(tmp_path) == []


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace in which a workflow has run."""
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    for name in ("workflows", "prompts", "logs"):
        (tmp_path / name).mkdir()
    write_workflow(tmp_path, "work", [set_step("a", {"v": "x"})])
    with closing(Orchestra.open(tmp_path)) as orchestra:
        run_id = orchestra.runs.start(OWNER, "work", {})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    return tmp_path


def everything_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and contents of each file."""
    return {
        str(path): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if path.name != "__pycache__"
    }


READING: list[Callable[[Orchestra], object]] = [
    lambda orchestra: orchestra.runs.list(OWNER),
    lambda orchestra: orchestra.approvals.list(OWNER),
    lambda orchestra: orchestra.attention.items(OWNER),
    lambda orchestra: orchestra.branches.list(OWNER, "work"),
    lambda orchestra: orchestra.budgets.overview(OWNER),
    lambda orchestra: orchestra.case_tests.list(OWNER, "ask"),
    lambda orchestra: orchestra.connections.list(OWNER),
    lambda orchestra: orchestra.environments.list(OWNER),
    lambda orchestra: orchestra.proof.held(OWNER),
    lambda orchestra: orchestra.search.find(OWNER, "work"),
    lambda orchestra: orchestra.triggers.list(OWNER),
    lambda orchestra: orchestra.tries.list(OWNER, "ask"),
    lambda orchestra: orchestra.users.list(OWNER),
    lambda orchestra: orchestra.versions.list(OWNER, "work"),
    lambda orchestra: orchestra.workflows.plan(OWNER, "work"),
]
WRITING: list[Callable[[Orchestra], object]] = [
    lambda orchestra: orchestra.runs.start(OWNER, "work", {}),
    lambda orchestra: orchestra.runs.resume(OWNER, orchestra.runs.list(OWNER).rows[0].run_id, redo=True),
    lambda orchestra: orchestra.runs.resume_all(OWNER),
    lambda orchestra: orchestra.users.add(OWNER, "bob", "Bob", "viewer"),
    lambda orchestra: orchestra.drafts.keep(OWNER, "workflow", "work", "{}"),
]


@pytest.mark.parametrize("missing", ["", ".orchestra"], ids=["", "without a state"])
def test_what_is_opened_to_be_read_stays_as_it_is(workspace: Path, missing: str) -> None:
    if missing:
        shutil.rmtree(workspace / missing)
    before = everything_in(workspace)
    with closing(READ(workspace)) as orchestra:
        assert len(orchestra.runs.list(OWNER).rows) == (0 if missing else 1)
        for read in READING:
            read(orchestra)
    assert everything_in(workspace) == before


@pytest.mark.parametrize("write", WRITING)
def test_a_write_there_is_refused_in_one_sentence(workspace: Path, write: Callable[[Orchestra], object]) -> None:
    before = everything_in(workspace)
    with closing(READ(workspace)) as orchestra, pytest.raises(StorageError, match="cannot be written"):
        write(orchestra)
    assert everything_in(workspace) == before
