"""`/api/collections`: the collections of documents that workflows index and search."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.accounts import Accounts, is_demo
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.data.collections import Answers

router = APIRouter(prefix="/api/collections", tags=["Collections"], route_class=SignedInRoute)


class CollectionDocument(BaseModel):
    """A collection."""

    name: str
    documents: int
    passages: int
    size_bytes: int
    model: str = Field(description="The model that its vectors come from; empty without vectors.")
    dimensions: int
    vectors: int = Field(description="The number of passages that have a vector.")
    connection: str = Field(description="The connection with which they were made; empty without vectors.")


class CollectionList(BaseModel):
    """All collections, by name."""

    collections: list[CollectionDocument]


class IndexedDocument(BaseModel):
    """A document of a collection."""

    id: str
    title: str
    url: str
    characters: int
    passages: int
    indexed_at: str = Field(description="RFC 3339, UTC.")


class IndexedList(BaseModel):
    """Documents, by id."""

    documents: list[IndexedDocument]


class PassageDocument(BaseModel):
    """A passage; `start` and `end` are offsets into the text of its document."""

    document: str
    title: str
    url: str
    page: int | None
    start: int
    end: int
    text: str
    headings: str
    score: float = Field(description="Higher is better; comparable only within one search.")
    marks: list[tuple[int, int]] = Field(description="The places of words of the question in `text`: [start, end].")


class PassageList(BaseModel):
    """The passages of a document, in order."""

    passages: list[PassageDocument]


@model_of(Answers)
class ResultList(BaseModel):
    """The passages that fit a question, the best first."""

    results: list[PassageDocument]


class VectorsGone(BaseModel):
    """The number of vectors that were deleted."""

    vectors: int


class DocumentsGone(BaseModel):
    """The number of documents that were deleted."""

    documents: int


@router.get("", summary="List collections", response_model=CollectionList)
def list_collections(orchestra: Door, principal: Acting, accounts: Accounts = None) -> Any:
    """Return every collection with its size."""
    found = orchestra.collections.all(principal, demo=is_demo(orchestra, accounts))
    return {"collections": [asdict(one) for one in found]}


@router.get("/{collection}", summary="Show a collection", response_model=CollectionDocument)
def show_collection(orchestra: Door, principal: Acting, collection: str, accounts: Accounts = None) -> Any:
    """Return a collection; 404 if no collection has this name."""
    return asdict(orchestra.collections.show(principal, collection, demo=is_demo(orchestra, accounts)))


@router.get("/{collection}/documents", summary="List the documents of a collection", response_model=IndexedList)
def list_documents(
    orchestra: Door,
    principal: Acting,
    collection: str,
    words: Annotated[str, Query(description="A text that the id or the title contains, in any case.")] = "",
    accounts: Accounts = None,
) -> Any:
    """Return the documents of a collection."""
    found = orchestra.collections.documents(principal, collection, words=words, demo=is_demo(orchestra, accounts))
    return {"documents": [asdict(one) for one in found]}


@router.get("/{collection}/passages", summary="List the passages of a document", response_model=PassageList)
def list_passages(
    orchestra: Door,
    principal: Acting,
    collection: str,
    document: Annotated[str, Query(description="The id of the document.")],
    accounts: Accounts = None,
) -> Any:
    """Return the passages of a document; 404 if no document has this id."""
    found = orchestra.collections.passages(principal, collection, document, demo=is_demo(orchestra, accounts))
    return {"passages": [asdict(one) for one in found]}


@router.get("/{collection}/search", summary="Search a collection", response_model=ResultList)
def search_collection(
    orchestra: Door,
    principal: Acting,
    collection: str,
    question: Annotated[str, Query(description="A question, or words to look for.", max_length=10_000)],
    limit: Annotated[int, Query(ge=1, le=100)] = 5,
    accounts: Accounts = None,
) -> Any:
    """Return the passages that best match a question by its words. If the collection has vectors and you may start
    runs, its model is asked for the vector of the question.
    """
    demo = is_demo(orchestra, accounts)
    return asdict(orchestra.collections.search(principal, collection, question, limit=limit, demo=demo))


@router.delete("/{collection}/vectors", summary="Delete the vectors of a collection", response_model=VectorsGone)
def forget_vectors(orchestra: Door, principal: Acting, collection: str, accounts: Accounts = None) -> Any:
    """Delete all vectors, so that another model can make them; the documents stay."""
    return {"vectors": orchestra.collections.forget_vectors(principal, collection, demo=is_demo(orchestra, accounts))}


@router.delete("/{collection}/documents", summary="Delete a document", response_model=DocumentsGone)
def delete_document(
    orchestra: Door,
    principal: Acting,
    collection: str,
    document: Annotated[str, Query(description="The id of the document.")],
    accounts: Accounts = None,
) -> Any:
    """Delete a document; 404 if no document has this id."""
    orchestra.collections.delete(principal, collection, document, demo=is_demo(orchestra, accounts))
    return {"documents": 1}


@router.delete("/{collection}", summary="Delete a collection", response_model=DocumentsGone)
def drop_collection(orchestra: Door, principal: Acting, collection: str, accounts: Accounts = None) -> Any:
    """Delete a collection with all its documents."""
    return {"documents": orchestra.collections.drop(principal, collection, demo=is_demo(orchestra, accounts))}
