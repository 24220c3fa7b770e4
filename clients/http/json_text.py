"""JSON as servers send it: one value, lines, or a sequence; and where it ends to be JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any

from clients.errors import BadAnswer
from clients.http.request import SERVICE
from clients.listing import require_shallow

_ARE_LINES = re.compile(r"(ndjson|jsonl|jsonlines|json-lines|json-seq|stream\+json|json-stream)\b")
_RECORD = "\x1e"
"""Begins each text of a sequence (RFC 7464, 2.2)."""
_MAY_BE_CUT = re.compile(r"[-+.\w]+\Z")
"""A number or a word that no blank ends: the rest of it may be missing (RFC 7464, 2.4)."""
_BROKEN_MOST = 10_000
"""So many lines are left out; with more of them, the text is not JSON. Each takes longer to refuse than to read."""
_WORDS = frozenset({"NaN", "Infinity", "-Infinity"})
# Texts are matched, too, so that a NaN inside one is not taken for the fault. Each is matched once: one without an end
# is taken as far as it goes, as each quote in it would begin another.
_TOKEN = re.compile(r'"(?>(?:[^"\\]++|\\.)*)["\\]?|-?Infinity|NaN|-?[0-9][0-9.eE+-]*+')


def read_json(text: str, media_type: str) -> tuple[Any, str]:
    """Return the value of a text that is called JSON, and a sentence on the parts that are not; None if no part is.

    JSON lines and sequences of RFC 7464 are a list, also where the type says only JSON. Lines that are not JSON are
    left out; where the type does not say that there are lines, only the last one may be.
    """
    are_lines = bool(_ARE_LINES.search(media_type))
    rows, broken = _rows(text, _BROKEN_MOST) if are_lines else ([], [])
    if are_lines and not broken:
        return _shallow(rows, "")
    try:
        value = _value(text)
    except (ValueError, RecursionError) as error:
        if not are_lines:
            rows, broken = _rows(text, 0)
        last = max((number for number, _ in _parts(text)), default=0)
        is_last_cut = len(rows) > 1 and [number for number, _ in broken] == [last]
        if rows and (not broken or is_last_cut or (are_lines and len(broken) <= _BROKEN_MOST)):
            return _shallow(rows, _left_out(text, broken))
        return None, _no_json(text, media_type, error)
    return _shallow([value] if are_lines and not isinstance(value, list) else value, "")


def _shallow(value: Any, note: str) -> tuple[Any, str]:
    try:
        require_shallow(value, SERVICE)
    except BadAnswer as error:
        return None, f"{error.message} It is in `text`."
    return value, note


def _rows(text: str, most_broken: int) -> tuple[list[Any], list[tuple[int, str]]]:
    """Return the values of JSON lines, and the number of each line that is not JSON, with the reason.

    It ends after more than `most_broken` of these.
    """
    rows: list[Any] = []
    broken: list[tuple[int, str]] = []
    is_sequence = _RECORD in text
    for number, part in _parts(text):
        try:
            # A record that was cut off may still be JSON: 12 may have been 123.
            if is_sequence and _MAY_BE_CUT.fullmatch(part):
                raise json.JSONDecodeError("It may be cut off", part, len(part))
            rows.append(_value(part))
        except (ValueError, RecursionError) as error:
            broken.append((number, _reason(part, error, 0 if is_sequence else number - 1)))
            if len(broken) > most_broken:
                break
    return rows, broken


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of a sequence or of lines, with their numbers from 1."""
    parts = text.split(_RECORD) if _RECORD in text else text.split("\n")
    # The empty text before the first record sign is not a record.
    first = 0 if _RECORD in text and not parts[0].strip() else 1
    return ((number, part) for number, part in enumerate(parts, first) if part.strip())


def _left_out(text: str, broken: list[tuple[int, str]]) -> str:
    if not broken:
        return ""
    (number, reason), more = broken[0], len(broken) - 1
    name = f"{'Record' if _RECORD in text else 'Line'} {number}{f' and {more:,} more' if more else ''}"
    return f"{name} of the answer is not JSON and was left out of `json`: {reason}."


def _no_json(text: str, media_type: str, error: Exception) -> str:
    """Return the server's claim, and why it is wrong."""
    return f"The server says that its answer is {media_type}, but it is not: {_reason(text, error)}. It is in `text`."


def _reason(text: str, error: Exception, lines_before: int = 0) -> str:
    """Return what is wrong, and at which line and column."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.removesuffix(' at')} at line {lines_before + error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "It is nested too deeply"
    word = str(error)
    at = next((found.start() for found in _TOKEN.finditer(text) if found[0] == word), None)
    if at is None:
        return "It has a number that is too long"
    line, column = lines_before + text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return (
        f"{'No JSON' if word in _WORDS else 'A number that is too large'} at line {line}, column {column}: {word[:40]}"
    )


def _refuse(word: str) -> None:
    raise ValueError(word)


def _finite(written: str) -> float:
    number = float(written)
    if isinf(number):
        raise ValueError(written)
    return number


_value = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode
"""Made once: there may be a million lines."""
