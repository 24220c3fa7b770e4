"""The files of the workspace as people see them: added, listed, read page by page, deleted."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path, PurePath

import pytest

from engine.base.errors import InvalidInput, NotAllowed, UnknownName
from engine.data.workspace_files import LARGEST_BYTES
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import OWNER
from tests.engine.sandbox.documents import csv, pdf, written, xlsx
from tests.engine.steps.test_ocr import scan

VIEWER, OPERATOR, EDITOR = (Principal(role, role) for role in ("viewer", "operator", "editor"))


def added(orchestra: Orchestra, name: str, content: bytes) -> str:
    return orchestra.files.add(OWNER, name, io.BytesIO(content)).path


def scanned_pdf() -> bytes:
    made = io.BytesIO()
    scan().convert("RGB").save(made, "PDF")
    return made.getvalue()


def test_a_pdf_is_read_page_by_page(orchestra: Orchestra) -> None:
    path = added(orchestra, "offer.pdf", pdf(written("All about bears"), written("The price is 12")))
    first, second = (orchestra.files.view(OWNER, path, page) for page in (1, 2))
    assert (first.kind, first.pages, first.text, first.needs_ocr) == ("pdf", 2, "All about bears", False)
    assert (second.page, second.text) == (2, "The price is 12")
    assert "has 2 pages" in orchestra.files.view(OWNER, path, 3).problem


def test_a_page_without_text_says_what_reads_it(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    path = added(orchestra, "scan.pdf", scanned_pdf())
    monkeypatch.setattr("engine.data.workspace_files.tesseract", lambda: None)
    view = orchestra.files.view(OWNER, path)
    assert (view.needs_ocr, view.text) == (True, "")
    assert "apt install tesseract-ocr" in view.ocr_remedy


@pytest.mark.parametrize(
    ("name", "content", "pages"),
    [pytest.param("orders.csv", csv(";"), 0, id="CSV"), pytest.param("orders.xlsx", xlsx(), 2, id="Excel")],
)
def test_a_table_is_shown_as_rows(orchestra: Orchestra, name: str, content: bytes, pages: int) -> None:
    view = orchestra.files.view(OWNER, added(orchestra, name, content))
    assert view.table is not None
    assert (view.table.columns[:2], view.table.rows[0]["id"], view.pages) == (["id", "name"], 1, pages)


def test_a_page_that_is_not_shown_whole_says_what_is_left_out(orchestra: Orchestra) -> None:
    long = orchestra.files.view(OWNER, added(orchestra, "long.txt", b"word" * 12_000 + b" " * 3_000 + b"the end"))
    assert (long.truncated, long.notes) == (True, ["Left out here: 1,007 of 51,007 bytes."])
    mail = b"Subject: Hello\nFrom: ann@a.example\nContent-Type: application/pkcs7-mime\n\nMIAG"
    sealed = orchestra.files.view(OWNER, added(orchestra, "a.eml", mail))
    assert (sealed.truncated, sealed.notes) == (
        False,
        ["The mail is encrypted for its recipient: open it in a mail program that has the key."],
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x89PNG\r\n\x1a\n no picture", b"%PDF-1.7 no"])
def test_what_cannot_be_read_says_why(orchestra: Orchestra, content: bytes) -> None:
    view = orchestra.files.view(OWNER, added(orchestra, "broken", content))
    assert view.problem.startswith("'broken' was not read: ")


def test_a_file_is_stored_privately_under_a_plain_name_and_replaces_nothing(orchestra: Orchestra, root: Path) -> None:
    names = ["../../etc/passwd", "C:\\mails\\a.txt", ".hidden", "two\nlines.txt", "a.txt", "a.txt", "\u202e"]
    paths = [added(orchestra, name, b"%d" % number) for number, name in enumerate(names)]
    assert paths == [
        "files/passwd",
        "files/a.txt",
        "files/hidden",
        "files/two lines.txt",
        "files/a (2).txt",
        "files/a (3).txt",
        "files/unnamed",
    ]
    assert added(orchestra, "a.txt", b"5") == "files/a (3).txt", "the same file is stored once"
    assert {(root / path).stat().st_mode & 0o777 for path in paths} == {0o600}


def test_a_file_that_is_too_large_or_like_a_key_is_refused(orchestra: Orchestra, root: Path) -> None:
    for name, content in (("large.bin", bytes(LARGEST_BYTES + 1)), ("server.key", b"x"), ("token.json", b"{}")):
        with pytest.raises(InvalidInput):
            added(orchestra, name, content)
    assert not [*root.glob("files/*")]


def test_a_long_name_is_cut_by_bytes_and_keeps_its_ending(orchestra: Orchestra) -> None:
    name = PurePath(added(orchestra, f"{'é' * 990}.csv", b"a")).name
    assert name == f"{'é' * 98}.csv"


def test_the_state_is_read_by_no_other_name(orchestra: Orchestra, root: Path) -> None:
    state, data = orchestra.workspace.state_dir / "state.db", root / "data"
    data.mkdir()
    with closing(sqlite3.connect(state)) as before, closing(sqlite3.connect(data / "copy.bin")) as copy:
        before.backup(copy)
    for number, secret in enumerate((state, root / ".env")):
        secret.touch()
        (data / f"link-{number}.txt").hardlink_to(secret)
    for wrong in ("data/copy.bin", "data/link-0.txt", "data/link-1.txt"):
        for read in (orchestra.files.view, orchestra.files.content, orchestra.files.delete):
            with pytest.raises(InvalidInput, match=r"copy of AI-Orchestra's own state|hard link"):
                read(OWNER, wrong)
    assert [one.path for one in orchestra.files.list(OWNER).files] == ["data/copy.bin"]
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM runs')"
    subprocess.run([sys.executable, "-c", look, str(state)], check=True)
    added(orchestra, "a.txt", b"still recorded: a lost lock would have let the other process take the log away")


def test_only_what_a_step_may_read_is_listed_and_shown(orchestra: Orchestra, root: Path) -> None:
    (root / "inbox" / ".git").mkdir(parents=True)
    (root / "workflows").mkdir(exist_ok=True)
    for name in (
        "workflows/own.json",
        "inbox/a.txt",
        "inbox/.git/config",
        "inbox/server.pem",
        "b.txt",
        ".env",
        "config.yaml.bak",
    ):
        (root / name).write_text("x")
    (root / "inbox" / "link.txt").symlink_to("/etc/passwd")
    path = added(orchestra, "c.txt", b"c")
    assert [one.path for one in orchestra.files.list(VIEWER).files] == ["b.txt", path, "inbox/a.txt"]
    assert [one.path for one in orchestra.files.list(VIEWER, words="INBOX/").files] == ["inbox/a.txt"]
    assert orchestra.files.list(VIEWER, limit=2).has_more
    assert orchestra.connections.choices(OPERATOR, "workspace-file") == ["b.txt", path, "inbox/a.txt"]
    for wrong in ("config.yaml", "config.yaml.bak", ".env", "../x", "/etc/passwd", "inbox/link.txt", "inbox", "logs"):
        for read in (orchestra.files.view, orchestra.files.content, orchestra.files.delete):
            with pytest.raises(InvalidInput):
                read(OWNER, wrong)
    with pytest.raises(UnknownName, match="There is no file named"):
        orchestra.files.view(OWNER, "inbox/none.txt")


def test_a_file_is_deleted_only_where_files_are_added(orchestra: Orchestra, root: Path) -> None:
    (root / "inbox").mkdir()
    (root / "inbox" / "a.txt").write_text("x")
    path = added(orchestra, "a.txt", b"y")
    for kept in ("inbox/a.txt", "workflows/first.json"):
        with pytest.raises((InvalidInput, UnknownName)):
            orchestra.files.delete(OWNER, kept)
    assert (root / path).exists()
    orchestra.files.delete(EDITOR, path)
    assert not (root / path).exists()
    assert (root / "inbox" / "a.txt").exists()
    assert [line.action for line in orchestra.audit(OWNER, 2)] == ["files.delete", "files.add"]


def test_a_viewer_sees_names_an_operator_reads_and_adds_an_editor_deletes(orchestra: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        orchestra.files.add(VIEWER, "a.txt", io.BytesIO(b"a"))
    path = orchestra.files.add(OPERATOR, "a.txt", io.BytesIO(b"a")).path
    assert [one.path for one in orchestra.files.list(VIEWER).files] == [path]
    for read in (orchestra.files.view, orchestra.files.content):
        with pytest.raises(NotAllowed):
            read(VIEWER, path)
    assert orchestra.files.view(OPERATOR, path).text == "a"
    for who in (VIEWER, OPERATOR):
        with pytest.raises(NotAllowed):
            orchestra.files.delete(who, path)


def test_a_file_whose_name_is_no_text_is_left_out_and_named(orchestra: Orchestra, root: Path) -> None:
    odd = root / "inbox" / "odd"
    for folder in (odd, root / "inbox" / os.fsdecode(b"\xe4rger"), root / "workflows"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.txt").write_text("a")
        (folder / os.fsdecode(b"bad\xff.txt")).write_text("b")
    found = orchestra.files.list(VIEWER)
    assert [one.path for one in found.files] == ["inbox/odd/a.txt"]
    assert found.notes == [
        r"Left out, as their names are not valid UTF-8: inbox/\xe4rger/, inbox/odd/bad\xff.txt. Rename them.",
    ]
    assert orchestra.files.list(VIEWER, words="ODD/BAD").notes == [
        r"Left out, as its name is not valid UTF-8: inbox/odd/bad\xff.txt. Rename it."
    ]
    assert orchestra.files.list(VIEWER, words="other").notes == []
