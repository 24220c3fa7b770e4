"""What a command writes, as text: whole characters, nothing that steers a terminal, and only the last of it."""

from __future__ import annotations

import pytest

from engine.runs.projects.transcript import OutputPiece, Transcript

SAID = "grün \x1b[31mrot\x1b[0m ok\r\nprogress 1%\rprogress 2%\n\x1b]0;title\x07done \u202e\x00é\n"
SHOWN = "grün rot ok\nprogress 1%\nprogress 2%\ndone [U+202E]é\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_text_is_the_same_however_the_bytes_come(size: int) -> None:
    written, bytes_ = Transcript(), SAID.encode()
    for start in range(0, len(bytes_), size):
        written.hear("stdout", bytes_[start : start + size])
    written.close()
    parts, skipped, end = written.since(0, 10_000)
    assert ("".join(one.text for one in parts), skipped, end) == (SHOWN, 0, len(SHOWN))


def test_what_is_unfinished_is_held_back_and_comes_at_the_end() -> None:
    written = Transcript()
    written.hear("stdout", b"a\xc3")
    assert written.since(0, 100)[0] == (OutputPiece("stdout", "a"),)
    written.close()
    assert written.since(0, 100)[0] == (OutputPiece("stdout", "a\ufffd"),)


def test_a_reader_that_is_behind_gets_the_last_characters_and_how_many_are_left_out() -> None:
    written = Transcript()
    for number in range(3000):
        written.hear("stderr" if number % 2 else "stdout", b"%04d\n" % number)
    parts, skipped, end = written.since(5, 12)
    assert (sum(len(one.text) for one in parts), skipped, end) == (12, 14_983, 15_000)
    assert "".join(one.text for one in parts) == "7\n2998\n2999\n"
    assert written.since(15_000, 12) == ((), 0, 15_000)
