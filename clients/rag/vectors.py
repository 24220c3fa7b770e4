"""The vectors of passages: stored as float32 of length 1, and compared by their dot product (cosine similarity)."""

from __future__ import annotations

import heapq
import importlib
import math
import sqlite3
import sys
from array import array
from collections.abc import Iterator, Sequence
from operator import mul
from typing import Any

from clients.errors import InvalidRequest
from clients.rag.records import ToEmbed
from clients.rag.service import RAG

SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS model (
    one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, dimensions INTEGER NOT NULL
)
"""
_AT_ONCE = 8_192
"""Vectors in memory at a time: 48 MiB with 1,536 dimensions."""
_MISSING = """
SELECT passages.number, words.headings || char(10) || words.text FROM passages
JOIN words ON words.rowid = passages.number LEFT JOIN vectors ON vectors.number = passages.number
WHERE vectors.number IS NULL ORDER BY passages.number LIMIT ?
"""


def model_of(file: sqlite3.Connection) -> tuple[str, int]:
    """Return the model of the vectors and their dimension; ("", 0) if there are none."""
    found = file.execute("SELECT name, dimensions FROM model").fetchone()
    return ("", 0) if found is None else (str(found[0]), int(found[1]))


def missing(file: sqlite3.Connection, limit: int) -> list[ToEmbed]:
    """Return passages without a vector, in order."""
    return [ToEmbed(number, text) for number, text in file.execute(_MISSING, (limit,))]


def require_model(collection: str, known: tuple[str, int], model: str, dimensions: int) -> None:
    """Raise InvalidRequest for vectors of another model or dimension than those of the collection."""
    if known[0] and known != (model, dimensions):
        raise InvalidRequest(
            f"The vectors of the collection {collection!r} come from {known[0]} with {known[1]:,} dimensions;"
            f" those of {model} with {dimensions:,} cannot be compared with them.",
            service=RAG.name,
            remedy=f"Use {known[0]!r} again, or delete all vectors (`forget_vectors`) and make them anew.",
        )


def put(file: sqlite3.Connection, model: str, numbers: Sequence[int], given: Sequence[Sequence[float]]) -> None:
    """Store vectors of passages; one whose passage has been deleted since is left out."""
    file.execute("INSERT OR IGNORE INTO model VALUES (1, ?, ?)", (model, len(given[0])))
    statement = "INSERT OR REPLACE INTO vectors SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM passages WHERE number = ?1)"
    file.executemany(statement, zip(numbers, map(packed, given), strict=True))


def forget(file: sqlite3.Connection) -> None:
    """Delete all vectors, and which model they come from."""
    file.execute("DELETE FROM vectors")
    file.execute("DELETE FROM model")


def packed(vector: Sequence[float]) -> bytes:
    """Return a vector of length 1 as little-endian float32."""
    length = math.sqrt(sum(map(mul, vector, vector))) or 1.0
    numbers = array("f", (one / length for one in vector))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def nearest(file: sqlite3.Connection, wanted: Sequence[float], limit: int) -> list[int]:
    """Return the numbers of the passages whose vectors are nearest, the nearest first."""
    rows = file.execute("SELECT number, vector FROM vectors ORDER BY number")
    question = packed(wanted)
    best: list[tuple[float, int]] = []
    while some := rows.fetchmany(_AT_ONCE):
        likeness = _likeness([blob for _, blob in some], question)
        best = heapq.nlargest(
            limit, [*best, *((one, -number) for one, (number, _) in zip(likeness, some, strict=True))]
        )
    return [-number for _, number in best]


def fused(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Return items by their reciprocal rank fusion, the best first, with scores.

    k = 60, as in Cormack, Clarke and Büttcher, SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (60 + rank)
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


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
