"""Whole files: kept permissions, nothing left behind, the old file untouched where the new one fails."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.workspace import files
from engine.workspace.files import etag, write_hashed, write_whole


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o640)
    write_whole(path, "näw\n")
    assert path.read_bytes() == "näw\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert names_in(tmp_path) == ["a.json"]


def test_a_new_file_gets_the_mode_asked_for(tmp_path: Path) -> None:
    write_whole(tmp_path / ".env", "KEY=1\n", mode=0o600)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("failing", ["sync", "replace"])
def test_a_failing_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.json"
    path.write_text("old")
    if failing == "sync":
        monkeypatch.setattr(files, "_sync", full)
    else:
        monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match=r"a\.json cannot be written: No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["a.json"]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(StorageError, match=r"a\.json"):
        write_whole(tmp_path / "a.json", "new")
    assert names_in(tmp_path) == ["a.json"]


def test_half_a_surrogate_pair_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.json", "\ud83d")
    assert names_in(tmp_path) == []


def test_an_etag_changes_with_the_text() -> None:
    assert etag("a") != etag("b")
    assert len(etag("\ud83d")) == 16


def test_data_is_found_under_its_hash(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    folder = tmp_path / "made" / "here"
    path = write_hashed(folder, data)
    assert path == folder / hashlib.sha256(data).hexdigest()
    assert path.read_bytes() == data
    assert write_hashed(folder, data) == path
    assert names_in(folder) == [path.name]


@pytest.mark.parametrize("failing", ["_sync", "sync_folder"])
def test_data_that_cannot_be_written_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, failing, full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_hashed(tmp_path, b"data")
    assert all(name == hashlib.sha256(b"data").hexdigest() for name in names_in(tmp_path))
