"""Word documents: what is read of them, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.sandbox.documents import docx
from tests.engine.sandbox.readers.reading import answered, lists


def paragraph(*texts: str) -> str:
    """A paragraph with a run for each text."""
    return "<w:p>" + "".join(f"<w:r><w:t>{text}</w:t></w:r>" for text in texts) + "</w:p>"


def cell(content: str, properties: str = "") -> str:
    """A cell of a table, with a text or with blocks."""
    content = content if content.startswith("<") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def table(*rows: list[str], properties: str = "") -> str:
    """A table of cells."""
    return "<w:tbl>" + "".join(f"<w:tr>{properties}{''.join(row)}</w:tr>" for row in rows) + "</w:tbl>"


def markdown(folder: Path, content: bytes) -> str:
    """The text of a document as Markdown."""
    text: Any = answered(folder, "a.docx", content, "text", form="markdown")["text"]
    return str(text)


_MERGED = table(
    [cell("name"), cell("q1"), cell("q2")],
    [cell("Ann", '<w:vMerge w:val="restart"/>'), cell("1"), cell("2")],
    [cell("", "<w:vMerge/>"), cell("3"), cell("4")],
    [cell("Bob"), cell("both", '<w:gridSpan w:val="2"/>')],
)


def test_merged_cells_take_all_of_their_places(tmp_path: Path) -> None:
    content = docx(_MERGED)
    assert lists(answered(tmp_path, "a.docx", content)) == [
        ["Ann", "1", "2"], ["Ann", "3", "4"], ["Bob", "both", None]]  # fmt: skip
    assert markdown(tmp_path, content).splitlines()[2:] == ["| Ann | 1 | 2 |", "| Ann | 3 | 4 |", "| Bob | both |  |"]


def test_a_table_in_a_cell_is_read_once(tmp_path: Path) -> None:
    inner = table([cell("1"), cell("2")], [cell("3"), cell("4")])
    content = docx(
        table([cell("name"), cell("it")], [cell("Ann"), cell(inner + paragraph("5"))], [cell("B"), cell("6")])
    )
    assert lists(answered(tmp_path, "a.docx", content)) == [["Ann", "1 2 3 4 5"], ["B", "6"]]
    assert lists(answered(tmp_path, "a.docx", content, sheet=2, header=False)) == [["1", "2"], ["3", "4"]]
