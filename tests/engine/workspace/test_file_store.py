"""Named files: saved without losing an edit, moved with all they own, damaged ones listed and named."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, StaleEdit, StorageError, UnknownName
from engine.files.atomic import etag
from engine.workspace import file_store as shelf_module
from engine.workspace.copies import move
from engine.workspace.file_store import FileStore
from tests.patience import until

NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, tmp_path / ".orchestra", "workflow", lambda: NOW)


def put(shelf: FileStore, name: str, text: str, by: str = "ann") -> None:
    shelf.save(name, text, etag(shelf.text(name)) if shelf.path(name).exists() else None, by)


def test_a_saved_text_is_read_back_and_listed(shelf: FileStore) -> None:
    assert shelf.names() == []
    put(shelf, "b", "{}\n")
    put(shelf, "a", '{"x": 1}\n')
    (shelf.folder / "a.layout.json").write_text("{}")
    (shelf.folder / ".a.json.tmp").write_text("{}")
    (shelf.folder / "notes.txt").write_text("hello")
    assert shelf.names() == ["a", "b"]
    assert shelf.read("a").value == {"x": 1}


@pytest.mark.parametrize(
    "name", ["../config", "..", "", "a/b", "A", "a.b", "con", "a\n", "/etc/passwd", "x" * 65, "ä", ".hidden", "a\0"]
)
def test_a_name_that_could_leave_the_folder_is_refused(shelf: FileStore, name: str) -> None:
    for act in (
        lambda: shelf.text(name),
        lambda: shelf.save(name, "{}", None, "ann"),
        lambda: shelf.delete(name),
        lambda: shelf.rename("a", name),
        lambda: shelf.rename(name, "a"),
    ):
        with pytest.raises((InvalidInput, UnknownName)):
            act()


def test_a_folder_that_may_not_be_looked_into_is_named(shelf: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    put(shelf, "a", "{}")
    monkeypatch.setattr(Path, "lstat", refused)
    with pytest.raises(StorageError, match=f"^The folder {shelf.folder} cannot be read: Permission denied"):
        shelf.path("a")


def test_an_unknown_name_offers_the_nearest(shelf: FileStore) -> None:
    put(shelf, "inbox-triage", "{}")
    with pytest.raises(UnknownName) as caught:
        shelf.text("inbox-triag")
    assert "inbox-triage" in caught.value.remedy


def test_a_link_is_refused(shelf: FileStore, tmp_path: Path) -> None:
    shelf.folder.mkdir()
    (tmp_path / "secret").write_text("{}")
    (shelf.folder / "a.json").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match="is a link"):
        shelf.text("a")
    with pytest.raises(InvalidInput, match="is a link"):
        shelf.save("a", "{}", None, "ann")


def test_a_stale_edit_is_refused_and_nothing_is_overwritten(shelf: FileStore) -> None:
    put(shelf, "a", "1\n")
    seen = etag("1\n")
    shelf.save("a", "2\n", seen, "ann")
    with pytest.raises(StaleEdit, match=r"workflows/a\.json"):
        shelf.save("a", "3\n", seen, "bob")
    assert shelf.text("a") == "2\n"
    with pytest.raises(InUse):
        shelf.save("a", "3\n", None, "bob")
    with pytest.raises(UnknownName):
        shelf.save("b", "3\n", seen, "bob")


def test_of_many_who_save_at_once_one_wins_and_all_others_are_told(shelf: FileStore) -> None:
    put(shelf, "a", "start\n")
    seen = etag("start\n")
    won: list[int] = []
    refused: list[int] = []

    def save(number: int) -> None:
        try:
            shelf.save("a", f"{number}\n", seen, "ann")
            won.append(number)
        except StaleEdit:
            refused.append(number)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 7)
    assert shelf.text("a") == f"{won[0]}\n"


def test_the_last_twenty_saved_texts_are_kept_newest_first(shelf: FileStore) -> None:
    for number in range(25):
        put(shelf, "a", f"{number}\n", by="local:ann")
    versions = shelf.history.versions("a")
    assert [shelf.history.text("a", one.id) for one in versions] == [f"{number}\n" for number in range(24, 4, -1)]
    assert {one.saved_by for one in versions} == {"local:ann"}
    assert versions[0].saved_at.startswith("2026-11-20T07:30:00")


def test_a_text_changed_past_the_engine_is_kept_when_it_is_replaced(shelf: FileStore) -> None:
    put(shelf, "a", "1\n")
    shelf.path("a").write_text("by hand\n")
    put(shelf, "a", "2\n")
    assert [(one.saved_by, shelf.history.text("a", one.id)) for one in shelf.history.versions("a")] == [
        ("ann", "2\n"),
        ("files", "by hand\n"),
        ("ann", "1\n"),
    ]


def test_the_same_text_again_makes_no_version(shelf: FileStore) -> None:
    put(shelf, "a", "1\n")
    put(shelf, "a", "1\n")
    assert len(shelf.history.versions("a")) == 1


def test_a_version_id_cannot_leave_its_folder(shelf: FileStore) -> None:
    put(shelf, "a", "1\n")
    with pytest.raises(UnknownName):
        shelf.history.text("a", "../../../../config")


def test_a_failed_save_leaves_text_and_versions_as_they_were(shelf: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shelf, "a", "1\n")

    def full(path: Path, text: str) -> None:
        raise StorageError(f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr(shelf_module, "write_whole", full)
    with pytest.raises(StorageError):
        put(shelf, "a", "2\n")
    assert shelf.text("a") == "1\n"
    assert [shelf.history.text("a", one.id) for one in shelf.history.versions("a")] == ["1\n"]


def _own_everything(shelf: FileStore, name: str) -> None:
    put(shelf, name, "1\n")
    (shelf.folder / f"{name}.layout.json").write_text("{}")
    for suffix in ("versions", "cases"):
        (shelf.folder / f"{name}.{suffix}").mkdir()
        (shelf.folder / f"{name}.{suffix}" / "1.json").write_text("{}")


def test_a_renamed_thing_takes_all_it_owns_along(shelf: FileStore) -> None:
    _own_everything(shelf, "a")
    shelf.rename("a", "b")
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["b.cases", "b.json", "b.layout.json", "b.versions"]
    assert [shelf.history.text("b", one.id) for one in shelf.history.versions("b")] == ["1\n"]
    assert shelf.history.versions("a") == []
    put(shelf, "c", "2\n")
    with pytest.raises(InUse):
        shelf.rename("b", "c")
    with pytest.raises(UnknownName):
        shelf.rename("a", "d")


def test_a_rename_cut_short_can_be_made_again(shelf: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    _own_everything(shelf, "a")

    def cut(source: Path, target: Path) -> None:
        if source.name == "a.json":
            raise OSError(5, "Input/output error")
        move(source, target)

    monkeypatch.setattr("engine.workspace.file_store.move", cut)
    with pytest.raises(StorageError):
        shelf.rename("a", "b")
    monkeypatch.undo()
    shelf.rename("a", "b")
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["b.cases", "b.json", "b.layout.json", "b.versions"]


def test_a_deleted_thing_lies_in_the_trash_with_all_it_owned(shelf: FileStore) -> None:
    _own_everything(shelf, "a")
    trash = shelf.delete("a")
    assert shelf.names() == []
    assert list(shelf.folder.iterdir()) == []
    assert sorted(path.name for path in trash.iterdir()) == ["a.cases", "a.json", "a.layout.json", "a.versions"]
    assert trash.name == "20261120T073000Z-a"
    put(shelf, "a", "again\n")
    assert shelf.delete("a") != trash


@pytest.mark.parametrize("blocked", ["workflows", ".orchestra"])
def test_a_folder_that_cannot_be_written_is_a_storage_error_with_path_and_remedy(tmp_path: Path, blocked: str) -> None:
    (tmp_path / blocked).write_text("a file stands in the way")
    shelf = FileStore(tmp_path, tmp_path / ".orchestra", "workflow", lambda: NOW)
    with pytest.raises(OrchestraError) as caught:
        shelf.save("a", "{}", None, "ann")
    assert isinstance(caught.value, StorageError | InvalidFile)
    assert str(tmp_path) in caught.value.message
    assert caught.value.remedy


def test_the_state_folder_is_for_its_owner_only(shelf: FileStore, tmp_path: Path) -> None:
    put(shelf, "a", "1\n")
    assert (tmp_path / ".orchestra").stat().st_mode & 0o777 == 0o700


def test_a_damaged_history_hinders_no_save(shelf: FileStore) -> None:
    put(shelf, "a", "1\n")
    folder = shelf.folder.parent / ".orchestra" / "versions" / "workflows" / "a"
    kept = shelf.history.versions("a")[0]
    (folder / f"{kept.id}.json").write_bytes(b"\xff")
    (folder / "20269999T999999.000000Z-ann.json").write_text("no such day")
    (folder / "notes.json").write_text("mine")
    put(shelf, "a", "2\n")
    newest = shelf.history.versions("a")[0]
    assert shelf.history.text("a", newest.id) == "2\n"
    with pytest.raises(InvalidFile):
        shelf.history.text("a", kept.id)


def test_a_name_that_is_no_utf8_is_listed_and_can_be_shown(shelf: FileStore) -> None:
    shelf.folder.mkdir()
    (shelf.folder / os.fsdecode(b"caf\xe9.json")).write_text("{}")
    assert shelf.names() == ["caf\ufffd"]


def test_what_two_things_own_is_never_mixed(shelf: FileStore) -> None:
    _own_everything(shelf, "a")
    (shelf.folder / "b.versions").mkdir()
    with pytest.raises(InUse, match=r"b\.versions is left over"):
        shelf.rename("a", "b")
    assert shelf.names() == ["a"]


def _written(shelf: FileStore, text: str) -> Path:
    """Write a file that the shelf keeps the text of."""
    shelf.folder.mkdir()
    path = shelf.folder / "a.json"
    path.write_text(text)
    until(lambda: shelf.text("a") and "a" in shelf._texts, "the text to be kept")
    return path


def _same_size_and_time(path: Path) -> None:
    before = path.stat()
    path.write_text(path.read_text().replace("old", "new"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _put_in_its_place(path: Path) -> None:
    other = path.with_suffix(".tmp")
    other.write_text('{"title": "new"}')
    other.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.write_text('{"title": "new"}'), id="written in place"),
        pytest.param(_same_size_and_time, id="of the same size, with the time of the old one"),
        pytest.param(_put_in_its_place, id="another in its place"),
    ],
)
def test_a_text_that_an_editor_changes_is_seen_at_once(shelf: FileStore, change: Callable[[Path], object]) -> None:
    path = _written(shelf, '{"title": "old"}')
    assert shelf.text("a") == '{"title": "old"}'
    change(path)
    assert shelf.text("a") == '{"title": "new"}'


def test_a_text_that_is_taken_away_is_gone_at_once(shelf: FileStore) -> None:
    path = _written(shelf, "{}")
    path.unlink()
    with pytest.raises(UnknownName):
        shelf.text("a")


def test_a_link_that_takes_the_place_of_a_text_is_refused_as_ever(shelf: FileStore, tmp_path: Path) -> None:
    path = _written(shelf, "{}")
    (tmp_path / "elsewhere.json").write_text("{}")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InvalidInput):
        shelf.text("a")
