"""Collections of documents, each an SQLite file with a full-text index, shared by all processes of a workspace.

Ranking is BM25 over the text and, with more weight, the headings above it (https://sqlite.org/fts5.html); where
passages have vectors, the scores of a search by words and of one by vectors can be added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import InvalidRequest, NotFound, Unavailable
from clients.in_workspace.names import is_name, require_name
from clients.in_workspace.sqlite_file import opened
from clients.rag import vectors
from clients.rag.index_file import SCHEMA, VERSION, by_words, indexed, passage, passages_of, removed
from clients.rag.records import Collection, Document, Embedding, PassageHit, StoredDocument, ToEmbed
from clients.rag.service import RAG, RagSettings
from clients.rag.words import queries
from clients.reads_only import is_active, refused
from clients.wording import guess_first, listed

CHARACTERS_MOST = 5_000_000
"""Of one document."""
_RANKED_BY_WORDS = 200
"""Passages whose words count beside their vectors, at least."""
_SUFFIX = ".db"


class RagClient(Client):
    """The collections, by name. A change is on disk when it returns.

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
        """Return the owner of the collections."""
        return "demo-collections" if self._is_demo else "collections"

    def label(self) -> str:
        """Return the owner of the collections, in words for people."""
        return "the demo's collections" if self._is_demo else "the collections of this workspace"

    def check(self) -> list[CheckLine]:
        """Look whether every collection can be read."""
        try:
            count = len(self.collections())
        except Unavailable as error:
            return [failed(self.service, "collections", error)]
        return [
            CheckLine(
                "collections",
                ok=True,
                text=f"There are {count} collections." if count != 1 else "There is one collection.",
            )
        ]

    def collections(self) -> list[Collection]:
        """Return every collection, by name."""
        if self._folder is None:
            return []
        paths = sorted(self._folder.glob(f"{self._prefix}*{_SUFFIX}"))
        names = (path.name[len(self._prefix) : -len(_SUFFIX)] for path in paths)
        return [self.collection(name) for name in names if is_name(name)]

    def collection(self, name: str) -> Collection:
        """Return a collection. Raises NotFound for an unknown one."""
        with self._there(name) as file:
            documents, count, made = (
                file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
                for table in ("documents", "passages", "vectors")
            )
            size = self._path(name).stat().st_size
            known, dimensions = vectors.embedding_of(file)
            model, connection = ("", "") if known is None else (known.model, known.connection)
            return Collection(name, documents, count, size, model, dimensions, made, connection)

    def documents(self, collection: str) -> list[StoredDocument]:
        """Return the documents of a collection by id; a missing collection has none."""
        with self._reading(collection) as file:
            if file is None:
                return []
            rows = file.execute(
                "SELECT id, title, url, characters, count(number), indexed_at FROM documents"
                " LEFT JOIN passages ON document = id GROUP BY id ORDER BY id"
            )
            return [StoredDocument(*row) for row in rows]

    def passages(self, collection: str, document: str) -> list[PassageHit]:
        """Return the passages of a document in order; an unknown document has none. Raises NotFound."""
        with self._there(collection) as file:
            return passages_of(file, document)

    def index(self, collection: str, documents: Sequence[Document]) -> tuple[int, int]:
        """Add documents, or replace those with the same id; return how many were new or changed, and how many not."""
        changed = 0
        for document in map(_storable, documents):
            _require(document)
            with self._writing(collection) as file:
                changed += indexed(file, document)
        return changed, len(documents) - changed

    def search(self, collection: str, question: str, limit: int, vector: Sequence[float] = ()) -> list[PassageHit]:
        """Return the passages that fit a question best, the best first. Raises NotFound for an unknown collection.

        With the question's `vector`, words and meaning count together. A question without any
        word, such as `?!`, finds nothing. While a plan is made, a collection that is not there yet is empty: an earlier
        step may make it.
        """
        if is_active() and not self._path(collection).exists():
            return []
        with self._there(collection) as file:
            if not queries(question):
                return []
            words = by_words(file, question, max(limit, _RANKED_BY_WORDS) if vector else limit)
            if not vector:
                return [passage(file, number, *found) for number, found in words.items()]
            scores = {number: score for number, (score, _) in words.items()}
            best = vectors.blended(scores, vectors.likeness(file, vector), limit)
            return [passage(file, number, score, words.get(number, (0.0, ()))[1]) for number, score in best]

    def embedding(self, collection: str) -> Embedding | None:
        """Return the model of a collection's vectors; None if it has no vectors or does not exist."""
        with self._reading(collection) as file:
            return None if file is None else vectors.embedding_of(file)[0]

    def without_vectors(self, collection: str, documents: Sequence[str], limit: int) -> list[ToEmbed]:
        """Return passages of documents that have no vector. Raises NotFound for an unknown collection."""
        with self._there(collection) as file:
            return vectors.missing(file, documents, limit)

    def require_model(self, collection: str, model: str) -> None:
        """Raise InvalidRequest if the collection has vectors of another model."""
        with self._reading(collection) as file:
            if file is not None:
                vectors.require_model(file, collection, model)

    def keep_vectors(
        self, collection: str, made_by: Embedding, passages: Sequence[ToEmbed], given: Sequence[Sequence[float]]
    ) -> None:
        """Store the vectors of passages, all of one model and dimension. Raises InvalidRequest, NotFound."""
        with self._there(collection), self._writing(collection) as file:
            vectors.require_model(file, collection, made_by.model, len(given[0]))
            vectors.put(file, made_by, [one.number for one in passages], given)

    def forget_vectors(self, collection: str) -> int:
        """Delete all vectors of a collection, and return their number. Raises NotFound for an unknown one."""
        with self._there(collection), self._writing(collection) as file:
            return vectors.forget(file)

    def delete(self, collection: str, ids: Sequence[str]) -> int:
        """Delete documents, also from the bytes of the file; return how many were there."""
        with self._reading(collection) as there:
            if there is None:
                return 0
        with self._writing(collection) as file:
            count = sum(removed(file, one) for one in ids)
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
    def _there(self, collection: str) -> Iterator[sqlite3.Connection]:
        with self._reading(collection) as file:
            if file is None:
                known = [one.name for one in self.collections()]
                index = f"`rag.index` makes one. Known here: {listed(known) or 'none'}."
                raise NotFound(
                    f"There is no collection {collection!r}.",
                    service=RAG.name,
                    remedy=guess_first(collection, known, index),
                )
            yield file

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
            # A transaction that begins with a read fails at once (SQLITE_BUSY) if another one writes before it does.
            file.execute("BEGIN IMMEDIATE")
            with file:
                yield file

    def _path(self, collection: str) -> Path:
        require_collection(collection)
        if self._folder is None:
            raise Unavailable("There is no workspace that has collections.", service=RAG.name, outcome="not_done")
        return self._folder / f"{self._prefix}{collection}{_SUFFIX}"


def require_collection(collection: str) -> None:
    """Raise InvalidRequest for a name that a collection cannot have."""
    require_name(collection, "a collection", RAG.name)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    remedy = "Check the disk and the rights of that file; without it, `rag.index` makes it again."
    with opened(path, SCHEMA, VERSION, what="The collection", service=RAG.name, remedy=remedy) as file:
        yield file


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
