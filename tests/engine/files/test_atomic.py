"""Whole files: kept permissions, nothing left behind, the old file untouched where the new one fails."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.base.errors import StorageError
from engine.files import atomic as files
from engine.files.atomic import AtomicFileBatch, etag, make_folder, write_hashed, write_whole
from engine.files.group_sync import GroupSync


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


def test_nobody_else_may_write_what_is_shared(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_folder(tmp_path / "workflows")
        write_whole(tmp_path / "workflows" / "a.json", "{}")
        (tmp_path / "workflows" / "a.json").chmod(0o666)
        write_whole(tmp_path / "workflows" / "a.json", "{ }")
    finally:
        os.umask(before)
    assert (tmp_path / "workflows").stat().st_mode & 0o777 == 0o775
    assert (tmp_path / "workflows" / "a.json").stat().st_mode & 0o777 == 0o664


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


# --- files that are written together


class Group(GroupSync):
    """Counts how often it syncs; `refuses` as a disk does that fails."""

    refuses = False
    synced = 0

    def sync(self, handle: int) -> None:
        """Count, and sync."""
        self.synced += 1
        if self.refuses:
            raise OSError(5, "Input/output error")
        super().sync(handle)


@pytest.fixture
def group(tmp_path: Path) -> Group:
    return Group(tmp_path)


def _put(folder: Path, group: Group | None, count: int = 5) -> dict[Path, StorageError]:
    (folder / "drafts").mkdir()
    (folder / "logs").mkdir()
    drafts = AtomicFileBatch(folder / "drafts", group)
    for number in range(count):
        drafts.write(folder / "logs" / f"{number}.json", f"n{number}".encode())
    return drafts.put()


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    handles: list[int] = []
    sync = files._sync

    def counted(handle: int) -> None:
        handles.append(handle)
        sync(handle)

    monkeypatch.setattr(files, "_sync", counted)
    return handles


def test_many_files_share_one_sync_and_their_folder_another(
    tmp_path: Path, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles = _counted(monkeypatch)
    assert _put(tmp_path, group, 50) == {}
    assert (group.synced, len(handles)) == (1, 1)
    assert (tmp_path / "logs" / "49.json").read_text() == "n49"
    assert names_in(tmp_path / "drafts") == []


@pytest.mark.parametrize("is_group", [False, True], ids=["no group", "a group that fails"])
def test_files_are_synced_each_for_itself_where_a_group_is_not_possible(
    tmp_path: Path, group: Group, monkeypatch: pytest.MonkeyPatch, is_group: bool
) -> None:
    handles, group.refuses = _counted(monkeypatch), True
    assert _put(tmp_path, group if is_group else None) == {}
    assert len(handles) == 5 + 1
    assert len(names_in(tmp_path / "logs")) == 5


def test_of_a_group_only_those_that_cannot_be_put_in_their_place_have_an_error(tmp_path: Path, group: Group) -> None:
    (tmp_path / "logs" / "3.json").mkdir(parents=True)
    drafts = AtomicFileBatch(tmp_path, group)
    for number in range(5):
        drafts.write(tmp_path / "logs" / f"{number}.json", b"text")
    errors = drafts.put()
    assert [path.name for path in errors] == ["3.json"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir() if path.is_file()) == [
        "0.json",
        "1.json",
        "2.json",
        "4.json",
    ]
    assert names_in(tmp_path) == ["logs"]


@pytest.mark.parametrize("refused", ["_sync", "sync_folder"])
def test_what_is_not_on_disk_has_an_error_and_leaves_no_draft(
    tmp_path: Path, group: Group, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    group.refuses = True
    monkeypatch.setattr(files, refused, full)
    errors = _put(tmp_path, group)
    assert len(errors) == 5
    assert "No space left on device" in str(errors[tmp_path / "logs" / "0.json"])
    assert names_in(tmp_path / "drafts") == []


def test_a_disk_that_others_keep_busy_is_not_synced_as_a_whole_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.files.group_sync.file_system", lambda _folder: "ext4")
    times = iter([0.0, 0.2, 0.2, 0.3, 31.0])
    group = GroupSync(tmp_path, lambda: next(times))
    handle = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    try:
        group.sync(handle)
    finally:
        os.close(handle)
    assert [group.is_worth_it(), group.is_worth_it()] == [False, True]


@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs", "overlay", ""])
def test_a_file_system_of_which_nobody_knows_is_not_synced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("engine.files.group_sync.file_system", lambda _folder: kind)
    assert not GroupSync(tmp_path).is_worth_it()
