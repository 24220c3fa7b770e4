"""Edits as text: they change what they name, or nothing; checked against random edits of random files."""

from __future__ import annotations

import random

import pytest

from engine.projects.blocks import Refused, applied, blocks

EDITS = 3_000
WORDS = ["return x", "    return x", "\treturn x", "", "}", "if a:", "    if a:", "é = 1  ", "é = 1", "# note", "pass"]
BEGIN, MIDDLE, END = "<" * 7 + " SEARCH", "=" * 7, ">" * 7 + " REPLACE"


def block(path: str, old: list[str], new: list[str]) -> str:
    """An edit as a model writes it."""
    return "\n".join([path, BEGIN, *old, MIDDLE, *new, END, ""])


def places(lines: list[str], old: list[str]) -> list[int]:
    """Where lines are, by the simplest means."""
    return [at for at in range(len(lines) - len(old) + 1) if lines[at : at + len(old)] == old]


def expected(lines: list[str], old: list[str], new: list[str]) -> list[str] | None:
    """What an edit makes of a file; None if it is refused: nowhere, or in doubt."""
    bare = [line.rstrip() for line in lines]
    found = places(lines, old) or places(bare, [line.rstrip() for line in old])
    return [*lines[: found[0]], *new, *lines[found[0] + len(old) :]] if len(found) == 1 else None


def test_three_thousand_random_edits_are_applied_as_they_are_meant_or_refused() -> None:
    made = random.Random(20261120)
    done = refused = 0
    for _ in range(EDITS):
        ending = made.choice(["\n", "\r\n"])
        text = ending.join(made.choice(WORDS) for _ in range(made.randint(1, 12))) + made.choice(["", ending, ending])
        lines = text.splitlines() or [""]
        begin = made.randrange(len(lines))
        old = lines[begin : begin + made.randint(1, 4)]
        damage = made.random()
        if damage < 0.25:  # as models copy: blanks at the ends, another indentation, another line
            old = [f"{line} " if made.random() < 0.5 else line for line in old]
        elif damage < 0.4:
            old = [f"  {line}" for line in old]
        elif damage < 0.5:
            old = [*old, "nowhere()"]
        new = [made.choice(WORDS) for _ in range(made.randint(0, 4))]
        if not any(line.strip() for line in old):
            continue
        wanted = expected(lines, old, new)
        try:
            found = applied({"a.py": text, "b.py": text}, blocks(block("a.py", old, new)))
        except Refused:
            assert wanted is None, (lines, old)
            refused += 1
            continue
        assert wanted is not None, (lines, old)
        assert found.keys() == {"a.py"}
        assert found["a.py"].splitlines() == wanted
        assert ("\r\n" in found["a.py"]) <= (ending == "\r\n")
        done += 1
    assert done > 1_000
    assert refused > 500


def test_what_stands_around_the_edits_does_not_matter() -> None:
    said = f"I change two files.\n\n### `src/a.py`\n```python\n{block('', ['a'], ['b']).strip()}\n```\nand\nb.py:\n"
    said += f"{block('', [], ['new'])}"
    found = blocks(said)
    assert [(one.path, one.old, one.new) for one in found] == [("src/a.py", ("a",), ("b",)), ("b.py", (), ("new",))]
    assert applied({"src/a.py": "a\n"}, found) == {"src/a.py": "b\n", "b.py": "new\n"}


def test_edits_of_one_file_follow_each_other_and_all_or_none_are_made() -> None:
    two = block("a", ["1"], ["2"]) + block("a", ["2"], ["3"])
    assert applied({"a": "1\n"}, blocks(two)) == {"a": "3\n"}
    with pytest.raises(Refused, match="not in a"):
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
        (block("a", ["x"], ["y"]), "2 times"),
        (block("a", ["  indented"], ["y"]), "Nearest, at line 3:\n    indented"),
    ],
)
def test_an_edit_that_does_not_fit_says_where_and_what_is_nearest(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        applied({"a": "x\nx\n    indented\n"}, blocks(text))
