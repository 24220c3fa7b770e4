"""Collections of documents, each an SQLite file with a full-text index, shared by all processes of a workspace.

Ranking is BM25 over the text and, with more weight, the headings above it (https://sqlite.org/fts5.html).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path

from clients.client import CheckLine, Client, Opening
from clients.errors import InvalidRequest, NotFound, Unavailable
from clients.rag.passages import PageStart, passages
from clients.rag.service import RAG, RagSettings
from clients.rag.words import pairs, query
from clients.reads_only import is_active, refused

CHARACTERS_MOST = 5_000_000
"""Of one document."""
_WAIT_SECONDS = 30.0
_SUFFIX = ".db"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = 1
_SCHEMA = f"""
PRAGMA user_version = {_VERSION};
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, url TEXT NOT NULL, sha256 TEXT NOT NULL, characters INTEGER NOT NULL,
    indexed_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS passages (
    number INTEGER PRIMARY KEY, document TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, page INTEGER
);
CREATE INDEX IF NOT EXISTS passages_of_document ON passages (document);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    text, headings, signs, tokenize = 'porter unicode61 remove_diacritics 2'
);
"""
_SEARCH = """
SELECT passages.document, documents.title, documents.url, passages.page, passages.first, passages.last, words.text,
       words.headings, -bm25(words, 1.0, 3.0, 1.0) AS score
