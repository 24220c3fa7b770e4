"""Names of files from outside."""

from __future__ import annotations

import pytest

from clients.drives.names import clean_name, opaque, path_of
from engine.steps.file.fields import plain_name


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        pytest.param("👩‍👩‍👧.txt", "👩‍👩‍👧.txt", id="a family"),
        pytest.param("❤️.txt", "❤️.txt", id="a picture of a letter"),
        pytest.param("می‌خواهم.pdf", "می‌خواهم.pdf", id="Persian"),
        pytest.param("क्‍ष.pdf", "क्‍ष.pdf", id="Hindi"),
        pytest.param("invoice\u202efdp.exe", "invoice fdp.exe", id="turned around"),
        pytest.param("a\nb\u200bc.txt", "a b c.txt", id="line end and zero width"),
    ],
)
def test_what_joins_letters_stays_and_what_hides_them_goes(name: str, clean: str) -> None:
    assert clean_name(name) == plain_name(name, "") == clean
    assert path_of(opaque(f"Inbox/{clean}"), "webdav") == f"Inbox/{clean}"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        pytest.param("~$.htaccess", "htaccess", id="hidden behind a mark of Office"),
        pytest.param("~$..x", "x", id="parent behind a mark of Office"),
        pytest.param("~$~$a.docx", "a.docx", id="two marks"),
        pytest.param("\u200d.env", "env", id="hidden behind a joiner"),
        pytest.param("\u200d", "", id="a joiner alone"),
        pytest.param("~$\u3164", "", id="a filler alone"),
    ],
)
def test_nothing_is_hidden_behind_what_is_taken_away(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_a_name_that_nobody_sees_is_none() -> None:
    assert [plain_name(name, "unnamed") for name in ("\u200d", "\u200c.", ".\u3164")] == ["unnamed"] * 3
