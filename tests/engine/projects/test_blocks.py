"""Edits as text: they change what they name, or nothing; checked against random edits of random files."""

from __future__ import annotations

import random
import re
import time

import pytest

from engine.projects.blocks import EditRefused, applied, blocks

EDITS = 3_000
WORDS = [
    *("return x", "    return x", "\treturn x", "", "}", "if a:", "    if a:", "é = 1  ", "é = 1", "# note", "pass"),
    *("\x0c", "say('\u2028')", "x = '\x85\x1c'", "a\rb"),  # lines for Python, but not for a program
    *("=====", "========", "<<<<<< SEARCH", ">>>>>>>> REPLACE", "Title"),  # marks, but of another length
]
BEGIN, MIDDLE, END = "<" * 7 + " SEARCH", "=" * 7, ">" * 7 + " REPLACE"


def block(path: str, old: list[str], new: list[str]) -> str:
    """An edit as a model writes it."""
    return "\n".join([path, BEGIN, *old, MIDDLE, *new, END, ""])


def test_three_thousand_random_edits_are_applied_as_they_are_meant_or_refused() -> None:
    """A file is made of three pieces, and the edit is meant for the one in the middle.

    What is right is joined from the pieces, and whether the edit is in doubt is counted in the whole text: nothing here
    splits lines or looks for them as the product does.
    """
    made = random.Random(20261120)
    done = refused = 0
    while done + refused < EDITS:
        ending = made.choice(["\n", "\r\n"])
        before, old, new, after = (
            [made.choice(WORDS) for _ in range(made.randint(least, most))]
            for least, most in ((0, 6), (1, 4), (0, 4), (0, 6))
        )
        last = made.choice(["", ending])  # a file may end without a line break
        text = ending.join([*before, *old, *after]) + last
        if not last and not all([*old, *after][-1:] + [*new, *after][-1:]):
            continue  # an empty last line without a line break is none
        copied, is_same = copy(made, old)
        if not any(line.strip() for line in copied):
            continue
        try:
            found = applied({"a.py": text, "b.py": text}, blocks(block("a.py", copied, new)))
        except EditRefused:
            assert not is_same or times([*before, *old, *after], old) > 1, (text, copied)
            refused += 1
            continue
        ending = ending if ending in text else "\n"
        meant = ending.join([*before, *new, *after]) + (last if new or after else ending if before else "")
        assert is_same, (text, copied)
        assert found == {"a.py": meant}, (text, copied)
        done += 1
    assert done > 1_000
    assert refused > 500


def copy(made: random.Random, lines: list[str]) -> tuple[list[str], bool]:
    """Return lines as a model copies them, and whether they still mean the same place."""
    damage = made.random()
    if damage < 0.25:
        return [line + made.choice(["", " ", "\t "]) for line in lines], True
    if damage < 0.4 and any(line.strip() for line in lines):
        return [f"  {line}" for line in lines], False
    if damage < 0.5:
        return [*lines, "nowhere()"], False
    return lines, True


def times(lines: list[str], old: list[str]) -> int:
    """Count where lines are, but for blanks at their ends, by a search in the text."""
    text, wanted = ("\0" + "\0".join(line.rstrip() for line in some) + "\0" for some in (lines, old))
    return len(re.findall(f"(?={re.escape(wanted)})", text))


def test_what_stands_around_the_edits_does_not_matter() -> None:
    said = f"I change two files.\n\n### `src/a.py`\n```python\n{block('', ['a'], ['b']).strip()}\n```\nand\nb.py:\n"
    said += f"{block('', [], ['new'])}"
    found = blocks(said)
    assert [(one.path, one.old, one.new) for one in found] == [("src/a.py", ("a",), ("b",)), ("b.py", (), ("new",))]
    assert applied({"src/a.py": "a\n"}, found) == {"src/a.py": "b\n", "b.py": "new\n"}


def test_lines_that_look_like_marks_are_told_apart_by_length_or_refused() -> None:
    heading = ["Title", "=======", "old"]
    inside = block("a", heading, ["Title", "=======", "new"])
    with pytest.raises(EditRefused, match=r"has 3 lines =======") as refused:
        blocks(inside)
    assert "8 or 9 signs" in refused.value.remedy
    text = "\n".join(["a", "<" * 9 + " SEARCH", *heading, "=" * 9, "Title", "=======", "new", ">" * 9 + " REPLACE"])
    assert applied({"a": "Title\n=======\nold\n"}, blocks(text)) == {"a": "Title\n=======\nnew\n"}
    with pytest.raises(EditRefused, match="ends no edit"):  # the new lines had the end mark in them
        blocks(block("a", ["x"], ["y", END, "z"]))


def test_edits_of_one_file_follow_each_other_and_all_or_none_are_made() -> None:
    two = block("a", ["1"], ["2"]) + block("a", ["2"], ["3"])
    assert applied({"a": "1\n"}, blocks(two)) == {"a": "3\n"}
    with pytest.raises(EditRefused, match="not in a"):
        applied({"a": "1\n"}, blocks(two + block("a", ["2"], ["4"])))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "no edit in the text"),
        (f"{BEGIN}\na\n{MIDDLE}\nb\n{END}", "names no file"),
        (f"a\n{BEGIN}\na\n", "has no line ======="),
        (f"a\n{BEGIN}\na\n{BEGIN}\n{MIDDLE}\n{END}", "has no line ======="),
        (f"a\n{BEGIN}\na\n{MIDDLE}\nb\n", "has no line >>>>>>> REPLACE"),
        (block("c", ["x"], ["y"]), "There is no file 'c'"),
        (block("a", [], ["y"]), "no old lines, and the file is not empty"),
        (block("blank", ["", " "], ["y"]), "no old lines, and the file is not empty"),
        (block("a", ["x"], ["y"]), "2 times"),
        (block("a", ["  indented"], ["y"]), "Nearest, at line 3:\n    indented"),
    ],
)
def test_an_edit_that_does_not_fit_says_where_and_what_is_nearest(text: str, said: str) -> None:
    with pytest.raises(EditRefused, match=said):
        applied({"a": "x\nx\n    indented\n", "blank": "\n" * 9}, blocks(text))


def test_a_new_file_keeps_the_ends_of_its_lines() -> None:
    text = block("a", [], ["x\r", "y", "\r"])
    for files in ({}, {"a": ""}):
        assert applied(files, blocks(text)) == {"a": "x\r\ny\n\r\n"}
    assert applied({}, blocks(text.replace("\r", "").replace("\n", "\r\n"))) == {"a": "x\r\ny\r\n\r\n"}


def test_lines_that_repeat_are_looked_for_in_linear_time() -> None:
    """A model writes both: the file, and the edit that almost fits it everywhere."""
    began = time.process_time()
    with pytest.raises(EditRefused, match="not in a"):
        applied({"a": "a\n" * 100_000}, blocks(block("a", ["a"] * 50_000 + ["b"], ["c"])))
    with pytest.raises(EditRefused, match="50001 times"):
        applied({"a": "a\n" * 100_000}, blocks(block("a", ["a"] * 50_000, ["c"])))
    assert time.process_time() - began < 10
