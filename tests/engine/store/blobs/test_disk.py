"""Blobs on the local disk: private, nothing left behind, and errors that name the file."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Fenced, InvalidFile, StorageError
from engine.store.blobs.disk import DiskBlobs

LOG = "2026-11-20/run.json"


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    """Blobs in an empty folder."""
    return DiskBlobs(tmp_path / "logs")


def test_files_and_folders_are_private(blobs: DiskBlobs, tmp_path: Path) -> None:
    blobs.admit("me")
    blobs.put_by("me", lambda: None).put_all([(LOG, b"log")], 1)
    blobs.put_hashed("2026-11-20/run.files/", b"value")
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in tmp_path.glob("logs/**/*")}
    assert modes == {True: 0o700, False: 0o600}


def test_a_process_leaves_no_drafts(blobs: DiskBlobs, tmp_path: Path) -> None:
    blobs.admit("me")
    mine = blobs.put_by("me", lambda: None)
    mine.put(LOG, b"1")
    assert mine.put_all([(f"2026-11-20/{number}.json", b"") for number in range(9)], 9) == {}
    assert [path for path in tmp_path.glob("logs/.drafts/**/*") if path.is_file()] == []
    blobs.shut_out("me")
    assert list(tmp_path.glob("logs/.drafts/*")) == []


def test_of_many_only_those_in_whose_place_something_else_is_have_an_error(blobs: DiskBlobs, tmp_path: Path) -> None:
    (tmp_path / "logs" / "day" / "3.json").mkdir(parents=True)
    (tmp_path / "logs" / "other").write_text("a file where a folder is to be made")
    names = [*(f"day/{number}.json" for number in range(5)), "other/5.json"]
    errors = blobs.put_all([(name, b"x") for name in names], len(names))
    assert list(map(type, errors.values())) == [StorageError, StorageError]
    assert set(errors) == {"day/3.json", "other/5.json"}
    assert [blobs.get(name) for name in names if name not in errors] == [b"x"] * 4


def test_a_process_that_wakes_up_while_it_is_shut_out_replaces_nothing(
    blobs: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fenced() -> None:
        raise Fenced

    blobs.put(LOG, b"new")
    blobs.admit("old")
    old, removed = blobs.put_by("old", fenced), os.rmdir

    def rmdir(*args: Any, **how: Any) -> None:  # just before a folder is removed, the process makes one in its own
        with suppress(FileNotFoundError):
            (tmp_path / "logs" / ".drafts" / "old" / "0").mkdir()
        removed(*args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", rmdir)
        blobs.shut_out("old")
    with pytest.raises(Fenced):
        old.put(LOG, b"old")
    assert blobs.get(LOG) == b"new"
    assert list(tmp_path.glob("logs/.drafts/*")) == []


def test_what_a_crash_left_of_a_process_that_was_shut_out_is_removed(
    blobs: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.admit("old")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        blobs.shut_out("old")
    assert len(list(tmp_path.glob("logs/.drafts/*"))) == 1
    blobs.shut_out("another")
    assert list(tmp_path.glob("logs/.drafts/*")) == []


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
def test_a_day_that_cannot_be_read_is_not_an_empty_one(
    blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    blobs.put(LOG, b"x")
    with monkeypatch.context() as patch:  # root may read every folder, whatever its mode

        def refused(path: Path) -> Iterator[os.DirEntry[str]]:
            raise OSError(error, os.strerror(error), str(path))

        patch.setattr("engine.store.blobs.disk.os.scandir", refused)
        with pytest.raises(StorageError, match="2026-11-20 cannot be read"):
            blobs.names("2026-11-20/")
    assert blobs.names("2026-11-20/") == [LOG]


@pytest.mark.parametrize("what", ["folder", "link to nothing"])
def test_what_cannot_be_read_is_named(blobs: DiskBlobs, tmp_path: Path, what: str) -> None:
    path = tmp_path / "logs" / LOG
    path.parent.mkdir(parents=True)
    path.mkdir() if what == "folder" else path.symlink_to("nowhere")
    with pytest.raises(InvalidFile, match=r"run\.json.*cannot be read: "):
        blobs.get(LOG)


def test_a_day_without_blobs_is_removed_and_the_whole_folder_never(blobs: DiskBlobs, tmp_path: Path) -> None:
    blobs.put(LOG, b"x")
    blobs.put("probe", b"x")
    blobs.remove([LOG, "probe"])
    assert list(tmp_path.rglob("*")) == [tmp_path / "logs"]
