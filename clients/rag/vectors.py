"""The vectors of passages: stored as float32 of length 1, and compared by their dot product (cosine similarity)."""

from __future__ import annotations

import heapq
import importlib
import json
import math
import sqlite3
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import Any

from clients.errors import InvalidRequest
from clients.rag.records import Embedding, ToEmbed
from clients.rag.service import RAG

SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS embedding (
    one INTEGER PRIMARY KEY CHECK (one = 1), connection TEXT NOT NULL, server TEXT NOT NULL, model TEXT NOT NULL,
    dimensions INTEGER NOT NULL
);
DROP TABLE IF EXISTS model;
DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM embedding)
"""
"""Version 2 had vectors and their `model`, but no step that made any."""
_AT_ONCE = 8_192
"""Vectors in memory at a time: 48 MiB with 1,536 dimensions."""
_WEIGHT_OF_WORDS = 0.4
"""Beside 1 for vectors: the best of 0.1 to 1 on half of the questions of `evals.retrieval` (see there)."""
_MISSING = """
SELECT passages.number, words.headings || char(10) || words.text FROM passages
JOIN words ON words.rowid = passages.number LEFT JOIN vectors ON vectors.number = passages.number
WHERE vectors.number IS NULL AND passages.document IN (SELECT value FROM json_each(?))
ORDER BY passages.number LIMIT ?
"""


def embedding_of(file: sqlite3.Connection) -> tuple[Embedding | None, int]:
    """Return the model of the vectors, and their dimension; (None, 0) without vectors."""
    found = file.execute("SELECT connection, server, model, dimensions FROM embedding").fetchone()
    return (None, 0) if found is None else (Embedding(*found[:3]), int(found[3]))


def missing(file: sqlite3.Connection, documents: Sequence[str], limit: int) -> list[ToEmbed]:
    """Return passages of documents that have no vector, in order."""
    rows = file.execute(_MISSING, (json.dumps(list(documents)), limit))
    return [ToEmbed(number, text) for number, text in rows]


def require_model(file: sqlite3.Connection, collection: str, model: str, dimensions: int | None = None) -> None:
    """Raise InvalidRequest for vectors whose model or dimension the collection does not have."""
    known, length = embedding_of(file)
    if known is None or (known.model == model and dimensions in (None, length)):
        return
    others = model if dimensions is None else f"{model} with {dimensions:,}"
    raise InvalidRequest(
        f"The vectors of the collection {collection!r} come from {known.model} with {length:,} dimensions;"
        f" vectors of {others} cannot be compared with them.",
        service=RAG.name,
        remedy=f"Use {known.model!r} again (`embedding_model` of the connection), or delete the vectors with"
        f" `orchestra collections forget-vectors {collection}` and index the documents again.",
    )


def put(file: sqlite3.Connection, made_by: Embedding, numbers: Sequence[int], given: Sequence[Sequence[float]]) -> None:
    """Store vectors of passages; one whose passage has been deleted since is left out."""
    row = (made_by.connection, made_by.server, made_by.model, len(given[0]))
    file.execute("INSERT OR REPLACE INTO embedding VALUES (1, ?, ?, ?, ?)", row)
    statement = "INSERT OR REPLACE INTO vectors SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM passages WHERE number = ?1)"
    file.executemany(statement, zip(numbers, map(packed, given), strict=True))


def forget(file: sqlite3.Connection) -> int:
    """Delete all vectors, and what made them; return their number."""
    file.execute("DELETE FROM embedding")
    return file.execute("DELETE FROM vectors").rowcount


def packed(vector: Sequence[float]) -> bytes:
    """Return a vector of length 1 as little-endian float32."""
    length = math.sqrt(sum(map(mul, vector, vector))) or 1.0
    numbers = array("f", (one / length for one in vector))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def likeness(file: sqlite3.Connection, wanted: Sequence[float]) -> dict[int, float]:
    """Return how near the vector of each passage is: by number, the cosine of the angle, -1 to 1."""
    rows = file.execute("SELECT number, vector FROM vectors ORDER BY number")
    question = packed(wanted)
    near: dict[int, float] = {}
    while some := rows.fetchmany(_AT_ONCE):
        numbers = [number for number, _ in some]
        near.update(zip(numbers, _likeness([blob for _, blob in some], question), strict=True))
    return near


def blended(by_words: Mapping[int, float], near: Mapping[int, float], limit: int) -> list[tuple[int, float]]:
    """Return passages by a weighted sum of both scores, each brought to 0 to 1, the best first, with sums.

    A sum keeps how clearly a ranking decides, which the ranks alone do not say: Bruch, Gai and Ingber, An Analysis of
    Fusion Functions for Hybrid Retrieval, ACM TOIS 42, 2023.
    """
    most = max(by_words.values(), default=0.0) or 1.0
    least, nearest = min(near.values(), default=0.0), max(near.values(), default=0.0)
    width = nearest - least or 1.0
    sums = {number: (likeness - least) / width for number, likeness in near.items()}
    for number, score in by_words.items():
        sums[number] = sums.get(number, 0.0) + _WEIGHT_OF_WORDS * score / most
    told = ((number, round(one, 6)) for number, one in sums.items())  # what float32 tells apart
    return heapq.nsmallest(limit, told, key=lambda one: (-one[1], one[0]))


def _likeness(blobs: Sequence[bytes], question: bytes) -> Iterator[float]:
    try:
        numpy: Any = importlib.import_module("numpy")  # not required: other packages bring it
    except ImportError:  # slower, with the same result
        own = _numbers(question)
        yield from (sum(map(mul, _numbers(blob), own)) for blob in blobs)
        return
    table = numpy.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1)
    yield from (table @ numpy.frombuffer(question, dtype="<f4")).tolist()


def _numbers(blob: bytes) -> array[float]:
    numbers = array("f", blob)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
