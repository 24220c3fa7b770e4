"""`orchestra files`: what is shown of a file, and the exit code; files that go in and out as they are."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from cli import main
from tests.cli.conftest import Orchestra


def test_a_ragged_table_is_shown_and_what_cannot_be_read_is_a_failure(orchestra: Orchestra, workspace: Path) -> None:
    (workspace / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n")
    (workspace / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    shown = orchestra("files", "show", "ragged.csv")
    assert (shown.code, shown.out.splitlines()[1:]) == (
        0,
        [
            "a  b  column_3", "1  2", "3  4  5",
            "1 row has more than 2 cells (line 3): the others are kept in the column column_3.",
        ],
    )  # fmt: skip
    assert orchestra("files", "show", "broken.pdf").code == 1
    failed = orchestra("files", "show", "broken.pdf", "--json")
    assert (failed.code, bool(failed.json["problem"])) == (1, True)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa\r\n\tb\x07\x1b[31m", b"\x89PNG\r\n\x00\xff\xfe", b""])
def test_a_file_of_a_project_is_byte_for_byte_what_was_saved(
    workspace: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    assert main(["projects", "new", "p"]) == 0
    (workspace / "given").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    for name, given in (("one", str(workspace / "given")), ("two", "-")):
        assert main(["projects", "save", "p", name, given]) == 0
        capsysbinary.readouterr()
        assert main(["projects", "show", "p", "--file", name]) == 0
        assert capsysbinary.readouterr().out == content


def test_a_file_to_save_that_is_not_there_has_no_line(orchestra: Orchestra) -> None:
    assert orchestra("projects", "new", "p").code == 0
    refused = orchestra("projects", "save", "p", "index.html", "../x.html")
    assert refused.code == 2
    assert refused.err == "There is no file ../x.html. Name a file of this machine, or `-`.\n"


@pytest.mark.parametrize("more", [[], ["--force"]])
def test_a_place_that_can_have_no_file_is_named_with_a_remedy(
    orchestra: Orchestra, workspace: Path, more: list[str]
) -> None:
    assert orchestra("projects", "new", "p").code == 0
    closed = workspace / "closed"
    closed.mkdir(mode=0o500)
    for place in (workspace / "missing" / "x", closed / "x", workspace, workspace / "config.yaml" / "x"):
        if place.parent == closed and os.access(closed, os.W_OK):
            continue  # root may write everywhere
        for command in (["projects", "export", "p", "zip"], ["workflows", "export", "pure"]):
            refused = orchestra(*command, "-o", str(place), *more)
            assert (refused.code, f"{place} cannot be written" in refused.err) == (2, True), refused.err
            assert "Name a file in a folder" in refused.err
    tested = orchestra("prompts", "test", "--junit", str(workspace), "--offline")
    assert (tested.code, f"{workspace} cannot be written" in tested.err) == (2, True), tested.err


def test_a_commit_that_is_named_too_shortly_is_told_how_many_digits(orchestra: Orchestra) -> None:
    assert orchestra("projects", "new", "p").code == 0
    assert "Write six digits or more" in orchestra("projects", "diff", "p", "abc").err
    assert "Write six digits or more" not in orchestra("projects", "diff", "p", "abcdef0").err


def test_an_empty_text_is_no_commit(orchestra: Orchestra) -> None:
    assert orchestra("projects", "new", "p").code == 0
    for command in (["export", "p", "zip", "--commit", ""], ["show", "p", "--commit", ""], ["diff", "p", "", ""]):
        refused = orchestra("projects", *command)
        assert (refused.code, "names no commit" in refused.err) == (2, True), refused.err
