"""Asks a model for the vectors of passages and of questions.

The vectors of each request are on disk before the next one is sent, so that a process that is killed has paid for at
most one request in vain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.models.asking import is_of_the_request
from clients.models.vectors import AT_ONCE
from clients.rag.client import RagClient
from clients.rag.records import Embedding

_FORBIDDEN = 403


class EmbeddingClient(Protocol):
    """The client of a model that makes vectors."""

    @property
    def embedding_model(self) -> str:
        """The model that is asked; empty if none is set."""

    def account(self) -> str:
        """Return the server."""

    def embed(self, texts: Sequence[str]) -> Mapping[str, Any]:
        """Return {vectors, model, usage}. Raises ServiceError."""


Used = Mapping[str, int]
"""{input_tokens, output_tokens}."""


def embed_passages(
    collections: RagClient, name: str, documents: Sequence[str], connection: str, embedder: EmbeddingClient
) -> tuple[int, Used]:
    """Give the passages of documents that have no vector one; return how many that were, and the tokens used.

    Raises InvalidRequest if the collection has vectors of another model, and what the model raises.
    """
    made_by = Embedding(connection, embedder.account(), embedder.embedding_model)
    collections.require_model(name, made_by.model)
    count, tokens = 0, 0
    while passages := collections.without_vectors(name, documents, AT_ONCE):
        answer = _embedded(embedder, [one.text for one in passages])
        collections.keep_vectors(name, made_by, passages, answer["vectors"])
        count += len(passages)
        tokens += answer["usage"]["input_tokens"]
    return count, {"input_tokens": tokens, "output_tokens": 0}


def embed_question(
    collections: RagClient, name: str, question: str, embedder: EmbeddingClient
) -> tuple[Sequence[float], Used] | None:
    """Return the vector of a question and the tokens used; None if the collection has no vectors.

    Raises InvalidRequest if they come from another model, and what the model raises.
    """
    if collections.embedding(name) is None or not question.strip():
        return None
    collections.require_model(name, embedder.embedding_model)
    answer = _embedded(embedder, [question])
    vector: Sequence[float] = answer["vectors"][0]
    return vector, answer["usage"]


def _embedded(embedder: EmbeddingClient, texts: Sequence[str]) -> Mapping[str, Any]:
    try:
        return embedder.embed(texts)
    except ServiceError as error:
        if embedder.embedding_model and _may_be_no_model_for_vectors(error):
            advice = f"If {embedder.embedding_model!r} makes no vectors, name a model that does in `embedding_model`"
            error.remedy = f"{error.remedy} {advice} of the connection.".strip()
        raise


def _may_be_no_model_for_vectors(error: ServiceError) -> bool:
    """Return whether the model may be one that only writes: servers answer with 400, 403 or 404."""
    if isinstance(error, InvalidRequest):
        return is_of_the_request(error)
    return isinstance(error, NotFound) or error.http_status == _FORBIDDEN
