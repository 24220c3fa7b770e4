"""`/api/files`: what a browser or a program may send, and how files come back."""

from __future__ import annotations

import os

import pytest
from starlette.testclient import TestClient

from engine.data.workspace_files import LARGEST_BYTES
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>Hello</svg>"


def test_a_file_is_added_read_saved_and_deleted(browser: TestClient) -> None:
    same = {"Origin": "http://127.0.0.1:8501"}
    added = browser.post("/api/files", params={"name": "a/b.svg"}, content=SVG, headers=same)
    assert (added.status_code, added.json()["path"], added.json()["is_new"]) == (201, "files/b.svg", True)
    (listed,) = browser.get("/api/files", params={"words": "B.SVG"}).json()["files"]
    assert (listed["path"], listed["size_bytes"]) == ("files/b.svg", len(SVG))
    at = {"path": "files/b.svg"}
    assert "Hello" in browser.get("/api/files/view", params=at).json()["text"]
    saved = browser.get("/api/files/content", params=at)
    assert saved.content == SVG
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith("attachment; ")
    assert (saved.headers["x-content-type-options"], "sandbox" in saved.headers["content-security-policy"]) == (
        "nosniff",
        True,
    )
    assert browser.delete("/api/files", params=at, headers=same).json() == {"files": 1}
    assert browser.get("/api/files/view", params=at).status_code == 404


@pytest.mark.parametrize("media_type", ["", "application/json", "application/x-www-form-urlencoded"])
def test_the_body_is_stored_as_it_is(browser: TestClient, media_type: str) -> None:
    headers = {"Origin": "http://127.0.0.1:8501", "Content-Type": media_type}
    added = browser.post("/api/files", params={"name": "a.json"}, content=b'{"a": NaN', headers=headers)
    assert added.json()["size_bytes"] == 9


def test_a_page_of_another_origin_adds_nothing(browser: TestClient, orchestra: Orchestra) -> None:
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert browser.post("/api/files", params={"name": "a.txt"}, content=b"a", headers=headers).status_code in (401, 403)
    assert orchestra.files.list(LOCAL).files == []


def test_a_body_that_is_too_large_is_not_read(client: TestClient, orchestra: Orchestra, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    over = client.post("/api/files", params={"name": "a"}, content=bytes(LARGEST_BYTES + 1), headers=headers)
    assert over.status_code == 413
    whole = client.post("/api/files", params={"name": "a"}, content=bytes(LARGEST_BYTES), headers=headers)
    assert whole.json()["size_bytes"] == LARGEST_BYTES
    stranger = client.post("/api/files", params={"name": "a"}, content=b"a")
    assert stranger.status_code == 401
    orchestra.users.add(LOCAL, "vi", "Vi", "viewer", PASSWORD)
    viewer = {"Authorization": f"Bearer {orchestra.users.token('vi', PASSWORD)}"}
    assert client.post("/api/files", params={"name": "b"}, content=b"b", headers=viewer).status_code == 403
    assert [one.path for one in orchestra.files.list(LOCAL).files] == ["files/a"]


def test_a_file_whose_name_is_no_text_is_in_a_note(browser: TestClient, orchestra: Orchestra) -> None:
    root = orchestra.workspace.root
    (root / "inbox").mkdir(exist_ok=True)
    (root / "inbox" / os.fsdecode(b"bad\xff.txt")).touch()
    notes = browser.get("/api/files").json()["notes"]
    assert notes == [r"Left out, as its name is not valid UTF-8: inbox/bad\xff.txt. Rename it."]
