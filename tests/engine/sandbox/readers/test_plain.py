"""Texts as they are: what is cut is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.sandbox.readers.reading import answered

_LINES = "Grün ist die Straße\r\n" * 300


@pytest.mark.parametrize(
    ("content", "most", "left_out"),
    [
        pytest.param(b"x" * 300_011, 200_000, "100,011 of 300,011 bytes", id="one line"),
        pytest.param(b"x" * 200_000, 200_000, "", id="all of it"),
        pytest.param(_LINES.encode("utf-8-sig"), 210, "6,670 of 6,903 bytes", id="UTF-8"),
        pytest.param(_LINES.encode("utf-16"), 210, "12,180 of 12,602 bytes", id="UTF-16"),
        pytest.param(_LINES.encode("cp1252"), 210, "6,090 of 6,300 bytes", id="cp1252"),
        pytest.param(b"a\xff\0\n" * 100 + _LINES.encode(), 200, "about 7,100 of 7,300 bytes", id="damaged"),
    ],
)
def test_what_is_cut_is_said_in_bytes(tmp_path: Path, content: bytes, most: int, left_out: str) -> None:
    found = answered(tmp_path, "a.txt", content, "text", most=most)
    assert (found["left_out"], found["truncated"]) == (left_out, bool(left_out))
