"""The collections of documents, which workflows index and search, for people who look at them and try questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from clients.errors import NotFound, ServiceError
from clients.rag.client import RagClient
from clients.rag.records import Collection, Embedding, PassageHit, StoredDocument
from clients.rag.service import RAG
from clients.rag.words import queries
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.data.own_parts import own_errors
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.people.operation import operation

__all__ = ["Answers", "Collection", "Collections", "PassageHit", "StoredDocument"]
"""The records are named here for the front ends."""
Open = Callable[[str | None, str | None, AccountMode], Account]
VectorOf = Callable[[Account, str], Sequence[float]]
"""Returns the vector of a question. Raises OrchestraError, ServiceError, TimeoutError."""
_SEE = "see the collections"


@dataclass(frozen=True)
class Answers:
    """What a question finds, the best first."""

    results: list[PassageHit]
    by_meaning: bool
    """Whether the meaning of the question counted beside its words."""
    note: str
    """Why only its words counted although the collection has vectors; else empty."""


class Collections:
    """The `collections` area. `demo`: the collections of runs on demo accounts, instead of everybody else's.

    Every method raises StorageError if a file cannot be used; those with a name, UnknownName and InvalidInput.
    """

    def __init__(self, open_account: Open, vector_of: VectorOf, audit: Audit) -> None:
        self._open, self._vector_of, self._audit = open_account, vector_of, audit

    @operation("collections.list", "view", _SEE, "List the collections")
    def all(self, p: Principal, *, demo: bool = False) -> list[Collection]:
        """Return all collections, by name."""
        with own_errors():
            return self._client(demo=demo).collections()

    @operation("collections.show", "view", _SEE, "Read a collection")
    def show(self, p: Principal, name: str, *, demo: bool = False) -> Collection:
        """Return a collection."""
        with self._named(name, demo=demo) as client:
            return client.collection(name)

    @operation("collections.documents", "view", _SEE, "List the documents of a collection")
    def documents(self, p: Principal, name: str, *, words: str = "", demo: bool = False) -> list[StoredDocument]:
        """Return the documents of a collection by id: those with this text in their id or title, in any case."""
        with self._named(name, demo=demo) as client:
            found = client.documents(name)
        wanted = words.casefold()
        return [one for one in found if wanted in f"{one.id}\n{one.title}".casefold()]

    @operation("collections.passages", "view", _SEE, "List the passages of a document")
    def passages(self, p: Principal, name: str, document: str, *, demo: bool = False) -> list[PassageHit]:
        """Return the passages of a document in order."""
        with self._named(name, demo=demo) as client:
            found = client.passages(name, document)
            if not found and all(one.id != document for one in client.documents(name)):
                raise UnknownName("document", document, remedy=f"The collection {name!r} has none with this id.")
            return found

    @operation("collections.search", "view", _SEE, "Search a collection")
    def search(self, p: Principal, name: str, question: str, *, limit: int = 5, demo: bool = False) -> Answers:
        """Return the passages that fit a question best.

        Where the collection has vectors, its model is asked for the question's vector, if `p` may start runs.
        """
        with self._named(name, demo=demo) as client:
            vector, note = self._vector(p, client, name, question, demo=demo)
            found = client.search(name, question, limit, vector)
        return Answers(found, by_meaning=bool(vector), note=note)

    def _vector(
        self, p: Principal, client: RagClient, name: str, question: str, *, demo: bool
    ) -> tuple[Sequence[float], str]:
        """Return the vector of a question; without one, why its words alone count."""
        made_by = client.embedding(name)
        if made_by is None or not queries(question):
            return (), ""
        try:
            require(p, "run", "ask models")
            account = self._open(made_by.connection, None, AccountMode.DEMO if demo else AccountMode.MINE)
            _require_same(made_by, account)
            return self._vector_of(account, question), ""
        except (OrchestraError, ServiceError, TimeoutError) as error:
            said = error.message if isinstance(error, OrchestraError | ServiceError) else "The model did not answer."
            return (), f"Only the words of the question count. {said}"

    @operation("collections.forget_vectors", "edit", "change the collections", "Delete the vectors of a collection")
    def forget_vectors(self, p: Principal, name: str, *, demo: bool = False) -> int:
        """Delete the vectors of a collection, so that another model can make them, and return their number."""
        with self._named(name, demo=demo) as client:
            count = client.forget_vectors(name)
        self._audit.record(p, "collections.forget_vectors", name, {"vectors": count, "demo": demo})
        return count

    @operation("collections.delete", "edit", "change the collections", "Delete a document of a collection")
    def delete(self, p: Principal, name: str, document: str, *, demo: bool = False) -> None:
        """Delete a document; nothing of it is left in the file."""
        with self._named(name, demo=demo) as client:
            if not client.delete(name, [document]):
                raise UnknownName("document", document, remedy=f"The collection {name!r} has none with this id.")
        self._audit.record(p, "collections.delete", name, {"document": document, "demo": demo})

    @operation("collections.drop", "edit", "change the collections", "Delete a collection")
    def drop(self, p: Principal, name: str, *, demo: bool = False) -> int:
        """Delete a collection with all its documents, and return their number."""
        with self._named(name, demo=demo) as client:
            count = client.drop(name)
        self._audit.record(p, "collections.drop", name, {"documents": count, "demo": demo})
        return count

    @contextmanager
    def _named(self, name: str, *, demo: bool) -> Iterator[RagClient]:
        with own_errors():
            client = self._client(demo=demo)
            try:
                client.collection(name)
            except NotFound as error:
                known = [one.name for one in client.collections()]
                remedy = "" if demo else self._in_demo(name)
                raise UnknownName("collection", name, known, remedy=remedy) from error
            yield client

    def _in_demo(self, name: str) -> str:
        has_it = any(one.name == name for one in self._client(demo=True).collections())
        return "The demo has one of this name: look at the collections of the demo (`--demo`)." if has_it else ""

    def _client(self, *, demo: bool) -> RagClient:
        client = self._open(None, RAG.name, AccountMode.DEMO if demo else AccountMode.MINE).client
        assert isinstance(client, RagClient)
        return client


def _require_same(made_by: Embedding, account: Account) -> None:
    """Raise InvalidInput if a connection leads to another model than the one that made the vectors."""
    model = str(getattr(account.client, "embedding_model", ""))
    is_same_server = account.mode == AccountMode.DEMO or account.client.account() == made_by.server
    if model != made_by.model or not is_same_server:
        raise InvalidInput(
            f"The connection {made_by.connection!r} leads to another model than {made_by.model!r} of {made_by.server},"
            " which has made the vectors."
        )
