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
