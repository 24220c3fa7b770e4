"""What a collection takes and gives: documents, passages, and vectors to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct, field

from clients.rag.passages import PageStart


class Document(Struct, frozen=True):
    """A document to be indexed."""

    id: str
    text: str
    title: str = ""
    url: str = ""
    page_starts: Sequence[PageStart] = field(default=())
    """Where each page begins in the text."""


class Embedding(Struct, frozen=True):
    """The model that makes the vectors of a collection, and its connection."""

    connection: str
    """The name of the connection."""
    server: str
    """The server that it led to."""
    model: str


@dataclass(frozen=True)
class Collection:
    """A collection; `model` and `connection` are empty and `dimensions` 0 without vectors."""

    name: str
    documents: int
    passages: int
    size_bytes: int
    model: str = ""
    """The model that its vectors come from."""
    dimensions: int = 0
    vectors: int = 0
    """The passages that have a vector."""
    connection: str = ""
    """The connection that made them."""


@dataclass(frozen=True)
class StoredDocument:
    """A document of a collection."""

    id: str
    title: str
    url: str
    characters: int
    passages: int
    indexed_at: str


@dataclass(frozen=True)
class PassageHit:
    """A passage that was found; `start` and `end` are offsets into the text of its document."""

    document: str
    title: str
    url: str
    page: int | None
    start: int
    end: int
    text: str
    headings: str
    score: float
    """The higher, the better; comparable within one search only."""
    marks: tuple[tuple[int, int], ...] = ()
    """Where words of the question are in `text`: (start, end)."""


class ToEmbed(Struct, frozen=True):
    """A passage without a vector; `text` is what the vector is made of."""

    number: int
    text: str
