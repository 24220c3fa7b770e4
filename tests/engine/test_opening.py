"""A workspace that cannot be opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from engine.base.errors import InvalidFile, StorageError
from engine.orchestra import Orchestra
from engine.reader import Reader


def open_files(folder: Path) -> list[str]:
    """The files in a folder that this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [found for link in links if (found := str(link.readlink())).startswith(str(folder))]


@pytest.mark.parametrize("open_it", [partial(Orchestra.open, serve=True), Reader], ids=["to work", "to read"])
def test_an_opening_that_fails_late_closes_what_it_had_opened(
    tmp_path: Path, open_it: Callable[[Path], object]
) -> None:
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    Orchestra.open(tmp_path).close()
    (tmp_path / "config.yaml").write_text("logs: postgres\n")  # which needs a state in PostgreSQL, opened before
    with pytest.raises(InvalidFile):
        open_it(tmp_path)
    assert open_files(tmp_path) == []


@pytest.mark.parametrize("open_it", [Orchestra.open, Reader], ids=["to work", "to read"])
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

    monkeypatch.setattr("engine.reader.RunReader", no_memory)
    with pytest.raises(MemoryError):
        Reader(tmp_path)
    assert open_files(tmp_path) == []
