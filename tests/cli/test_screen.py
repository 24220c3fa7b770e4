"""What is written: nothing that a terminal would obey, columns that line up, JSON whatever the text."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime

import pytest

from commands.base import screen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Größe 日本 🙂", "Größe 日本 🙂", id="any script"),
        pytest.param("a\x1b[31mb", "a [31mb", id="colour"),
        pytest.param("a\rb\x07c", "a b c", id="return and bell"),
        pytest.param("a\u202eb\u200bc\U000e0041", "a[U+202E]b[U+200B]c[U+E0041]", id="direction and hidden signs"),
        pytest.param("葛\U000e0100城", "葛[U+E0100]城", id="a selector of a form"),
        pytest.param("a\u00adb\u200d\x1bc", "ab[U+200D] c", id="those in their proper use are left out"),
        pytest.param("a\u3000b\xa0c", "a b c", id="wide spaces"),
        pytest.param("a\nb", "a\nb", id="lines stay"),
        pytest.param("a\ud800b", "ab", id="half a character"),
    ],
)
def test_text_is_shown_without_orders_to_the_terminal(text: str, shown: str) -> None:
    assert screen.printable(text) == shown


def test_columns_line_up_over_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(["A", "B"], [["日本", 1], ["abcdef", "x\ny"]])
    assert capsys.readouterr().out == "A       B\n日本    1\nabcdef  x y\n"


def test_hidden_characters_are_shown_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(["A", "B"], [["x\u202ey", "1\u200b"], ["long enough", 2]])
    assert capsys.readouterr().out == "A            B\nx[U+202E]y   1[U+200B]\nlong enough  2\n"


def test_json_is_whole_where_the_terminal_knows_no_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", written)
    screen.document({"title": "日本", "at": datetime(2026, 1, 2, tzinfo=UTC)})
    written.seek(0)
    assert json.loads(written.read()) == {"title": "日本", "at": "2026-01-02T00:00:00+00:00"}


def test_a_time_that_is_none_is_shown_as_damaged() -> None:
    assert screen.local_time("yesterday", "UTC") == "damaged: yesterday"
