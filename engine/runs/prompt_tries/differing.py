"""How the answers of several columns differ: JSON by field, other text by word against the first answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from typing_extensions import TypedDict

from engine.documents.line_differences import opcodes
from engine.record.differences import ABSENT, differences
from engine.runs.prompt_tries.records import Try

Change = Literal["same", "added", "removed"]
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_COMPARED = 2_000
"""Words; longer texts are compared by line, since nobody reads so many single words."""
_LONG = 60
"""Letters; a shorter text is easier to read as a whole."""


class AnswerField(TypedDict):
    """One place in the answers, such as `kind` or `items[0].title`; empty for the whole answer."""

    field: str
    values: list[Any]
    """One for each column; null for the columns in `missing`."""
    missing: list[int]
    """The numbers of columns, from 1, whose answer does not have the field, or that have no answer."""
    is_same: bool
    """Whether all answers have the same value."""


class TextPart(TypedDict):
    """A part of an answer, compared with the first one."""

    text: str
    change: Change


class AnswerDifferences(TypedDict):
    """How answers differ: `fields` if all are JSON, `texts` if all are other text; else both are empty."""

    is_same: bool | None
    """Whether all answers are the same; None with fewer than two."""
    fields: list[AnswerField]
    texts: list[list[TextPart]]
    """One for each column; empty for a column without an answer, and for the first answer, which is not compared."""


def answer_differences(tries: Sequence[Try]) -> AnswerDifferences:
    """Return how the answers of tries differ."""
    answers = [one["answer"] for one in tries]
    found = [one for one in answers if one is not None]
    if len(found) < 2:
        return {"is_same": None, "fields": [], "texts": []}
    are_json = {one["value"] is not None for one in found}
    if len(are_json) > 1:
        return {"is_same": False, "fields": [], "texts": []}
    if are_json == {True}:
        fields = list(_fields("", [ABSENT if one is None else one["value"] for one in answers], _gaps(answers)))
        return {"is_same": all(one["is_same"] for one in fields), "fields": fields, "texts": []}
    first = found[0]
    texts = [[] if one is None or one is first else list(text_parts(first["text"], one["text"])) for one in answers]
    is_same = all(one["text"] == first["text"] for one in found)
    return {"is_same": is_same, "fields": [], "texts": texts}


def field_changes(field: AnswerField) -> list[tuple[TextPart, ...]]:
    """Return the long texts of a field compared with the first, one for each column; `()` for any other value."""
    there = [(at, one) for at, one in enumerate(field["values"]) if at + 1 not in field["missing"]]
    parts: list[tuple[TextPart, ...]] = [() for _ in field["values"]]
    if not field["is_same"] and all(isinstance(one, str) for _, one in there):
        first = there[0][1]
        for at, text in there[1:]:
            is_long = max(len(first), len(text)) >= _LONG
            parts[at] = text_parts(first, text) if is_long and first and text else ()
    return parts


@lru_cache(maxsize=64)
def text_parts(before: str, after: str) -> tuple[TextPart, ...]:
    """Return a text in parts: what it shares with another, what it has beyond that, and what it lacks."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > _MOST_COMPARED:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return tuple(one for one in _changes(old, new) if one["text"])


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[TextPart]:
    for operation, old_from, old_to, new_from, new_to in opcodes(old, new):
        if operation == "equal":
            yield _part("same", new[new_from:new_to])
        else:
            yield _part("removed", old[old_from:old_to])
            yield _part("added", new[new_from:new_to])


def _part(change: Change, words: Sequence[str]) -> TextPart:
    return {"text": "".join(words), "change": change}


def _gaps(answers: Sequence[object]) -> frozenset[int]:
    """Return which columns have no answer."""
    return frozenset(at for at, one in enumerate(answers) if one is None)


def _fields(field: str, values: Sequence[Any], gaps: frozenset[int]) -> Iterator[AnswerField]:
    """Yield every leaf of the values; where they have different forms, they are a leaf together."""
    there = [one for at, one in enumerate(values) if at not in gaps]
    if all(isinstance(one, Mapping) for one in there) and any(there):
        for key in dict.fromkeys(key for one in there for key in one):
            inner = [ABSENT if at in gaps else one.get(key, ABSENT) for at, one in enumerate(values)]
            yield from _fields(f"{field}.{key}" if field else str(key), inner, gaps)
    elif all(isinstance(one, list) for one in there) and len({len(one) for one in there}) == 1 and any(there):
        for index in range(len(there[0])):
            inner = [ABSENT if at in gaps else one[index] for at, one in enumerate(values)]
            yield from _fields(f"{field}[{index}]", inner, gaps)
    else:
        yield {
            "field": field,
            "values": [None if one is ABSENT else one for one in values],
            "missing": [at + 1 for at, one in enumerate(values) if one is ABSENT],
            "is_same": not any(True for one in there[1:] for _ in differences("", there[0], one)),
        }
