"""What is copied or moved is whole in its new place, also on another disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.workspace.copies import copy, move


def _folder(path: Path) -> Path:
    (path / "inner").mkdir(parents=True)
    (path / "a.json").write_text("1\n")
    (path / "inner" / "b").write_bytes(b"\xff\x00")
    return path


def _content(path: Path) -> dict[str, bytes]:
    return {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()}


@pytest.fixture
def two_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rename gets from one folder into another."""

    def refused(self: Path, _target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(self))

    monkeypatch.setattr(Path, "rename", refused)


def test_a_folder_is_copied_with_all_in_it_over_what_is_there(tmp_path: Path) -> None:
    source = _folder(tmp_path / "source")
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "a.json").write_text("old")
    copy(source, tmp_path / "target")
    assert _content(tmp_path / "target") == _content(source) == {"a.json": b"1\n", "inner/b": b"\xff\x00"}


@pytest.mark.usefixtures("two_disks")
def test_what_moves_to_another_disk_is_there_before_it_is_gone_here(tmp_path: Path) -> None:
    source = _folder(tmp_path / "source")
    before = _content(source)
    move(source, tmp_path / "folder")
    move(tmp_path / "folder" / "a.json", tmp_path / "file.json")
    assert not source.exists()
    assert _content(tmp_path / "folder") == {"inner/b": before["inner/b"]}
    assert (tmp_path / "file.json").read_bytes() == before["a.json"]


@pytest.mark.usefixtures("two_disks")
def test_a_link_moves_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    move(tmp_path / "link", tmp_path / "moved")
    assert (tmp_path / "moved").readlink() == Path("nowhere")
    assert not (tmp_path / "link").is_symlink()


def test_what_cannot_be_moved_stays(tmp_path: Path) -> None:
    source = _folder(tmp_path / "source")
    with pytest.raises(OSError, match="No such file"):
        move(source, tmp_path / "missing" / "target")
    assert _content(source)
