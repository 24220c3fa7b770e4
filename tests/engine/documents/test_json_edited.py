"""A text read again after a splice is what the whole text would be, wherever the splice is and whatever it breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random as Dice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile
from engine.documents.json_edited import edited
from engine.documents.json_file import JsonFile, parse
from engine.documents.json_reader import Spot, Spots
from engine.documents.json_splice import Splice

DOCUMENT: Any = {
    "title": "x",
    "steps": [
        {"id": "a", "with": {"<": 1, ">": [1, 22, [], {}], "text": 'é \\ " {{ [1] }}'}},
        {"id": "b", "on_error": {"steps": [{"id": "c", "n": -1.5e3}]}, "empty": {}},
        12,
        None,
        "text, with: commas",
    ],
    "outputs": {"a": {"b": {"c": True}}},
}
TEXTS = [json.dumps(DOCUMENT), json.dumps(DOCUMENT, indent=2), json.dumps(DOCUMENT, indent=1).replace("\n", "\r\n")]
PIECES = [
    "",
    "1",
    ", 1",
    "1, ",
    '"k": 2, ',
    ', "<": {"y": [1]}',
    "{}",
    "[",
    "}",
    ",",
    " ",
    '"',
    '"id": 1',
    "null, ",
    ".5",
]


def shape(spot: Spot) -> Any:
    if not isinstance(spot, Spots):
        return spot
    inside = spot.values.items() if isinstance(spot.values, dict) else enumerate(spot.values)
    return spot.start, spot.end, spot.keys, [(key, shape(one)) for key, one in inside]


def seen(read: Callable[[], JsonFile]) -> Any:
    """What a text is read as, or what is wrong with it."""
    try:
        file = read()
    except InvalidFile as error:
        return [str(one) for one in error.problems]
    return json.dumps(file.value), shape(file.spot), file.text


def splice_of(dice: Dice, file: JsonFile) -> Splice:
    """A splice anywhere, or of whole members between two commas, so that many are valid."""
    marks = [place for place, one in enumerate(file.text) if one in ',:{}[]"\n']
    start, end = sorted((dice.choice(marks) + dice.randrange(2), dice.choice(marks) + dice.randrange(2)))
    if dice.random() < 0.7:
        end = min(end, start + dice.randrange(30))
    return Splice(start, file.text[start:end], dice.choice(PIECES))


@pytest.mark.slow
@given(st.sampled_from(TEXTS), st.integers(0, 10**9))
def test_a_text_after_splices_is_read_as_if_it_were_new(text: str, number: int) -> None:
    dice, file = Dice(number), parse(text, "work")
    for _ in range(60):
        splice = splice_of(dice, file)
        there = file
        found = seen(lambda: edited(there, splice))  # noqa: B023 - called at once
        assert found == seen(lambda: parse(splice.of(there.text), "work")), (file.text, splice)  # noqa: B023
        if isinstance(found, tuple):
            file = edited(file, splice)
