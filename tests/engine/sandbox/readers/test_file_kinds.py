"""What a file is: by its content, and by its name where that says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.sandbox.documents import zipped
from tests.engine.sandbox.readers.reading import answered, refused

_OPEN = "application/vnd.oasis.opendocument"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"{\\rtf1\\ansi Hello}", "the format RTF. Save it as .docx", id="rtf"),
        pytest.param(zipped({"mimetype": f"{_OPEN}.text", "content.xml": "<x/>"}), "format of OpenDocument", id="odt"),
    ],
)
def test_a_format_that_is_not_read_is_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refused(tmp_path, "a.doc", content, "text")


def test_a_page_that_begins_with_a_text_is_html_by_its_name(tmp_path: Path) -> None:
    page = "Paid:<table><tr><th>who</th></tr><tr><td>Ann</td></tr></table>"
    assert answered(tmp_path, "a.htm", page)["rows"] == [{"who": "Ann"}]
    assert answered(tmp_path, "a.txt", page, "text")["text"] == page
