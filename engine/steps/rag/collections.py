"""Steps that keep documents in a collection of the workspace, and search it by words and, with a model, by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from clients.rag.client import require_collection
from clients.rag.embedding import embed_passages, embed_question
from clients.rag.records import Document, PassageHit
from engine.plugins.checked_texts import checked_by
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Preview,
    Receipt,
    Repeat,
    StepType,
    address,
    content,
    destination,
    embedding,
    option,
    outside,
)
from engine.prompts.talk import note

_DOCUMENTS_MOST = 1_000
_LISTED_MOST = 10


class PageStart(BaseModel):
    """Where a page begins in the text, as `file.text` says it."""

    model_config = ConfigDict(extra="ignore")

    page: int
    start: int


class GivenDocument(Fields):
    """A document: its text, and what it is cited as; a document with an id that is known is replaced."""

    id: str = destination("Id", min_length=1, max_length=500, names="file")
    text: str = content("Text", widget="text")
    title: str = content("Title", "")
    url: str = content("Address", "")
    page_starts: list[PageStart] = content("Where its pages begin", [])


class CollectionFields(Fields):
    """The collection."""

    collection: str = destination("Collection", min_length=1, max_length=64)

    _can_be_a_name = field_validator("collection")(checked_by(require_collection))


class IndexFields(CollectionFields):
    """The documents: their text as plain text or Markdown."""

    documents: list[GivenDocument] = content("Documents", max_length=_DOCUMENTS_MOST)
    embedding_connection: str = embedding()


class SearchFields(CollectionFields):
    """The question, or words to look for."""

    query: str = content("Question or words", max_length=10_000, widget="text")
    limit: int = option("Maximum number of passages", 5, ge=1, le=100)
    embedding_connection: str = embedding()


class DeleteFields(CollectionFields):
    """The documents to delete."""

    documents: list[str] = destination("Ids of documents", min_length=1, max_length=_DOCUMENTS_MOST)


class IndexOutput(Output):
    """How many documents were new or changed, how many were unchanged, and how many passages of all of them got a
    vector.
    """

    collection: str
    indexed: int
    unchanged: int
    embedded: int = 0


class FoundPassage(Output):
    """A passage; `start` and `end` are offsets into the document's text, and `page` is null without pages."""

    document: str = outside("Document")
    title: str = outside("Title")
    url: str = address("Address")
    page: int | None
    start: int
    end: int
    text: str = outside("Text")
    headings: str = outside("Headings above it")
    score: float


class SearchOutput(Output):
    """The best passages, best first."""

    results: list[FoundPassage]


class DeleteOutput(Output):
    """How many of the documents were in the collection."""

    collection: str
    deleted: int


class _OfCollection(StepType):
    service = "rag"
    connection_optional = True
    timeout_seconds = 300.0


class _Changes(_OfCollection):
    effect = Effect.WRITES
    repeat = Repeat.SAFE

    def target(self, fields: Any) -> str:
        """Return the collection."""
        return str(fields.collection)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the name of the collection."""
        return Receipt(id=str(output.get("collection", "")))


class Index(_Changes):
    """Add documents to a collection, or replace those with the same id. Unchanged documents cost nothing.

    With a model connection, passages without a vector get one, so that `rag.search` also finds them by their meaning.
    """

    name = "rag.index"
    title = "Index documents"
    done = "indexed"
    lasts = "`rag.delete` deletes the documents; what they replaced is not kept."
    fields = IndexFields
    output = IndexOutput
    embeds = True

    def call(self, call: Call) -> JsonValue:
        """Return {collection, indexed, unchanged, embedded}."""
        it = call.fields
        if call.embedder is not None:  # before anything is changed
            call.client.require_model(it.collection, call.embedder.client.embedding_model)
        documents = {one.id: _document(one) for one in it.documents}  # of those with the same id, the last one
        indexed, unchanged = call.client.index(it.collection, list(documents.values()))
        embedded = self._embedded(call) if it.documents else 0
        return {"collection": it.collection, "indexed": indexed, "unchanged": unchanged, "embedded": embedded}

    def _embedded(self, call: Call) -> int:
        """Give the passages of the documents vectors; return how many got one now."""
        it, by = call.fields, call.embedder
        if by is None:
            return 0
        ids = [one.id for one in it.documents]
        count, used = embed_passages(call.client, it.collection, ids, by.connection, by.client)
        note(call, by.client.embedding_model, used)
        return count

    def preview(self, call: Call) -> Preview:
        """Return the documents by their titles."""
        return _preview(call.fields.collection, [one.title or one.id for one in call.fields.documents])


class Search(_OfCollection):
    """Find the passages of a collection that best match the words of a question, with the places they come from.

    With a model connection, it also searches by meaning and merges both rankings. The collection needs vectors of that
    model.
    """

    name = "rag.search"
    title = "Search documents"
    effect = Effect.READS
    fields = SearchFields
    output = SearchOutput
    embeds = True

    def call(self, call: Call) -> JsonValue:
        """Return {results}."""
        it = call.fields
        found: list[PassageHit] = call.client.search(it.collection, it.query, it.limit, self._vector(call))
        return {"results": [{name: value for name, value in vars(one).items() if name != "marks"} for one in found]}

    def _vector(self, call: Call) -> Sequence[float]:
        """Return the vector of the question; none without a model, or if the collection has no vectors."""
        it = call.fields
        if call.embedder is None:
            return ()
        made = embed_question(call.client, it.collection, it.query, call.embedder.client)
        if made is None:
            call.notes.append(f"Searched by words alone: the collection {it.collection} has no vectors.")
            return ()
        vector, used = made
        note(call, call.embedder.client.embedding_model, used)
        return vector


class Delete(_Changes):
    """Delete documents from a collection; nothing of their text is left in its file."""

    name = "rag.delete"
    title = "Delete documents"
    done = "deleted"
    lasts = "The documents are gone; `rag.index` adds them again."
    fields = DeleteFields
    output = DeleteOutput

    def call(self, call: Call) -> JsonValue:
        """Return {collection, deleted}."""
        it = call.fields
        return {"collection": it.collection, "deleted": call.client.delete(it.collection, it.documents)}

    def preview(self, call: Call) -> Preview:
        """Return the documents by their ids."""
        return _preview(call.fields.collection, call.fields.documents)


def _document(given: GivenDocument) -> Document:
    starts = tuple((one.page, one.start) for one in given.page_starts)
    return Document(given.id, given.text, given.title, given.url, starts)


def _preview(collection: str, names: list[str]) -> Preview:
    more = [f"and {len(names) - _LISTED_MOST} more"] if len(names) > _LISTED_MOST else []
    return Preview(f"{collection}: {len(names)} documents", "\n".join([*names[:_LISTED_MOST], *more]))
