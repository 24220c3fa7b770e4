"""Uploads in parts and cursors, when connections break and services forget."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.drives.drive import Drive
from clients.dropbox import uploads as of_dropbox
from clients.errors import Conflict, RateLimited, ServiceError
from clients.google_drive import uploads as of_google
from clients.microsoft import uploads as of_microsoft
from clients.onedrive.quick_xor import quick_xor
from clients.transport import deadline
from tests.clients.drives.test_contract import FOLDER, MARKER, opened, written
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

UNIT = 5 * 256 * 1024
"""A whole number of what each asks for: 256 KiB at Google, 320 KiB at Microsoft."""
CONTENT = hashlib.shake_256(b"content").digest(UNIT * 2 + 5)
PARTS = {"dropbox": "append_v2", "onedrive": "PUT /_upload", "google_drive": "PUT /upload"}
OTHERS = ("dropbox", "onedrive")


@pytest.fixture(params=PARTS)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(of_dropbox, "PART_BYTES", UNIT)
    monkeypatch.setattr(of_microsoft, "PART_BYTES", UNIT)
    monkeypatch.setattr(of_google, "PART_BYTES", UNIT)
    monkeypatch.setattr(of_google, "AT_ONCE_BYTES", UNIT)
    return str(request.param)


@pytest.fixture
def drive(name: str, standins: StandIns) -> Iterator[Drive]:
    with closing(opened(name, standins)) as made, deadline(PATIENCE_SECONDS):
        yield made


def control(standins: StandIns, name: str, **given: Any) -> None:
    httpx.post(f"{standins[name].origin}/_demo/file", json=given, trust_env=False).raise_for_status()


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_a_part_that_broke_is_sent_again_or_found(
    name: str, when: str, drive: Drive, standins: StandIns, tmp_path: Path
) -> None:
    source = written(tmp_path, CONTENT)
    standins.faults(name, match=PARTS[name], times=2, cut=True, when=when)
    made = drive.upload(FOLDER, "large.bin", source, MARKER)
    assert made.size == len(CONTENT)
    assert drive.uploaded(FOLDER, "large.bin", source, MARKER) == made
    drive.download(made.id, tmp_path / "copy", len(CONTENT))
    assert (tmp_path / "copy").read_bytes() == CONTENT
    with pytest.raises(Conflict):
        drive.upload(FOLDER, "large.bin", source, MARKER)


def test_a_session_that_ended_leaves_nothing(name: str, drive: Drive, standins: StandIns, tmp_path: Path) -> None:
    standins.faults(name, match=PARTS[name], status=409 if name == "dropbox" else 404, times=1)
    with pytest.raises(ServiceError) as refused:
        drive.upload(FOLDER, "large.bin", written(tmp_path, CONTENT), MARKER)
    assert refused.value.outcome == "not_done"
    assert drive.entries(FOLDER, 10) == []


def test_a_busy_service_says_when_to_come_back(name: str, drive: Drive, standins: StandIns) -> None:
    standins.faults(name, match="", status=429, retry_after=7, times=1)
    with pytest.raises(RateLimited) as refused:
        drive.entries("", 10)
    assert refused.value.retry_after_seconds == 7


@pytest.mark.parametrize("name", OTHERS, indirect=True)
def test_files_since_a_cursor_that_was_forgotten_are_listed(
    name: str, drive: Drive, standins: StandIns, tmp_path: Path
) -> None:
    old = drive.upload(FOLDER, "old.txt", written(tmp_path, b"x"), MARKER)
    start = drive.changes(FOLDER, None)
    control(standins, name, path=f"{'/' if name == 'dropbox' else ''}{old.path}", text="edited")
    edited = drive.changes(FOLDER, start.cursor)
    assert edited.files == [], "it was there before"
    made = drive.upload(FOLDER, "new.txt", written(tmp_path, b"x"), MARKER)
    control(standins, name, forgets=True)
    found = drive.changes(FOLDER, edited.cursor)
    assert [one.id for one in found.files] == [made.id]
    assert drive.changes(FOLDER, found.cursor).files == []


@pytest.mark.parametrize("name", OTHERS, indirect=True)
def test_what_was_changed_by_a_person_is_not_removed(
    name: str, drive: Drive, standins: StandIns, tmp_path: Path
) -> None:
    made = drive.upload(FOLDER, "a.txt", written(tmp_path, b"first"), MARKER)
    control(standins, name, path=f"{'/' if name == 'dropbox' else ''}{made.path}", text="by hand")
    with pytest.raises(Conflict):
        drive.remove(made.id, made.version)
    assert drive.uploaded(FOLDER, "a.txt", tmp_path / "source", MARKER) is None
    assert drive.uploaded("Nowhere", "a.txt", tmp_path / "source", MARKER) is None


def test_the_hash_of_microsoft_is_that_of_its_description(tmp_path: Path) -> None:
    """The values for one, two and three bytes are those that rclone checks against OneDrive."""
    known = {b"": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", b"\x4a": "SgAAAAAAAAAAAAAAAQAAAAAAAAA="}
    known |= {b"\xb5\xb4": "taAFAAAAAAAAAAAAAgAAAAAAAAA=", b"\xd2\x96\x4f": "0rDEEwAAAAAAAAAAAwAAAAAAAAA="}
    assert {content: quick_xor(written(tmp_path, content)) for content in known} == known


@pytest.mark.parametrize("name", ["onedrive"])
def test_what_leads_to_another_drive_is_listed_nowhere(name: str, drive: Drive, standins: StandIns) -> None:
    before = drive.changes(FOLDER, None)
    control(standins, name, path=f"{FOLDER}/short.txt", text="private", is_remote=True)
    control(standins, name, path=f"{FOLDER}/plain.txt", text="plain")
    found = [drive.entries(FOLDER, 10), drive.search("t", FOLDER, 10), drive.changes(FOLDER, before.cursor).files]
    assert [[one.name for one in files] for files in found] == [["plain.txt"]] * 3
