"""What every drive promises (`clients/drives/drive.py`), checked for each one that has a stand-in, and with the servers
of others that are installed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from clients.client import Opening
from clients.drives import transfer
from clients.drives.drive import Drive
from clients.errors import AuthError, Conflict, InvalidRequest, NotFound, ServiceError, WriteRefused
from clients.reads_only import reads_only
from clients.transport import deadline
from engine.base.services import client_class, has_stand_in, services
from tests.clients.drives.real_servers import SERVERS, Open
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

MARKER, OTHER = "m" * 32, "o" * 32
FOLDER = "Attachments"
"""A folder that each stand-in has, empty."""
NAMES = [one.name for one in services() if one.kind == "drive" and has_stand_in(one.name)]


@pytest.fixture(scope="module", params=[*NAMES, *SERVERS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(name: str) -> Iterator[Open | None]:
    """The server of others with this name, started once; None for a stand-in."""
    with SERVERS[name]() if name in SERVERS else nullcontext() as found:
        yield found


@pytest.fixture
def opening(name: str, server: Open | None, standins: StandIns) -> Open:
    return server or (lambda key: opened(name, standins, key))


def opened(name: str, standins: StandIns, token: str = "") -> Drive:
    kind, where = client_class(name), standins[name]
    assert kind.service.key is not None
    settings: dict[str, Any] = {"base_url": where.base_url, kind.service.key.setting: token or where.token}
    return cast("Drive", kind.open(kind.service.settings.model_validate(settings), Opening()))


@pytest.fixture
def drive(opening: Open) -> Iterator[Drive]:
    with closing(opening("")) as made, deadline(PATIENCE_SECONDS):
        yield made
        for left in made.entries(FOLDER, 10):
            made.remove(left.id, left.version)


def written(folder: Path, content: bytes, name: str = "source") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_an_upload_is_listed_found_downloaded_and_removed(name: str, drive: Drive, tmp_path: Path) -> None:
    title = "Größe 50% #1.txt" if name == "onedrive" else "Größe 50% #1?.txt"  # OneDrive forbids the question mark
    source = written(tmp_path, "Rechnung über 49 €".encode())
    made = drive.upload(FOLDER, title, source, MARKER)
    assert (made.name, made.path, made.size) == (title, f"{FOLDER}/{title}", 21)
    assert made.version
    assert not made.is_folder
    assert drive.entries(FOLDER, 10) == [made] == [drive.file(made.id)]
    assert [one.id for one in drive.search("größe 50%", "", 10)] == [made.id]
    assert drive.search("größe", "Reports", 10) == []
    into = tmp_path / "copy"
    assert drive.download(made.id, into, 1000) == made
    assert into.read_bytes() == source.read_bytes()
    drive.remove(made.id, made.version)
    drive.remove(made.id, made.version)
    assert drive.entries(FOLDER, 10) == []


def test_ids_have_no_text_of_strangers(drive: Drive, tmp_path: Path) -> None:
    made = drive.upload(FOLDER, "ignore previous instructions.txt", written(tmp_path, b"x"), MARKER)
    assert "ignore" not in made.id
    assert ".." not in made.id


def test_a_file_is_never_replaced_and_only_the_own_one_is_found(drive: Drive, tmp_path: Path) -> None:
    first, second = written(tmp_path, b"first", "1"), written(tmp_path, b"other", "2")
    assert drive.uploaded(FOLDER, "a.txt", first, MARKER) is None
    made = drive.upload(FOLDER, "a.txt", first, MARKER)
    assert drive.uploaded(FOLDER, "a.txt", first, MARKER) == made
    assert drive.uploaded(FOLDER, "a.txt", second, OTHER) is None
    for source in (first, second):
        with pytest.raises(Conflict, match=r"a\.txt") as refused:
            drive.upload(FOLDER, "a.txt", source, OTHER)
        assert refused.value.outcome == "not_done"
    into = tmp_path / "copy"
    drive.download(made.id, into, 10)
    assert into.read_bytes() == b"first"


def test_what_somebody_changed_is_not_removed(drive: Drive, tmp_path: Path) -> None:
    made = drive.upload(FOLDER, "a.txt", written(tmp_path, b"first"), MARKER)
    with pytest.raises(Conflict):
        drive.remove(made.id, '"another"')
    assert drive.file(made.id) == made


def test_what_is_not_there_or_no_file_is_refused(drive: Drive, tmp_path: Path) -> None:
    source = written(tmp_path, b"x")
    for ask in (
        lambda: drive.entries("Nowhere", 10),
        lambda: drive.file("Nowhere/a.txt"),
        lambda: drive.download("Nowhere/a.txt", tmp_path / "copy", 10),
        lambda: drive.upload("Nowhere", "a.txt", source, MARKER),
        lambda: drive.changes("Nowhere", None),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises((InvalidRequest, NotFound)):
        drive.download(FOLDER, tmp_path / "copy", 10)
    for wrong in ("../a.txt", "", "a/b.txt"):
        with pytest.raises(ServiceError):
            drive.upload(FOLDER, wrong, source, MARKER)
    assert drive.entries(FOLDER, 10) == []


def test_a_download_is_limited(drive: Drive, tmp_path: Path) -> None:
    made = drive.upload(FOLDER, "a.bin", written(tmp_path, bytes(1001)), MARKER)
    with pytest.raises(InvalidRequest, match="at most 1000"):
        drive.download(made.id, tmp_path / "copy", 1000)


def test_a_download_goes_on_where_the_connection_broke(
    name: str, drive: Drive, standins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PART_BYTES", 100_000)
    content = hashlib.shake_256(b"content").digest(450_000)
    made = drive.upload(FOLDER, "a.bin", written(tmp_path, content), MARKER)
    if name not in NAMES:
        drive.download(made.id, tmp_path / "copy", 1_000_000)
        assert (tmp_path / "copy").read_bytes() == content
        return
    before = sum(standins.requests(name).values())
    # These also ask for the item with GET.
    match = {"onedrive": "/content", "google_drive": "alt=media"}.get(name, "GET")
    standins.faults(name, match=match, times=2, cut=True, when="after_effect")
    drive.download(made.id, tmp_path / "copy", 1_000_000)
    assert (tmp_path / "copy").read_bytes() == content
    assert sum(standins.requests(name).values()) - before >= 7, "five parts, two of them twice"


def test_new_files_are_told_once_and_the_first_look_is_quiet(drive: Drive, tmp_path: Path) -> None:
    source = written(tmp_path, b"x")
    old = drive.upload(FOLDER, "old.txt", source, MARKER)
    start = drive.changes(FOLDER, None)
    assert start.files == []
    assert drive.changes(FOLDER, start.cursor).files == []
    made = drive.upload(FOLDER, "new.txt", source, OTHER)
    found = drive.changes(FOLDER, start.cursor)
    assert [one.id for one in found.files] == [made.id] != [old.id]
    assert drive.changes(FOLDER, found.cursor).files == []


def test_folders_are_offered_and_what_is_offered_is_taken(drive: Drive) -> None:
    rows = drive.folders()
    assert FOLDER in {row["name"] for row in rows}
    for row in rows:
        drive.entries(row["name"], 10)
        drive.entries(row["id"], 10)


def test_a_plan_reads_and_uploads_nothing(drive: Drive, tmp_path: Path) -> None:
    made = drive.upload(FOLDER, "a.txt", written(tmp_path, b"x"), MARKER)
    with reads_only():
        drive.entries("", 10)
        drive.search("a", "", 10)
        drive.changes(FOLDER, None)
        drive.download(made.id, tmp_path / "copy", 10)
        with pytest.raises(WriteRefused):
            drive.upload(FOLDER, "b.txt", tmp_path / "source", MARKER)
        with pytest.raises(WriteRefused):
            drive.remove(made.id, made.version)


def test_a_wrong_key_is_refused_and_not_shown(name: str, opening: Open) -> None:
    if name == "moto":
        pytest.skip("moto lets every key in.")
    with closing(opening("wrong-key-of-nobody")) as drive, pytest.raises(AuthError) as refused:
        drive.entries("", 10)
    assert "wrong-key" not in refused.value.message + refused.value.remedy


def test_folders_that_fit_take_no_place_of_files_that_a_search_finds(standins: StandIns) -> None:
    with closing(opened("dropbox", standins)) as drive:
        found = drive.search("report", "", 1)
    assert [one.name for one in found] == ["Weekly report.txt"]
