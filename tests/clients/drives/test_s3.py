"""S3: large files in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from clients.client import Opening
from clients.errors import BadAnswer, Conflict, Unavailable
from clients.s3 import client as s3
from clients.s3.service import S3Settings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

CONTENT = hashlib.shake_256(b"large").digest(11 * 1024 * 1024)


@pytest.fixture
def drive(standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3.S3Client]:
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)
    where = standins["s3"]
    settings = S3Settings(secret_access_key=SecretStr(where.token), base_url=where.base_url)
    with closing(s3.S3Client.open(settings, Opening())) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_a_large_file_goes_in_parts_and_a_broken_one_is_sent_again(
    drive: s3.S3Client, source: Path, standins: StandIns
) -> None:
    standins.faults("s3", match="partNumber=2", times=1, cut=True)
    made = drive.upload("Attachments", "large.bin", source, "m" * 32)
    assert made.version.endswith('-3"')
    [kept] = [one for one in standins.show("s3")["objects"] if one["key"] == "Attachments/large.bin"]
    assert kept["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert drive.uploaded("Attachments", "large.bin", source, "m" * 32) == made
    with pytest.raises(Conflict):
        drive.upload("Attachments", "large.bin", source, "o" * 32)


def test_a_large_file_that_fails_leaves_nothing(drive: s3.S3Client, source: Path, standins: StandIns) -> None:
    standins.faults("s3", match="partNumber=2", times=3, status=503)
    with pytest.raises(Unavailable):
        drive.upload("Attachments", "large.bin", source, "m" * 32)
    assert drive.entries("Attachments", 10) == []
    assert drive.uploaded("Attachments", "large.bin", source, "m" * 32) is None


def page_of(name: str, following: str) -> bytes:
    more = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
    content = f"<Contents><Key>{name}</Key><Size>1</Size><LastModified>2026-11-01T00:00:00Z</LastModified></Contents>"
    return f"<ListBucketResult>{content}{more}</ListBucketResult>".encode()


def test_a_folder_of_many_pages_is_listed_to_its_end(scripted: Scripted) -> None:
    for number in range(150):
        scripted.then(200, page_of(f"{number:03}.txt", str(number + 1) if number < 149 else ""))
    with closing(s3.S3Client.open(S3Settings(base_url=f"{scripted.url}/bucket"), Opening())) as drive:
        assert len(drive.entries("", 1000)) == 150


def test_the_same_page_again_and_again_is_a_bad_answer(scripted: Scripted) -> None:
    scripted.then(200, page_of("a.txt", "again"))
    with closing(s3.S3Client.open(S3Settings(base_url=f"{scripted.url}/bucket"), Opening())) as drive:
        with pytest.raises(BadAnswer, match="the same page"):
            drive.changes("", None)
        assert len(scripted.seen) == 2
