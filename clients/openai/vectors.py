"""Embeddings: how many texts go into one request, and how answers are validated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from clients.errors import BadAnswer, InvalidRequest
from clients.openai.service import OPENAI

AT_ONCE = 64
"""Texts per request: a vector of 3,072 numbers is 65 KB of JSON, and answers are read up to 10 MB."""
_SERVICE = OPENAI.name


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split the texts into requests. Raises InvalidRequest for an empty text, which would fail a whole request."""
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise InvalidRequest(f"Text {number} of {len(texts)} is empty: it has no vector.", service=_SERVICE)
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]


def vectors_of(answer: Any, count: int) -> list[list[float]]:
    """Return the vectors of an answer in the order of the texts; raises BadAnswer if some are missing or invalid."""
    entries = sorted(getattr(answer, "data", None) or [], key=lambda entry: int(entry.index or 0))
    vectors = [_vector(entry.embedding) for entry in entries]
    if len(vectors) != count:
        raise BadAnswer(f"The model server returned {len(vectors)} vectors for {count} texts.", service=_SERVICE)
    if len({len(vector) for vector in vectors}) != 1:
        raise BadAnswer("The model server returned vectors of different lengths.", service=_SERVICE)
    return vectors


def _vector(given: Any) -> list[float]:
    """Return a vector as floats; base64, which some servers send although floats were requested, raises BadAnswer."""
    if not isinstance(given, list) or not given or not all(_is_number(each) for each in given):
        raise BadAnswer("The model server returned a vector that is not a list of numbers.", service=_SERVICE)
    return [float(each) for each in given]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
