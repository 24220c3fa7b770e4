"""A folder: which files count, and when."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clients.errors import InvalidRequest, NotFound, Unavailable
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item, Start
from engine.triggering.polling.mapping import is_for_good
from engine.triggers import folder as folder_type
from tests.engine.triggers.folder_world import write
from tests.engine.triggers.looking import NOW, Looker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is watched."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def looker(folder: Path, start: Start | None = None, **fields: Any) -> Looker:
    given = {"path": folder.name, "still_seconds": 0, **fields}
    return Looker(trigger_type("folder.new_file"), given, start=start or Start(), root=folder.parent)


def names(items: Any) -> list[str]:
    return [item.title for item in items]


def later(seconds: float) -> Any:
    return NOW + timedelta(seconds=seconds)


def test_a_file_counts_once_it_has_not_changed_for_long_enough(folder: Path) -> None:
    one = looker(folder, still_seconds=10)
    one.look_until_done()
    write(folder, "a.txt", "beg", minutes=-60)  # its time lies in the past while it is being copied
    assert one.look_until_done(later(1)) == []
    assert one.next_at == later(11)
    write(folder, "a.txt", "begun", minutes=-60)
    assert one.look_until_done(later(11)) == []
    assert names(one.look_until_done(later(21))) == ["a.txt"]
    assert one.look_until_done(later(99)) == []
    assert one.next_at is None


@pytest.mark.parametrize(
    ("count", "said"),
    [
        pytest.param(1, "1 more file: it starts a run once it has not changed for 10 seconds.", id="one"),
        pytest.param(2, "2 more files: each starts a run once it has not changed for 10 seconds.", id="two"),
    ],
)
def test_files_that_are_still_watched_are_told(folder: Path, count: int, said: str) -> None:
    for number in range(count):
        write(folder, f"{number}.txt", "there", minutes=-60)
    one = looker(folder, Start(last=10), still_seconds=10)
    assert (one.look_until_done(later(1)), one.notes) == ([], [said])
    assert len(one.look_until_done(later(11))) == count
    assert one.notes == [said]


def test_a_file_that_is_changed_later_is_a_new_one(folder: Path) -> None:
    one = looker(folder)
    one.look_until_done()
    write(folder, "a.txt", "one")
    assert names(one.look_until_done()) == ["a.txt"]
    write(folder, "a.txt", "two", minutes=1)
    [again] = one.look_until_done()
    assert again.value is not None
    assert again.value["text"] == "two"


def test_what_is_moved_in_counts_however_old_it_is(folder: Path) -> None:
    write(folder, "there.txt", "there")
    write(folder.parent, "old.txt", "old", minutes=-9999)
    one = looker(folder)
    assert one.look_until_done() == []
    (folder.parent / "old.txt").rename(folder / "old.txt")
    assert names(one.look_until_done()) == ["old.txt"]


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        pytest.param(Start(), [], id="now"),
        pytest.param(Start(last=2), ["b.txt", "c.txt"], id="the last two"),
        pytest.param(Start(since=NOW + timedelta(minutes=2)), ["b.txt", "c.txt"], id="since"),
    ],
)
def test_from_where_on(folder: Path, start: Start, wanted: list[str]) -> None:
    for number, name in enumerate("abc", 1):
        write(folder, f"{name}.txt", name, minutes=number)
    assert names(looker(folder, start).look_until_done(later(3600))) == wanted


@pytest.mark.parametrize("start", [Start(last=400), Start(since=NOW)], ids=["last", "since"])
def test_a_first_look_weighs_each_file_a_few_times_however_many_there_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    for number in range(400):
        write(folder, f"{number}.txt", "", minutes=1)
    weighed = Counter[str]()
    own_id = vars(folder_type._File)["id"].fget
    monkeypatch.setattr(folder_type._File, "id", property(lambda file: weighed.update(["id"]) or own_id(file)))
    assert looker(folder, start).look() == []
    assert weighed["id"] < 400 * 10


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        pytest.param("*", {"a.txt", "b.pdf"}, id="all"),
        pytest.param("*.pdf", {"b.pdf"}, id="by ending"),
        pytest.param("**/*.txt", {"a.txt", "inner/c.txt"}, id="folders inside"),
        pytest.param("*/*.txt", {"inner/c.txt"}, id="folders inside only"),
    ],
)
def test_which_files_count(folder: Path, pattern: str, wanted: set[str]) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    one = looker(folder, pattern=pattern)
    one.look_until_done()
    (folder / "inner").mkdir()
    (folder / ".hidden").mkdir()
    for name in ("a.txt", "b.pdf", "inner/c.txt", ".secret.txt", ".hidden/d.txt"):
        write(folder, name, name)
    (folder / "link.txt").symlink_to("/etc/hostname")
    write(outside, "e.txt", "not of this folder")
    (folder / "linked").symlink_to(outside)
    assert set(names(one.look_until_done())) == wanted


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("h2.txt", "hard link", id="hard link"),
        pytest.param("prod.env", "may hold a key", id="by custom"),
        pytest.param("id_rsa", "may hold a key", id="a key"),
        pytest.param("prod.env.bak", "may hold a key", id="a copy of one"),
        pytest.param("state.db", "may hold a key", id="a state"),
        pytest.param("config.yaml", "belongs to AI-Orchestra", id="the settings"),
        pytest.param("logs/run.txt", "belongs to AI-Orchestra", id="what the program keeps"),
    ],
)
@pytest.mark.parametrize("is_linked", [False, True], ids=["as it is", "through a link"])
def test_what_no_step_may_read_is_left_out_and_told(folder: Path, name: str, said: str, is_linked: bool) -> None:
    (folder.parent / "link").symlink_to(folder)
    one = looker(folder, pattern="**/*", path="link" if is_linked else folder.name)
    one.private = frozenset({folder / "config.yaml", folder / "logs"})
    one.look_until_done()
    (folder / "logs").mkdir()
    write(folder, name, "KEY=sk-123")
    if name == "h2.txt":
        (folder.parent / ".env").hardlink_to(folder / name)
    write(folder, "a.txt", "a")
    look = one.request()
    found = {item.title: item for item in one.kind.look(look).items}
    assert {title: said in item.skip for title, item in found.items()} == {name: True, "a.txt": False}
    with pytest.raises(InvalidRequest, match=said):
        one.kind.read(look, found[name])
    assert names(one.look_until_done()) == ["a.txt"]


def test_a_copy_of_the_state_is_known_by_its_content(folder: Path) -> None:
    one = looker(folder)
    one.look_until_done()
    with closing(sqlite3.connect(folder / "plain.txt")) as copy:
        copy.executescript("CREATE TABLE effects (n); CREATE TABLE login_links (n)")
    [item] = one.kind.look(one.request()).items
    with pytest.raises(InvalidRequest, match="copy of AI-Orchestra's own state") as refused:
        one.kind.read(one.request(), item)
    assert is_for_good(refused.value)


@pytest.mark.parametrize("path", ["/etc", "/proc/self", "/", "../.ssh", str(Path(folder_type.__file__).parent)])
def test_a_folder_of_the_machine_itself_is_not_watched(folder: Path, path: str) -> None:
    (folder / "ws").mkdir()
    (folder / ".ssh").mkdir()
    with pytest.raises(InvalidRequest, match=r"The folder .* (of the system|hidden|AI-Orchestra itself)"):
        looker(folder / "ws" / "in", path=path).look()


@pytest.mark.parametrize("path", [".hidden", "logs", "linked"])
def test_a_folder_of_the_program_is_not_watched(folder: Path, path: str) -> None:
    for name in (".hidden", "logs"):
        (folder.parent / name).mkdir()
    (folder.parent / "linked").symlink_to(folder.parent / "logs")
    one = looker(folder, path=path)
    one.private = frozenset({folder.parent / "logs"})
    with pytest.raises(InvalidRequest, match="belongs to AI-Orchestra itself, or is hidden"):
        one.look()


def test_a_file_whose_name_is_no_text_is_left_out_and_blocks_no_other(folder: Path) -> None:
    one = looker(folder)
    one.look_until_done()
    write(folder, "a.txt", "a")
    try:
        (folder / os.fsdecode(b"\xff.txt")).touch()
    except OSError:
        pytest.skip("this file system takes names of text only")
    skips = {item.title: item.skip for item in one.kind.look(one.request()).items}
    assert skips.keys() == {"a.txt", r"\xff.txt"}
    assert "rename" in skips[r"\xff.txt"]
    assert names(one.look_until_done()) == ["a.txt"]


@pytest.mark.parametrize(
    ("seconds", "year"),
    [
        pytest.param(4 * 10**11, 9999, id="far-ahead"),
        pytest.param(-(10**11), 2, id="long-before"),
        pytest.param(-300_000_000, 1960, id="before-1970"),
    ],
)
def test_a_file_may_have_a_time_that_no_calendar_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, year: int
) -> None:
    one = looker(folder)
    one.look_until_done()
    write(folder, "a.txt", "a")
    facts = (folder / "a.txt").lstat()
    strange = SimpleNamespace(st_mode=facts.st_mode, st_size=facts.st_size, st_nlink=1, st_mtime_ns=seconds * 10**9)
    lstat = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: strange if path.name == "a.txt" else lstat(path))
    [item] = one.look_until_done()
    assert item.at is not None
    assert item.at.year == year


def test_text_is_read_and_what_is_none_is_not(folder: Path) -> None:
    one = looker(folder)
    one.look_until_done()
    (folder / "text.txt").write_bytes("\ufeffGrüße".encode())
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\0\0")
    (folder / "latin.txt").write_bytes(b"Gr\xfc\xdfe")
    (folder / "large.txt").write_bytes(b"a" * (1024 * 1024 + 1))
    found = {item.title: item.value for item in one.look_until_done() if item.value is not None}
    assert {name: value["text"] for name, value in found.items()} == {
        "text.txt": "Grüße", "picture.png": "", "latin.txt": "", "large.txt": "",
    }  # fmt: skip
    assert {name: value["text_missing"] for name, value in found.items()} == {
        "text.txt": "",
        "picture.png": "The file is not UTF-8 text.",
        "latin.txt": "The file is not UTF-8 text.",
        "large.txt": "The file is larger than 1 MB.",
    }
    assert found["large.txt"]["size_bytes"] == 1024 * 1024 + 1
    assert found["text.txt"]["path"] == str(folder / "text.txt")


def test_what_is_gone_or_changed_before_it_is_read_is_not_there(folder: Path) -> None:
    kind = trigger_type("folder.new_file")
    one = looker(folder)
    one.look_until_done()
    write(folder, "a.txt", "one")
    look = one.request()
    [item] = kind.look(look).items
    write(folder, "a.txt", "more")
    with pytest.raises(NotFound):
        kind.read(look, item)
    (folder / "a.txt").unlink()
    with pytest.raises(NotFound):
        kind.read(look, item)


def test_a_file_that_may_not_be_read_fails_for_good_so_that_it_holds_up_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = looker(folder)
    one.look_until_done()
    write(folder, "a.txt", "a")
    look = one.request()
    [item] = one.kind.look(look).items
    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(InvalidRequest, match=r"a\.txt may not be read") as refused:
        one.kind.read(look, item)
    assert is_for_good(refused.value)
    assert "read it" in refused.value.remedy


def test_a_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "there.txt", "there")
    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(Unavailable, match="cannot be read") as refused:
        looker(folder).look()
    assert "may read it" in refused.value.remedy


def forbidden(*_: Any, **__: Any) -> Any:
    """What a system says to an account that lacks a right; root has every one, so it is no use to take one away."""
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_an_id_leads_nowhere_else(folder: Path) -> None:
    secret = write(folder.parent, "secret.txt", "secret")
    facts = secret.stat()
    look = looker(folder).request()
    with pytest.raises(NotFound):
        trigger_type("folder.new_file").read(look, Item(f"../secret.txt:{facts.st_mtime_ns}:{facts.st_size}"))


def test_a_folder_that_is_not_there_and_a_pattern_that_is_none_are_told(folder: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        looker(folder, path="nowhere").look()
    with pytest.raises(InvalidRequest, match="not a pattern"):
        looker(folder, pattern="/etc/*").look()
