"""Google Drive: several files of one name, documents without content, shared drives, and uploads that break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openpyxl import load_workbook
from pydantic import SecretStr

from clients.client import Opening
from clients.errors import Conflict, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable
from clients.google_drive import client as of_client
from clients.google_drive.client import GoogleDriveClient
from clients.google_drive.places import quoted
from clients.google_drive.service import GoogleDriveSettings
from clients.transport import deadline
from demo.google_drive.files import SHARED
from tests.clients.drives.test_contract import FOLDER, MARKER, OTHER, written
from tests.clients.test_google_services import Requests
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_client, "_SETTLES_SECONDS", 0)


def opened(standins: StandIns, **more: Any) -> GoogleDriveClient:
    where = standins["google_drive"]
    settings = GoogleDriveSettings(token=SecretStr(where.token), base_url=where.base_url, **more)
    client = GoogleDriveClient.open(settings, Opening())
    client.http.event_hooks["request"].append(Requests("google_drive"))
    return client


@pytest.fixture
def drive(standins: StandIns) -> Iterator[GoogleDriveClient]:
    with closing(opened(standins)) as made, deadline(PATIENCE_SECONDS):
        yield made


def by_hand(standins: StandIns, **given: Any) -> str:
    url = f"{standins['google_drive'].origin}/_demo/file"
    return str(httpx.post(url, json=given, trust_env=False).raise_for_status().json()["id"])


def held(standins: StandIns, name: str) -> list[dict[str, Any]]:
    return [one for one in standins.show("google_drive")["files"] if one["name"] == name]


def test_a_link_of_the_demo_shows_the_file(drive: GoogleDriveClient) -> None:
    page = httpx.get(drive.file("Invoices/2026-05 hosting.txt").url, trust_env=False)
    assert "Invoice 4711" in page.raise_for_status().text


def test_a_name_that_is_there_twice_is_told_with_its_ids(standins: StandIns, drive: GoogleDriveClient) -> None:
    folder = drive.file(FOLDER).id
    ids = [by_hand(standins, name="Twice.txt", parents=[folder], text=text) for text in ("one", "two")]
    with pytest.raises(InvalidRequest, match=r"2 are called 'Twice\.txt'") as caught:
        drive.file(f"{FOLDER}/Twice.txt")
    assert all(one in caught.value.remedy for one in ids)
    assert [drive.file(one).path for one in ids] == [f"{FOLDER}/Twice.txt"] * 2
    assert len(drive.entries(FOLDER, 10)) == 2


@pytest.mark.parametrize("name", ["it's.txt", r"back\slash.txt", r"\' or name != '", "AttachmentsAttachments"])
def test_a_name_is_found_whatever_it_means_in_a_query(standins: StandIns, drive: GoogleDriveClient, name: str) -> None:
    made = by_hand(standins, name=name, parents=[drive.file(FOLDER).id])
    by_hand(standins, name="other.txt", parents=[drive.file(FOLDER).id])
    assert drive.file(f"{FOLDER}/{name}").id == made
    assert [one.id for one in drive.search(name, FOLDER, 10)] == [made]
    assert quoted(r"a\'b") == r"'a\\\'b'"


def test_a_path_is_exact_although_drive_is_not(standins: StandIns, drive: GoogleDriveClient) -> None:
    by_hand(standins, name="A.txt", parents=[drive.file(FOLDER).id])
    with pytest.raises(NotFound, match=r"'a\.txt'"):
        drive.file(f"{FOLDER}/a.txt")


@pytest.mark.parametrize(("form", "suffix", "start"), [("markdown", ".md", b"# Meeting"), ("pdf", ".pdf", b"%PDF-")])
def test_a_document_is_exported(standins: StandIns, tmp_path: Path, form: str, suffix: str, start: bytes) -> None:
    with closing(opened(standins, documents_as=form)) as drive:
        found = drive.download("Reports/Meeting notes", tmp_path / "copy", 1000)
    assert found.name == f"Meeting notes{suffix}"
    assert (tmp_path / "copy").read_bytes().startswith(start)
    assert found.size == (tmp_path / "copy").stat().st_size


def test_a_spreadsheet_becomes_a_workbook(drive: GoogleDriveClient, tmp_path: Path) -> None:
    found = drive.download("Reports/Budget", tmp_path / "copy.xlsx", 100_000)
    assert found.name == "Budget.xlsx"
    assert load_workbook(tmp_path / "copy.xlsx").active["A2"].value == "Hosting"


def test_what_cannot_be_exported_says_why(standins: StandIns, drive: GoogleDriveClient, tmp_path: Path) -> None:
    native = "application/vnd.google-apps."
    long = by_hand(standins, name="Long", mimeType=f"{native}document", text="x" * (10 * 1024 * 1024 + 1))
    with pytest.raises(InvalidRequest, match="exportSizeLimitExceeded") as caught:
        drive.download(long, tmp_path / "copy", 10**9)
    assert "10 MB" in caught.value.remedy
    with pytest.raises(InvalidRequest, match="Google form"):
        drive.download(by_hand(standins, name="Poll", mimeType=f"{native}form"), tmp_path / "copy", 1000)
    with pytest.raises(InvalidRequest, match="at most 5"):
        drive.download("Reports/Meeting notes", tmp_path / "copy", 5)


def test_a_shared_drive_is_a_place_like_others(drive: GoogleDriveClient, tmp_path: Path) -> None:
    assert [one.path for one in drive.entries("Shared drives/Marketing", 10)] == [
        "Shared drives/Marketing/Brand guide.txt"
    ]
    assert [one.name for one in drive.search("brand", SHARED, 10)] == ["Brand guide.txt"]
    assert drive.search("brand", "", 10) == []
    made = drive.upload("Shared drives/Marketing", "a.txt", written(tmp_path, b"x"), MARKER)
    assert drive.file("Shared drives/Marketing/a.txt") == made
    drive.remove(made.id, made.version)
    with pytest.raises(NotFound, match="no shared drive 'Sales'"):
        drive.entries("Shared drives/Sales", 10)


def test_a_shortcut_is_followed_by_its_path_and_by_nothing_else(
    standins: StandIns, drive: GoogleDriveClient, tmp_path: Path
) -> None:
    target, watched = drive.file("Invoices/2026-05 hosting.txt").id, drive.file(FOLDER).id
    before = drive.changes(FOLDER, None)
    shortcut = "application/vnd.google-apps.shortcut"
    short = by_hand(standins, name="Short.txt", parents=[watched], mimeType=shortcut, target=target)
    assert "Short.txt" not in [one.name for one in [*drive.entries(FOLDER, 100), *drive.search("short", "", 100)]]
    assert drive.changes(FOLDER, before.cursor).files == []
    with pytest.raises(InvalidRequest, match="shortcut"):
        drive.download(short, tmp_path / "copy", 1000)
    assert drive.download(f"{FOLDER}/Short.txt", tmp_path / "copy", 1000).id == target


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_an_upload_whose_answer_was_lost_is_found_by_its_id(
    standins: StandIns, drive: GoogleDriveClient, tmp_path: Path, when: str
) -> None:
    source = written(tmp_path, b"content")
    standins.faults("google_drive", match="POST /upload", times=1, cut=True, when=when)
    if when == "after_effect":
        made = drive.upload(FOLDER, "a.txt", source, MARKER)
        assert drive.uploaded(FOLDER, "a.txt", source, MARKER) == made
    else:
        with pytest.raises(Unavailable) as caught:
            drive.upload(FOLDER, "a.txt", source, MARKER)
        assert caught.value.outcome == "unknown", "it may still arrive"
        assert drive.uploaded(FOLDER, "a.txt", source, MARKER) is None
    assert len(held(standins, "a.txt")) == (when == "after_effect")


def test_an_upload_is_known_by_its_mark_and_not_by_name_or_content(
    standins: StandIns, drive: GoogleDriveClient, tmp_path: Path
) -> None:
    source = written(tmp_path, b"content")
    by_hand(standins, name="a.txt", parents=[drive.file(FOLDER).id], text="content")
    assert drive.uploaded(FOLDER, "a.txt", source, MARKER) is None
    made = drive.upload(FOLDER, "b.txt", source, MARKER)
    by_hand(standins, id=made.id, text="changed by a person")
    found = drive.uploaded(FOLDER, "b.txt", source, MARKER)
    assert found is not None
    assert found.id == made.id, "it was made, whatever became of it"
    assert drive.uploaded(FOLDER, "b.txt", source, OTHER) is None
    with pytest.raises(Conflict):
        drive.remove(made.id, made.version)


@pytest.mark.parametrize(
    ("reason", "kind", "remedy"),
    [
        ("userRateLimitExceeded", RateLimited, ""),
        ("storageQuotaExceeded", InvalidRequest, "Free space"),
        ("insufficientFilePermissions", InvalidRequest, "Ask the owner"),
    ],
)
def test_a_403_is_told_by_its_reason(
    standins: StandIns, drive: GoogleDriveClient, reason: str, kind: type[ServiceError], remedy: str
) -> None:
    body = {"error": {"code": 403, "message": "No.", "errors": [{"reason": reason}]}}
    standins.faults("google_drive", match="GET", times=1, status=403, body=json.dumps(body))
    with pytest.raises(kind) as caught:
        drive.entries("", 10)
    assert caught.value.outcome == "not_done"
    assert remedy in caught.value.remedy


def test_a_file_that_is_edited_is_no_new_one(standins: StandIns, drive: GoogleDriveClient) -> None:
    old = drive.file("Reports/Meeting notes").id
    start = drive.changes("Reports", None)
    by_hand(standins, id=old, text="# Changed")
    new = by_hand(standins, name="New", parents=[drive.file("Reports").id])
    assert [one.id for one in drive.changes("Reports", start.cursor).files] == [new]


def test_a_session_elsewhere_is_not_followed(drive: GoogleDriveClient, tmp_path: Path) -> None:
    def elsewhere(answer: httpx.Response) -> None:
        if "location" in answer.headers:
            answer.headers["location"] = "https://evil.example/upload"

    drive.http.event_hooks["response"].append(elsewhere)
    with pytest.raises(ServiceError, match="another server"):
        drive.upload(FOLDER, "large.bin", written(tmp_path, bytes(5 * 1024 * 1024 + 1)), MARKER)
    assert drive.entries(FOLDER, 10) == []