FROM words JOIN passages ON passages.number = words.rowid JOIN documents ON documents.id = passages.document
WHERE words MATCH ? ORDER BY score DESC, passages.number LIMIT ?
"""


@dataclass(frozen=True)
class Document:
    """A document to be indexed."""

    id: str
    text: str
    title: str = ""
    url: str = ""
    page_starts: Sequence[PageStart] = field(default=())
    """Where each page begins in the text."""


@dataclass(frozen=True)
class Known:
    """A document of a collection."""

    id: str
    title: str
    url: str
    characters: int
    passages: int
    indexed_at: str


@dataclass(frozen=True)
class Found:
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


class RagClient(Client):
    """The collections: `names`, `documents`, `index`, `search`, `delete`, `drop`. A change is on disk when it returns.

    Every method raises InvalidRequest for a name that cannot be one, and Unavailable if the file cannot be used.
    """

    service = RAG

    def __init__(self, folder: Path | None, prefix: str, *, is_demo: bool) -> None:
        self._folder, self._prefix, self._is_demo = folder, prefix, is_demo

    @classmethod
    def open(cls, settings: RagSettings, opening: Opening) -> RagClient:
        """Return a client for the collections of the workspace, or of its demo."""
        del settings
        prefix = RAG.demo_file if opening.is_demo else RAG.shared_file
        return cls(opening.shared_folder, prefix, is_demo=opening.is_demo)

    def account(self) -> str:
        """Return what the collections belong to."""
        return "demo-collections" if self._is_demo else "collections"

    def label(self) -> str:
        """Return what the collections belong to, for people."""
        return "the demo's collections" if self._is_demo else "the collections of this workspace"

    def check(self) -> list[CheckLine]:
        """Look whether every collection can be read."""
        try:
            count = len(self.names())
        except Unavailable as error:
            return [("collections", False, f"{error.message} {error.remedy}")]
        return [("collections", True, f"There are {count} collections." if count != 1 else "There is one collection.")]

    def names(self) -> dict[str, int]:
        """Return the number of documents of every collection by its name, sorted."""
        folder = self._folder
        if folder is None:
            return {}
        paths = sorted(folder.glob(f"{self._prefix}*{_SUFFIX}"))
        names = (path.name[len(self._prefix) : -len(_SUFFIX)] for path in paths)
        return {name: len(self.documents(name)) for name in names if _NAME.fullmatch(name)}

    def documents(self, collection: str) -> list[Known]:
        """Return the documents of a collection by id; none if there is no such collection."""
        with self._reading(collection) as file:
            if file is None:
                return []
            rows = file.execute(
                "SELECT id, title, url, characters, count(number), indexed_at FROM documents"
                " LEFT JOIN passages ON document = id GROUP BY id ORDER BY id"
            )
            return [Known(*row) for row in rows]

    def index(self, collection: str, documents: Sequence[Document]) -> tuple[int, int]:
        """Add documents, or replace those with the same id; return how many were new or changed, and how many not."""
        changed = 0
        for document in map(_storable, documents):
            _require(document)
            with self._writing(collection) as file:
                changed += _indexed(file, document)
        return changed, len(documents) - changed

    def search(self, collection: str, question: str, limit: int) -> list[Found]:
        """Return the passages that fit a question best, the best first. Raises NotFound for an unknown collection."""
        with self._reading(collection) as file:
            if file is None:
                known = ", ".join(self.names()) or "none"
                raise NotFound(
                    f"There is no collection {collection!r}.",
                    service=RAG.name,
                    remedy=f"`rag.index` makes one. Known here: {known}.",
                )
            wanted = query(question)
            rows = file.execute(_SEARCH, (wanted, limit)) if wanted else ()
            return list(starmap(Found, rows))

    def delete(self, collection: str, ids: Sequence[str]) -> int:
        """Delete documents, also from the bytes of the file; return how many were there."""
        with self._reading(collection) as there:
            if there is None:
                return 0
        with self._writing(collection) as file:
            count = sum(_removed(file, one) for one in ids)
            if count:
                file.execute("INSERT INTO words (words) VALUES ('optimize')")  # words of deleted rows stay in the index
        return count

    def drop(self, collection: str) -> int:
        """Delete a collection; return how many documents it had."""
        path = self._path(collection)
        if is_active():
            raise refused(f"The collection {collection!r}")
        count = len(self.documents(collection))
        path.unlink(missing_ok=True)
        return count

    @contextmanager
    def _reading(self, collection: str) -> Iterator[sqlite3.Connection | None]:
        path = self._path(collection)
        if not path.exists():
            yield None
            return
        with _opened(path) as file:
            yield file

    @contextmanager
    def _writing(self, collection: str) -> Iterator[sqlite3.Connection]:
        if is_active():
            raise refused(f"The collection {collection!r}")
        with _opened(self._path(collection)) as file:
            file.execute("BEGIN IMMEDIATE")
            with file:
                yield file

    def _path(self, collection: str) -> Path:
        if not _NAME.fullmatch(collection):
            raise InvalidRequest(
                f"{collection[:80]!r} cannot be the name of a collection.",
                service=RAG.name,
                remedy="Use lower-case letters, digits, '-' and '_' (at most 64, a letter or digit first).",
            )
        if self._folder is None:
            raise Unavailable("There is no workspace that has collections.", service=RAG.name, outcome="not_done")
        return self._folder / f"{self._prefix}{collection}{_SUFFIX}"


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # private before anything is in it
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = FULL")
            file.execute("PRAGMA secure_delete = ON")
            if file.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                file.executescript(_SCHEMA)
            yield file
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(
            f"The collection in {path} cannot be used: {error}.",
            service=RAG.name,
            remedy="Check the disk and the rights of that file; without it, `rag.index` makes it again.",
            outcome="not_done",
        ) from error


def _storable(document: Document) -> Document:
    """Return a document whose texts can be stored: half a character becomes a question mark, in the same place."""
    told = {
        name: getattr(document, name).encode("utf-8", "replace").decode() for name in ("id", "text", "title", "url")
    }
    return replace(document, **told)


def _require(document: Document) -> None:
    if not 0 < len(document.id) <= 500:
        raise InvalidRequest(
            f"The id of a document has {len(document.id):,} characters.",
            service=RAG.name,
            remedy="Give one with 1 to 500 characters, such as the path or the address of the document.",
        )
    if len(document.text) > CHARACTERS_MOST:
        raise InvalidRequest(
            f"The document {document.id!r} has {len(document.text):,} characters; at most {CHARACTERS_MOST:,} can be"
            " indexed.",
            service=RAG.name,
            remedy="Divide it, for example by chapters.",
        )


def _indexed(file: sqlite3.Connection, document: Document) -> bool:
    """Index a document; return False if it is there already, the same."""
    told = json.dumps([document.title, document.url, list(document.page_starts), document.text])
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    known = file.execute("SELECT sha256 FROM documents WHERE id = ?", (document.id,)).fetchone()
    if known is not None and known[0] == digest:
        return False
    _removed(file, document.id)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    row = (document.id, document.title, document.url, digest, len(document.text), at)
    file.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", row)
    for one in passages(document.text, document.page_starts):
        place = (document.id, one.start, one.end, one.page)
        number = file.execute("INSERT INTO passages (document, first, last, page) VALUES (?, ?, ?, ?)", place).lastrowid
        text, above = document.text[one.start : one.end], " > ".join(filter(None, (document.title, one.headings)))
        file.execute(
            "INSERT INTO words (rowid, text, headings, signs) VALUES (?, ?, ?, ?)", (number, text, above, pairs(text))
        )
    return True


def _removed(file: sqlite3.Connection, document: str) -> int:
    file.execute("DELETE FROM words WHERE rowid IN (SELECT number FROM passages WHERE document = ?)", (document,))
    file.execute("DELETE FROM passages WHERE document = ?", (document,))
    return file.execute("DELETE FROM documents WHERE id = ?", (document,)).rowcount
