"""The collections of documents, which workflows index and search, for people who look at them and try questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.rag.client import RagClient
from clients.rag.records import Collection, Found, Known
from clients.rag.service import RAG
from engine.base.errors import InvalidInput, StorageError, UnknownName
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.people.access import Principal, require
from engine.people.audit import Audit

__all__ = ["Collection", "Collections", "Found", "Known"]
"""The records are named here for the front ends."""
Open = Callable[[str | None, str | None, AccountMode], Account]
_SEE = "see the collections"


class Collections:
    """The `collections` facet. `demo`: the collections of runs on demo accounts, instead of those of all others.

    Every method raises StorageError if a file cannot be used; those with a name, UnknownName and InvalidInput.
    """

    def __init__(self, open_account: Open, audit: Audit) -> None:
        self._open, self._audit = open_account, audit

    def all(self, p: Principal, *, demo: bool = False) -> list[Collection]:
        """Return all collections, by name."""
        require(p, "view", _SEE)
        with _own_errors():
            return self._client(demo=demo).collections()

    def show(self, p: Principal, name: str, *, demo: bool = False) -> Collection:
        """Return a collection."""
        require(p, "view", _SEE)
        with self._named(name, demo=demo) as client:
            return client.collection(name)

    def documents(self, p: Principal, name: str, *, words: str = "", demo: bool = False) -> list[Known]:
        """Return the documents of a collection by id: those with this text in their id or title, in any case."""
        require(p, "view", _SEE)
        with self._named(name, demo=demo) as client:
            found = client.documents(name)
        wanted = words.casefold()
        return [one for one in found if wanted in f"{one.id}\n{one.title}".casefold()]

    def passages(self, p: Principal, name: str, document: str, *, demo: bool = False) -> list[Found]:
        """Return the passages of a document in order."""
        require(p, "view", _SEE)
        with self._named(name, demo=demo) as client:
            found = client.passages(name, document)
            if not found and all(one.id != document for one in client.documents(name)):
                raise UnknownName("document", document, remedy=f"The collection {name!r} has none with this id.")
            return found

    def search(self, p: Principal, name: str, question: str, *, limit: int = 5, demo: bool = False) -> list[Found]:
        """Return the passages that fit a question best by its words, the best first; no model is asked."""
        require(p, "view", _SEE)
        with self._named(name, demo=demo) as client:
            return client.search(name, question, limit)

    def delete(self, p: Principal, name: str, document: str, *, demo: bool = False) -> None:
        """Delete a document; nothing of it is left in the file."""
        require(p, "edit", "change the collections")
        with self._named(name, demo=demo) as client:
            if not client.delete(name, [document]):
                raise UnknownName("document", document, remedy=f"The collection {name!r} has none with this id.")
        self._audit.record(p, "collections.delete", name, {"document": document, "demo": demo})

    def drop(self, p: Principal, name: str, *, demo: bool = False) -> int:
        """Delete a collection with all its documents, and return their number."""
        require(p, "edit", "change the collections")
        with self._named(name, demo=demo) as client:
            count = client.drop(name)
        self._audit.record(p, "collections.drop", name, {"documents": count, "demo": demo})
        return count

    @contextmanager
    def _named(self, name: str, *, demo: bool) -> Iterator[RagClient]:
        with _own_errors():
            client = self._client(demo=demo)
            try:
                client.collection(name)
            except NotFound as error:
                raise UnknownName("collection", name, [one.name for one in client.collections()]) from error
            yield client

    def _client(self, *, demo: bool) -> RagClient:
        client = self._open(None, RAG.name, AccountMode.DEMO if demo else AccountMode.MINE).client
        assert isinstance(client, RagClient)
        return client


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn the errors of the client into ours: for people, the collections are no outside service."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidInput(error.message, remedy=error.remedy) from error
    except ServiceError as error:
        raise StorageError(error.message, remedy=error.remedy) from error
