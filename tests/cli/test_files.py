"""`orchestra files`: what is shown of a file, and the exit code."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Orchestra


def test_a_ragged_table_is_shown_and_what_cannot_be_read_is_a_failure(orchestra: Orchestra, workspace: Path) -> None:
    (workspace / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n")
    (workspace / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    shown = orchestra("files", "show", "ragged.csv")
    assert (shown.code, shown.out.splitlines()[1:]) == (0, ["a  b  column_3", "1  2", "3  4  5"])
    assert orchestra("files", "show", "broken.pdf").code == 1
    failed = orchestra("files", "show", "broken.pdf", "--json")
    assert (failed.code, bool(failed.json["problem"])) == (1, True)
