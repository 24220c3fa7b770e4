"""The power goes at any moment: what is left on the disk opens, is whole, and keeps every promise."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assurance.faults.power.disk import Disk, Tree, every
from assurance.faults.power.kinds import more_kinds
from assurance.faults.power.recording import Recording
from assurance.faults.power.sessions import SESSIONS
from assurance.faults.power.storm import lived_through, quick_folder, recorded
from assurance.faults.power.trace import is_missing
from assurance.faults.power.wrong import SEPARATOR, WRONG
from assurance.faults.story import quickly
from assurance.semantics.service import ScriptedService, scripted_service

CANNOT_RECORD = is_missing()
needs_strace = pytest.mark.skipif(bool(CANNOT_RECORD), reason=f"nothing was proved of power cuts: {CANNOT_RECORD}")

IN_EVERY_TEST = (
    "run-reads-and-writes",
    "run-large-values",
    "runs-at-once",
    "logs-of-many-runs-in-one-group",
    "state-file-is-lost-and-made-anew",
    "workflow-is-saved",
    "workflow-is-renamed",
    "workflow-is-deleted",
    "the-key-of-secrets-is-changed",
    "looks-start-runs",
)
_STATES = 6
_STATES_OF_WRONG = 240
CONTROLS = [
    pytest.param("workflow-is-saved", "files-unsynced", "is torn", id="a file without fsync"),
    pytest.param("logs-of-many-runs-in-one-group", "group-unsynced", "is torn", id="a group of logs without sync"),
    pytest.param("workflow-is-saved", "folders-unsynced", "another answer", id="its name without fsync"),
    pytest.param("run-large-values", "new-folders-unsynced", "UnknownName", id="the name of a folder without fsync"),
    pytest.param("workflow-is-deleted", "new-folders-unsynced", "is nowhere", id="a new folder in the trash"),
    pytest.param("runs-one-after-the-other", "synchronous-off", "is lost", id="SQLite with synchronous=OFF"),
    pytest.param("runs-one-after-the-other", "synchronous-normal", "is lost", id="SQLite with synchronous=NORMAL"),
    pytest.param("run-writes-that-cannot-be-found", "intent-after-sending", "was made 2 times", id="intent after it"),
    pytest.param("run-reads", "events-later", "was asked again", id="events after the next step"),
    pytest.param("step-is-renamed", "rename-at-once", "written once more", id="a rename cut short"),
    pytest.param("workflow-is-renamed", "renamed-without-id", "written once more", id="a rename without an id"),
]


@dataclass
class Place:
    """Sessions that were recorded, a service, and a folder to live through what is left of them."""

    recordings: dict[str, Recording]
    service: ScriptedService
    folder: Path

    def wrongs(self, name: str, most: int) -> tuple[int, list[str]]:
        """Live through up to `most` states of a session; return how many, and everything that is wrong in them."""
        found = list(lived_through(self.recordings[name], most, self.folder, self.service))
        return len(found), [one for wrongs in found for one in wrongs]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits between attempts."""
    quickly(monkeypatch.setattr)
    with more_kinds():
        yield


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: the disk of these tests is made of what was recorded."""
    found = Path(tempfile.mkdtemp(dir=quick_folder()))
    yield found
    shutil.rmtree(found)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Place]:
    """The sessions of `make touched`, all in one recorded process."""
    with scripted_service() as service:
        yield Place(recorded(list(IN_EVERY_TEST), folder, service), service, folder / "lives")


@pytest.fixture(scope="module")
def wrong_place(folder: Path) -> Iterator[Place]:
    """The sessions of engines that are wrong on purpose."""
    wrong = [f"{one.values[0]}{SEPARATOR}{one.values[1]}" for one in CONTROLS]
    apart = folder / "wrong"
    apart.mkdir()
    with scripted_service() as service:
        yield Place(recorded(wrong, apart, service), service, apart / "lives")


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("name", IN_EVERY_TEST)
def test_what_is_left_when_the_power_goes_keeps_every_promise(place: Place, name: str) -> None:
    count, wrongs = place.wrongs(name, _STATES)
    assert not wrongs, "\n".join(wrongs[:10])
    assert count == _STATES


@needs_strace
@pytest.mark.slow
@pytest.mark.control
@pytest.mark.parametrize(("name", "wrong", "said"), CONTROLS)
def test_an_engine_that_is_wrong_is_found(wrong_place: Place, name: str, wrong: str, said: str) -> None:
    label, place = f"{name}{SEPARATOR}{wrong}", wrong_place
    for wrongs in lived_through(place.recordings[label], _STATES_OF_WRONG, place.folder, place.service):
        if any(said in one for one in wrongs):
            return
    raise AssertionError(f"nothing was found in {label}")


def test_every_wrong_engine_is_tried() -> None:
    assert {one.values[1] for one in CONTROLS} == set(WRONG)
    assert len(SESSIONS) >= 50


# --- the disk itself


def _left(disk: Disk, at: int) -> list[Tree]:
    """Return what may be left: all that was not synced is lost, or nothing of it."""
    return [disk.left(at, {}), disk.left(at, every(disk.pending(at)))]


def test_a_file_that_was_not_synced_may_be_there_empty_under_its_new_name() -> None:
    disk = Disk()
    node = disk.make(1, "draft", is_folder=False)
    disk.write(2, node, 0, b"new")
    disk.move(3, "draft", "file")
    names_only = every(atom for atom in disk.pending(3) if atom[0] == "name")
    assert disk.left(3, names_only) == {"file": b""}
    assert _left(disk, 3) == [{}, {"file": b"new"}]


def test_a_file_that_was_synced_is_whole_and_its_name_may_be_the_old_one() -> None:
    disk = Disk()
    node = disk.make(1, "draft", is_folder=False)
    disk.write(2, node, 0, b"new")
    disk.sync(node, 3, 4)
    disk.sync(0, 5, 6)
    disk.move(7, "draft", "file")
    assert _left(disk, 7) == [{"draft": b"new"}, {"file": b"new"}]
    disk.sync(0, 8, 9)
    assert _left(disk, 9) == [{"file": b"new"}] * 2


def test_what_lies_in_a_folder_is_lost_with_its_name() -> None:
    disk = Disk()
    disk.make(1, "folder", is_folder=True)
    node = disk.make(2, "folder/file", is_folder=False)
    disk.write(3, node, 0, b"x")
    disk.sync(node, 4, 5)
    disk.sync(1, 6, 7)
    assert _left(disk, 7) == [{}, {"folder": None, "folder/file": b"x"}]


def test_a_sync_says_nothing_of_what_was_written_while_it_was_at_work() -> None:
    disk = Disk()
    node = disk.make(1, "file", is_folder=False)
    disk.write(2, node, 0, b"one")
    disk.write(5, node, 3, b"two")
    disk.sync(node, 4, 6)
    disk.sync(0, 4, 6)
    assert _left(disk, 6) == [{"file": b"one"}, {"file": b"onetwo"}]


def test_data_may_be_torn_by_sectors_or_be_zero() -> None:
    disk = Disk()
    node = disk.make(1, "file", is_folder=False)
    disk.sync(0, 2, 3)
    disk.write(4, node, 0, b"x" * 5120)
    assert disk.left(4, {("data", node): "zero"}) == {"file": bytes(5120)}
    torn = disk.left(4, {("data", node): "torn"}, seed=1)["file"]
    assert torn is not None
    assert {torn[begin : begin + 512] for begin in range(0, 5120, 512)} == {b"x" * 512, bytes(512)}


def test_a_file_that_goes_to_another_folder_is_in_one_of_them_at_least() -> None:
    disk = Disk()
    disk.make(1, "old", is_folder=True)
    disk.make(2, "new", is_folder=True)
    disk.make(3, "old/file", is_folder=False)
    disk.settle(4)
    disk.move(5, "old/file", "new/file")
    disk.sync(1, 6, 7)  # only the folder that it left
    assert "new/file" in disk.left(7, {})
    assert "old/file" in disk.left(5, {})
