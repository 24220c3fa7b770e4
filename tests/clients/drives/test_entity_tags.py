"""ETags as WebDAV servers write them: a download arrives whichever way, and a change during it is noticed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import httpx
import pytest
from pydantic import SecretStr

from clients.drives.entity_tags import entity_tag, is_same
from clients.errors import Conflict
from clients.webdav.client import WebdavClient
from clients.webdav.service import WebdavSettings

DATE = "Thu, 03 Dec 2026 10:00:00 GMT"


class Server:
    """A WebDAV server with one file. `listed` are the ETags of its listings, the last one from then on."""

    def __init__(self, listed: Sequence[str], sent: str, length: str = "3", date: str = DATE) -> None:
        self.listed = itertools.chain(listed, itertools.repeat(listed[-1]))
        self.sent, self.length, self.date = sent, length, date
        self.deleted: dict[str, str] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PROPFIND":
            tag = escape(next(self.listed))
            length = f"<getcontentlength>{self.length}</getcontentlength>" if self.length else ""
            told = f"<getetag>{tag}</getetag><getlastmodified>{self.date}</getlastmodified>{length}"
            row = (
                f"<response><href>/a.txt</href><propstat><prop>{told}</prop><status>HTTP/1.1 200 OK</status></propstat>"
            )
            return httpx.Response(207, text=f'<multistatus xmlns="DAV:">{row}</response></multistatus>')
        if request.method == "DELETE":
            self.deleted = dict(request.headers)
            return httpx.Response(204)
        headers = {"ETag": self.sent, "Content-Length": "3"} if self.sent else {"Content-Length": "3"}
        content = httpx.ByteStream(b"abc" if request.method == "GET" else b"")
        return httpx.Response(200, stream=content, headers=headers)

    def client(self) -> WebdavClient:
        settings = WebdavSettings(base_url="https://cloud.example", token=SecretStr("t"), user="u")
        return WebdavClient(settings, httpx.Client(transport=httpx.MockTransport(self.answer)))


@pytest.mark.parametrize(
    ("listed", "sent", "condition"),
    [
        pytest.param('"7-x"', '"7-x"', '"7-x"', id="as the standard says"),
        pytest.param("7-x", '"7-x"', '"7-x"', id="no marks in listings"),
        pytest.param("7-x", "7-x", '"7-x"', id="no marks at all"),
        pytest.param('"7-x"', "7-x", '"7-x"', id="no marks in downloads"),
        pytest.param('W/"7-x"', '"7-x"', None, id="weak in listings"),
        pytest.param('"7-x"', 'W/"7-x"', '"7-x"', id="weak in downloads"),
        pytest.param('"7-x"', '"7-x-gzip"', '"7-x"', id="named after a compression"),
        pytest.param('"7-x"', "", '"7-x"', id="none in downloads"),
        pytest.param("", '"7-x"', None, id="none in listings"),
        pytest.param("", "", None, id="none"),
        pytest.param('"7-x"', '"inode-5"', '"7-x"', id="different ones"),
    ],
)
def test_a_file_arrives_and_is_removed(listed: str, sent: str, condition: str | None, tmp_path: Path) -> None:
    server = Server([listed], sent)
    client = server.client()
    found = client.download("a.txt", tmp_path / "copy", 10)
    assert (tmp_path / "copy").read_bytes() == b"abc"
    client.remove("a.txt", found.version)
    assert server.deleted.get("if-match") == condition


@pytest.mark.parametrize("sent", ['"7-y"', "7-y", 'W/"7-y"'])
def test_a_change_during_a_download_is_noticed(sent: str, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="changed while"):
        Server(["7-x", "7-y"], sent).client().download("a.txt", tmp_path / "copy", 10)


def test_a_version_noted_without_marks_is_still_known() -> None:
    server = Server(["7-x"], '"7-x"')
    server.client().remove("a.txt", "7-x")
    assert server.deleted["if-match"] == '"7-x"'
    with pytest.raises(Conflict):
        server.client().remove("a.txt", "7-y")


@pytest.mark.parametrize(
    ("length", "date", "at"),
    [
        pytest.param("", DATE, "2026-12-03T10:00:00.000Z", id="no size"),
        pytest.param("3", "2026-12-03T10:00:00Z", "2026-12-03T10:00:00.000Z", id="a date in ISO 8601"),
        pytest.param("3", "yesterday", "", id="no date"),
    ],
)
def test_odd_properties_do_not_stop_a_download(length: str, date: str, at: str, tmp_path: Path) -> None:
    found = Server(['"7"'], '"7"', length, date).client().download("a.txt", tmp_path / "copy", 10)
    assert (tmp_path / "copy").read_bytes() == b"abc"
    assert found.modified_at == at


def test_different_contents_stay_different() -> None:
    assert not is_same('"a"', '"b"')
    assert not is_same('"a-gzip"', '"b-gzip"')
    assert entity_tag("") == ""
