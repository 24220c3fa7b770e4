"""The page Files: a file that is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest


def test_a_file_that_cannot_be_read_in_full_says_so(workspace: Path, open_page: Callable[..., AppTest]) -> None:
    (workspace / "files").mkdir(exist_ok=True)
    (workspace / "files" / "torn.txt").write_bytes("naïve".encode() + b"\n broken: \xc3\n")
    page = open_page("files", file="files/torn.txt")
    assert not page.exception
    assert any("1 character cannot be read" in one.value for one in page.info), page.info
