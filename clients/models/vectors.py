"""Embeddings: how many texts go into one request, and how answers are validated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from clients.errors import BadAnswer, InvalidRequest
from clients.service import Service

AT_ONCE = 64
"""Texts per request: a vector of 3,072 numbers is 65 KB of JSON, and answers are read up to 10 MB."""


def model_for_vectors(service: Service, named: str, model: str, base_url: str) -> str:
    """Return the model to ask: `named` by the connection, or the service's own at its own address, or `model`.

    Another server with the same API does not know the models of the service.
    """
    is_own = base_url.rstrip("/") == service.url.rstrip("/")
    return named or (service.embedding_model if is_own else "") or model


def batches(texts: Sequence[str], service: Service) -> Iterator[Sequence[str]]:
    """Split the texts into requests. Raises InvalidRequest for an empty text, which would fail a whole request."""
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise InvalidRequest(f"Text {number} of {len(texts)} is empty: it has no vector.", service=service.name)
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]


def in_order(entries: Sequence[Any], service: Service) -> list[Any]:
    """Return the entries of an answer in the order of their texts; raises BadAnswer for places that do not fit.

    A server that gives no places has kept the order.
    """
    places = [getattr(one, "index", None) for one in entries]
    if all(one is None for one in places):
        return [*entries]
    if sorted(one for one in places if isinstance(one, int)) != [*range(len(entries))]:
        raise BadAnswer("The model server returned vectors, but not whose they are.", service=service.name)
    return sorted(entries, key=lambda one: int(one.index))


def checked(given: Sequence[Any], count: int, service: Service) -> list[list[float]]:
    """Return the vectors of an answer as floats; raises BadAnswer if some are missing or invalid.

    Some servers send base64 although floats were requested.
    """
    if not all(isinstance(one, list) and one and all(_is_number(each) for each in one) for one in given):
        raise BadAnswer("The model server returned a vector that is not a list of numbers.", service=service.name)
    if len(given) != count:
        raise BadAnswer(f"The model server returned {len(given)} vectors for {count} texts.", service=service.name)
    if len({len(one) for one in given}) != 1:
        raise BadAnswer("The model server returned vectors of different lengths.", service=service.name)
    return [[float(each) for each in one] for one in given]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
