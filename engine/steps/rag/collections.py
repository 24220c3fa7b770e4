"""Steps that keep documents in a collection of the workspace, and search it by words."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from clients.rag.records import Document, Found
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
    option,
    outside,
)

_DOCUMENTS_MOST = 1_000
_LISTED_MOST = 10


class PageStart(BaseModel):
    """Where a page begins in the text, as `file.text` says it."""

    model_config = ConfigDict(extra="ignore")

    page: int
    start: int


class GivenDocument(Fields):
    """A document: its text, and what it is cited as; a document with an id that is known is replaced."""

    id: str = content("Id", min_length=1, max_length=500)
    text: str = content("Text", widget="text")
    title: str = content("Title", "")
    url: str = content("Address", "")
    page_starts: list[PageStart] = content("Where its pages begin", [])


class CollectionFields(Fields):
    """The collection."""

    collection: str = destination("Collection", min_length=1, max_length=64)


class IndexFields(CollectionFields):
    """The documents: their text as plain text or Markdown."""

    documents: list[GivenDocument] = content("Documents", max_length=_DOCUMENTS_MOST)


class SearchFields(CollectionFields):
    """The question, or words to look for."""

    query: str = content("Question or words", max_length=10_000, widget="text")
    limit: int = option("Maximum number of passages", 5, ge=1, le=100)


class DeleteFields(CollectionFields):
    """The documents to delete."""

    documents: list[str] = destination("Ids of documents", min_length=1, max_length=_DOCUMENTS_MOST)


class IndexOutput(Output):
    """How many documents were new or changed, and how many were indexed before as they are."""

    collection: str
    indexed: int
    unchanged: int


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
    """The passages that fit best, the best first."""

    results: list[FoundPassage]


class DeleteOutput(Output):
    """How many of the documents were there."""

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
    """Add documents to a collection, or replace those with the same id. One that has not changed costs nothing."""

    name = "rag.index"
    title = "Index documents"
    done = "indexed"
    lasts = "`rag.delete` deletes the documents; what they replaced is not kept."
    fields = IndexFields
    output = IndexOutput

    def call(self, call: Call) -> JsonValue:
        """Return {collection, indexed, unchanged}."""
        it = call.fields
        indexed, unchanged = call.client.index(it.collection, [_document(one) for one in it.documents])
        return {"collection": it.collection, "indexed": indexed, "unchanged": unchanged}

    def preview(self, call: Call) -> Preview:
        """Return the documents by their titles."""
        return _preview(call.fields.collection, [one.title or one.id for one in call.fields.documents])


class Search(_OfCollection):
    """Find the passages of a collection that fit a question best, by its words, with the places they come from."""

    name = "rag.search"
    title = "Search documents"
    effect = Effect.READS
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Return {results}."""
        it = call.fields
        found: list[Found] = call.client.search(it.collection, it.query, it.limit)
        return {"results": [{name: value for name, value in vars(one).items() if name != "marks"} for one in found]}


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
