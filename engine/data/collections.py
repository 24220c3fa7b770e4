"""The collections of documents, which workflows index and search, for people who look at them and try questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from clients.errors import NotFound, ServiceError
from clients.rag.records import Collection, Embedding, PassageHit, StoredDocument
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import AccountMode
from engine.data.own_parts import own_errors
from engine.people.access import Principal, require
from engine.people.operation import Demo, operation

if TYPE_CHECKING:
    from clients.rag.client import RagClient
    from engine.connections.accounts import Account
    from engine.people.audit import Audit

    Open = Callable[[str | None, str | None, AccountMode], Account]
    VectorOf = Callable[[Account, str], Sequence[float]]
    """Returns the vector of a question. Raises OrchestraError, ServiceError, TimeoutError."""

__all__ = ["Answers", "Collection", "Collections", "PassageHit", "StoredDocument"]
"""The records are named here for the front ends."""
_SEE, _CHANGE = "see the collections", "change the collections"

Name = Annotated[str, Meta(description="The name of the collection.")]
DocumentId = Annotated[str, Meta(description="The id of the document.")]


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

    @operation("collections.list", "view", _SEE, "List collections", "GET /api/collections", answer="collections")
    def all(self, p: Principal, *, demo: Demo = False) -> list[Collection]:
        """List the collections with their size, by name."""
        with own_errors():
            return self._client(demo=demo).collections()

    @operation("collections.show", "view", _SEE, "Show a collection", "GET /api/collections/{collection}")
    def show(self, p: Principal, collection: Name, *, demo: Demo = False) -> Collection:
        """Return a collection."""
        with self._named(collection, demo=demo) as client:
            return client.collection(collection)

    @operation(
        "collections.documents",
        "view",
        _SEE,
        "List the documents of a collection",
        "GET /api/collections/{collection}/documents",
        answer="documents",
    )
    def documents(
        self,
        p: Principal,
        collection: Name,
        *,
        words: Annotated[str, Meta(description="A text that the id or the title contains, in any case.")] = "",
        demo: Demo = False,
    ) -> list[StoredDocument]:
        """Return the documents of a collection, by id."""
        with self._named(collection, demo=demo) as client:
            found = client.documents(collection)
        wanted = words.casefold()
        return [one for one in found if wanted in f"{one.id}\n{one.title}".casefold()]

    @operation(
        "collections.passages",
        "view",
        _SEE,
        "List the passages of a document",
        "GET /api/collections/{collection}/passages",
        answer="passages",
    )
    def passages(self, p: Principal, collection: Name, document: DocumentId, *, demo: Demo = False) -> list[PassageHit]:
        """Return the passages of a document in order; 404 if no document has this id."""
        with self._named(collection, demo=demo) as client:
            found = client.passages(collection, document)
            if not found and all(one.id != document for one in client.documents(collection)):
                raise UnknownName("document", document, remedy=f"The collection {collection!r} has none with this id.")
            return found

    @operation(
        "collections.search",
        "view",
        _SEE,
        "Search a collection",
        "GET /api/collections/{collection}/search",
        "collections search",
    )
    def search(
        self,
        p: Principal,
        collection: Name,
        question: Annotated[str, Meta(max_length=10_000, description="A question, or words to look for.")],
        *,
        limit: Annotated[int, Meta(ge=1, le=100, description="The maximum number of passages.")] = 5,
        demo: Demo = False,
    ) -> Answers:
        """Find the passages that best match a question, by its words and, if the collection has vectors, by its
        meaning.

        Its model is asked for the vector of the question only if you may start runs.
        """
        with self._named(collection, demo=demo) as client:
            vector, note = self._vector(p, client, collection, question, demo=demo)
            found = client.search(collection, question, limit, vector)
        return Answers(found, by_meaning=bool(vector), note=note)

    def _vector(
        self, p: Principal, client: RagClient, name: str, question: str, *, demo: bool
    ) -> tuple[Sequence[float], str]:
        """Return the vector of a question; without one, why its words alone count."""
        from clients.rag.words import queries

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

    @operation(
        "collections.forget_vectors",
        "edit",
        _CHANGE,
        "Delete the vectors of a collection",
        "DELETE /api/collections/{collection}/vectors",
        "collections forget-vectors",
        answer="vectors",
    )
    def forget_vectors(self, p: Principal, collection: Name, *, demo: Demo = False) -> int:
        """Delete the vectors of a collection, so that another model can make them; its documents stay."""
        with self._named(collection, demo=demo) as client:
            count = client.forget_vectors(collection)
        self._audit.record(p, "collections.forget_vectors", collection, {"vectors": count, "demo": demo})
        return count

    @operation(
        "collections.delete",
        "edit",
        _CHANGE,
        "Delete a document",
        "DELETE /api/collections/{collection}/documents",
        "collections delete",
        answer="documents",
    )
    def delete(self, p: Principal, collection: Name, document: DocumentId, *, demo: Demo = False) -> int:
        """Delete a document; nothing of its text is left in the file."""
        with self._named(collection, demo=demo) as client:
            if not client.delete(collection, [document]):
                raise UnknownName("document", document, remedy=f"The collection {collection!r} has none with this id.")
        self._audit.record(p, "collections.delete", collection, {"document": document, "demo": demo})
        return 1

    @operation(
        "collections.drop",
        "edit",
        _CHANGE,
        "Delete a collection",
        "DELETE /api/collections/{collection}",
        "collections drop",
        answer="documents",
    )
    def drop(self, p: Principal, collection: Name, *, demo: Demo = False) -> int:
        """Delete a collection with all its documents."""
        with self._named(collection, demo=demo) as client:
            count = client.drop(collection)
        self._audit.record(p, "collections.drop", collection, {"documents": count, "demo": demo})
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
        from clients.rag.client import RagClient
        from clients.rag.service import RAG

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
