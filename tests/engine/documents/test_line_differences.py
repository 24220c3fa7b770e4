"""A unified diff that `patch` would take, and that no text makes slow."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from engine.copilot.proposals.saying import diff
from engine.documents.line_differences import opcodes, unified
from tests.counted_steps import at_most

FEW, MANY = 6_000, 60_000
"""Lines."""


def every_other_replaced(lines: int) -> tuple[str, str]:
    """The worst that can be compared line by line: the lines between are the same."""
    before, after = ("".join(f'"{name}{at}": 1,\n"kept{at}": 2,\n' for at in range(lines // 2)) for name in "ab")
    return before, after


def seconds(before: str, after: str) -> float:
    began = time.process_time()
    assert f'+"b{FEW // 4}": 1,\n' in diff("work", before, after)
    return time.process_time() - began


def patched(old: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Apply a unified diff, of which each hunk has to be where it says."""
    made: list[str] = []
    at = 0
    for line in lines[2:]:
        if line.startswith("@@"):
            start, _, count = line.split()[1].removeprefix("-").partition(",")
            begin = int(start) - (count != "0")
            made, at = [*made, *old[at:begin]], begin
            continue
        if line[0] in " -":
            assert old[at] == line[1:]
            at += 1
        if line[0] in " +":
            made.append(line[1:])
    return [*made, *old[at:]]


@pytest.mark.parametrize("most_pairs", [0, 10, 1_000])
def test_a_difference_leads_from_one_text_to_the_other(most_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.documents.line_differences._MOST_PAIRS", most_pairs)
    random = Random(most_pairs)
    texts = [[random.choice("abcdef") for _ in range(random.randrange(25))] for _ in range(200)]
    for old, new in [*pairwise(texts), *((one, [*one[:5], "x", *one[9:]]) for one in texts)]:
        assert patched(old, list(unified(old, new, "before", "after"))) == new
    assert list(unified(texts[0], texts[0], "before", "after")) == []


def test_a_small_change_is_written_as_everywhere() -> None:
    old = [str(one) for one in range(40)]
    new = [*old[:3], "x", *old[4:20], "y", *old[20:30], *old[31:]]
    assert list(unified(old, new, "a", "b")) == list(difflib.unified_diff(old, new, "a", "b", lineterm=""))


@pytest.mark.slow
def test_ten_times_the_lines_take_about_ten_times_as_long() -> None:
    few, many = every_other_replaced(FEW), every_other_replaced(MANY)
    assert min(seconds(*many) for _ in range(3)) < 30 * min(seconds(*few) for _ in range(3))


def repeated(lines: int, different: int) -> list[str]:
    """A text that repeats itself: everything in it is similar to everything."""
    return [f"p{at % different}" for at in range(lines)]


def random_lines(lines: int, letters: str, seed: int) -> list[str]:
    return Random(seed).choices(letters, k=lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            repeated(2_100, 50),
            [line for at, one in enumerate(repeated(2_100, 50)) for line in (one, f"x{at}")],
            id="a new line after each",
        ),
        pytest.param(random_lines(3_000, "ab", 1), random_lines(3_000, "ab", 2), id="two different lines"),
        pytest.param(random_lines(8_000, "ab", 1), random_lines(8_000, "ab", 2), id="too many pairs"),
        pytest.param(repeated(3_000, 2), repeated(3_000, 3), id="two periods"),
        pytest.param(repeated(5_000, 5_000), repeated(5_000, 5_000)[::-1], id="the other way round"),
        pytest.param(
            [line for at in range(200) for line in (f"u{at}", *random_lines(40, "ab", at))],
            [line for at in range(200) for line in (f"u{at}", *random_lines(40, "ab", -at))],
            id="many short parts",
        ),
    ],
)
def test_no_text_takes_more_steps_than_its_lines_allow(old: Sequence[str], new: Sequence[str]) -> None:
    with at_most(40 * (len(old) + len(new))):
        lines = list(unified(old, new, "before", "after"))
    assert patched(old, lines) == new


def test_a_part_that_has_moved_is_taken_out_and_put_in_as_a_whole() -> None:
    parts = [[f"def {name}():", f"    return {name!r}", ""] for name in ("one", "two", "three", "four")]
    old, new = ([line for at in order for line in parts[at]] for order in ([0, 1, 2, 3], [1, 2, 0, 3]))
    assert [code for code in opcodes(old, new) if code[0] != "equal"] == [
        ("delete", 0, 3, 0, 0),
        ("insert", 9, 9, 6, 9),
    ]
