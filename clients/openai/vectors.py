"""Texts as vectors: how many go into one request, and what of the answer is believed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from clients.errors import BadAnswer, InvalidRequest

AT_ONCE = 64
"""Texts in one request: a vector of 3,072 numbers is 65 KB of JSON, and an answer is read up to 10 MB."""
_SERVICE = "openai"


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut the texts into requests. Raises InvalidRequest for an empty text, for which servers refuse all the others."""
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise InvalidRequest(f"Text {number} of {len(texts)} is empty: it has no vector.", service=_SERVICE)
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]


def vectors_of(answer: Any, count: int) -> list[list[float]]:
    """Give the vectors of an answer in the order of the texts; raises BadAnswer where some are missing or are none."""
    entries = sorted(getattr(answer, "data", None) or [], key=lambda entry: int(entry.index or 0))
    vectors = [_vector(entry.embedding) for entry in entries]
    if len(vectors) != count:
        raise BadAnswer(f"The model server gave {len(vectors)} vectors for {count} texts.", service=_SERVICE)
    if len({len(vector) for vector in vectors}) != 1:
        raise BadAnswer("The model server gave vectors of different lengths.", service=_SERVICE)
    return vectors


def _vector(given: Any) -> list[float]:
    """Plain numbers: that is what was asked for, though some servers send base64 all the same."""
    if not isinstance(given, list) or not given or not all(_is_number(each) for each in given):
        raise BadAnswer("The model server gave a vector that is no list of numbers.", service=_SERVICE)
    return [float(each) for each in given]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
