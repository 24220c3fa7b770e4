"""The client of an encoder on this machine: it starts the encoder's server when a call needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import InvalidRequest, NotFound, ServiceError, Unavailable
from clients.listing import Json
from clients.local_model import weights
from clients.local_model.catalogue import CatalogueModel
from clients.local_model.server import ModelServer, RunningServer
from clients.local_vectors.service import LOCAL_VECTORS, MODEL, LocalVectorsSettings
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings


class LocalVectorsClient(Client):
    """One encoder. It asks the running server, wherever that is now, through a client of model servers."""

    service = LOCAL_VECTORS
    calls_at_once = 1
    base_url = LOCAL_VECTORS.url
    """Where prices find it: each server has a port of its own."""

    def __init__(self, settings: LocalVectorsSettings, opening: Opening) -> None:
        self._opening = opening
        self.embedding_model = settings.model
        self._asked: tuple[RunningServer, OpenAIClient] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: LocalVectorsSettings, opening: Opening) -> Self:
        """Return a client for these settings; starts nothing."""
        return cls(settings, opening)

    @classmethod
    def is_fetched(cls, model: str) -> bool:
        """Tell whether the file of the encoder is on this machine. Raises InvalidRequest."""
        return weights.is_fetched(_named(model))

    @classmethod
    def fetch_model(cls, model: str, on_progress: Callable[[int], object]) -> None:
        """Fetch the encoder, unless it is there. Blocking. Raises InvalidRequest and Unavailable."""
        weights.fetch(_named(model), on_progress)

    @cached_property
    def server(self) -> ModelServer:
        """The server of the encoder. Raises InvalidRequest if there is no such encoder."""
        model = _named(self.embedding_model)
        return ModelServer(
            name=model.name,
            title=model.title,
            file=weights.file_of(model),
            context=model.context_tokens,
            require_whole=lambda: weights.require_whole(model),
            memory_bytes=model.memory_bytes,
            service=LOCAL_VECTORS,
            module="numpy",
            script=Path(__file__).with_name("serving.py"),
        )

    def account(self) -> str:
        """Return what the encoder is called."""
        return self.embedding_model

    def check(self) -> list[CheckLine]:
        """Start the server, and say whether it makes vectors."""
        try:
            self.embed(["Does it answer"])
            memory = self.server.running().memory_bytes
        except ServiceError as error:
            return [failed(self.service, "server", error)]
        said = f"{MODEL.title} answers on this machine; its server takes {round(memory / 1_000_000)} MB."
        return [CheckLine("server", ok=True, text=said)]

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> Json:
        """Return {vectors, model, usage}, in the order of the texts. Raises ServiceError."""
        if model not in ("", self.embedding_model) or dimensions is not None:
            raise NotFound(
                f"This connection has the encoder {self.embedding_model}, whose vectors have one length.",
                service=LOCAL_VECTORS.name,
                remedy="Leave out `model` and `dimensions`.",
            )
        server = self.server.running()
        try:
            return self._embedded(server, texts)
        except Unavailable as error:
            again = self.server.running()
            if again == server or error.http_status is not None:
                raise
        return self._embedded(again, texts)

    def close(self) -> None:
        """Close the connections; the server goes on for others, and ends by itself."""
        with self._lock:
            if self._asked is not None:
                self._asked[1].close()

    def _embedded(self, server: RunningServer, texts: Sequence[str]) -> Json:
        try:
            return self._client_of(server).embed(texts)
        except ServiceError as error:
            error.service = LOCAL_VECTORS.name
            if isinstance(error, Unavailable) and error.http_status is None:
                self.server.let_end(server)
            raise

    def _client_of(self, server: RunningServer) -> OpenAIClient:
        with self._lock:
            if self._asked is None or self._asked[0] != server:
                name = self.embedding_model
                settings = OpenAISettings(
                    api_key=SecretStr(server.key), base_url=server.base_url, model=name, embedding_model=name
                )
                if self._asked is not None:
                    self._asked[1].close()  # its server is gone: another one is only started then
                self._asked = server, OpenAIClient(settings, self._opening.http(LOCAL_VECTORS, server.base_url))
            return self._asked[1]


def _named(name: str) -> CatalogueModel:
    if name != MODEL.name:
        raise InvalidRequest(
            f"There is no encoder named {name!r} for this machine.",
            service=LOCAL_VECTORS.name,
            remedy=f"Set `model` to {MODEL.name}, or leave it out.",
            field="model",
        )
    return MODEL
