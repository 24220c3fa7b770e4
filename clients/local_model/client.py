"""The client of a small model on this machine: it starts the model's server when a call needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import SecretStr

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import InvalidRequest, NotFound, ServiceError, Unavailable
from clients.listing import Json
from clients.local_model import weights
from clients.local_model.catalogue import model_named
from clients.local_model.server import ModelServer, RunningServer
from clients.local_model.service import LOCAL_MODEL, LocalModelSettings
from clients.models.asking import OnText
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings

_USUAL_CONTEXT = 8_192
_MAGIC = b"GGUF"
_SAMPLE: Sequence[Mapping[str, Any]] = ({"role": "user", "content": "Count from one to twenty in words"},)
_SAMPLE_TOKENS = 32
_STREAMING: Mapping[str, Any] = {"return_progress": True}
"""It tells after each batch how far it has read; so it notices there, too, that nobody waits any more."""

T = TypeVar("T")


class LocalModelClient(Client):
    """One model. It asks the running server, wherever that is now, through a client of model servers."""

    service = LOCAL_MODEL
    calls_at_once = 1
    base_url = LOCAL_MODEL.url
    """Where prices find it: each server has a port of its own."""
    parameters: ClassVar[frozenset[str]] = OpenAIClient.parameters

    def __init__(self, settings: LocalModelSettings, opening: Opening) -> None:
        self._settings, self._opening = settings, opening
        self.model = Path(settings.file).stem if settings.file else settings.model
        self._asked: tuple[RunningServer, OpenAIClient] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: LocalModelSettings, opening: Opening) -> Self:
        """Return a client for these settings; starts nothing."""
        return cls(settings, opening)

    @cached_property
    def server(self) -> ModelServer:
        """The server of its model. Raises InvalidRequest if there is no such model."""
        return _server_of(self._settings, self._opening.workspace)

    @classmethod
    def is_fetched(cls, model: str) -> bool:
        """Tell whether the file of a model of the catalogue is on this machine. Raises InvalidRequest."""
        return weights.is_fetched(model_named(model))

    @classmethod
    def fetch_model(cls, model: str, on_progress: Callable[[int], object]) -> None:
        """Fetch a model of the catalogue, unless it is there. Blocking. Raises InvalidRequest and Unavailable."""
        weights.fetch(model_named(model), on_progress)

    def account(self) -> str:
        """Return what the model is called."""
        return self.model

    def context_tokens(self, model: str = "") -> int | None:
        """Return how many tokens the model reads at once; None for another one. No server is started to say it.

        Raises InvalidRequest if there is no such model.
        """
        return self.server.context if model in ("", self.model) else None

    def count_tokens(self, text: str, model: str = "") -> int | None:
        """Return how many tokens a text has; starts the server. Raises what `chat` does."""
        self._require(model)
        return self._ask(lambda asked: asked.count_tokens(text))

    def models(self) -> list[str]:
        """Return the model; no server is started to say it."""
        return [self.model]

    def check(self) -> list[CheckLine]:
        """Start the server, and say whether it answers."""
        try:
            found = self._ask(lambda asked: asked.models())
        except ServiceError as error:
            return [failed(self.service, "server", error)]
        return [CheckLine("server", ok=bool(found), text=f"{self.server.title} answers on this machine.")]

    def look_closer(self, now: datetime) -> Iterator[CheckLine]:
        """Yield how much it reads at once, how fast it answers, and what memory its server takes."""
        try:
            yield from self._ask(lambda asked: list(asked.look_closer(now)))
            began_at = time.monotonic()
            answer = self.chat(_SAMPLE, parameters={"max_tokens": _SAMPLE_TOKENS, "temperature": 0})
            seconds = time.monotonic() - began_at
            memory = self.server.running().memory_bytes
        except ServiceError as error:
            yield failed(self.service, "answer", error)
            return
        tokens = answer["usage"]["output_tokens"]
        said = f"It writes about {tokens / seconds:.0f} tokens a second."
        yield CheckLine("speed", ok=True, text=said, is_note=True)
        said = f"Its server takes {round(memory / 1_000_000)} MB, and ends after ten minutes without a request."
        yield CheckLine("memory", ok=True, text=said, is_note=True)

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        response_format: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
    ) -> Json:
        """Ask the model once; takes and returns what `OpenAIClient.chat` does."""
        self._require(model)
        return self._ask(
            lambda asked: asked.chat(
                messages, parameters=parameters, tools=tools, response_format=response_format, on_text=on_text
            )
        )

    def chat_json(
        self,
        messages: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
    ) -> Json:
        """Ask the model for JSON of this schema; takes and returns what `OpenAIClient.chat_json` does."""
        self._require(model)
        return self._ask(lambda asked: asked.chat_json(messages, schema, parameters=parameters, on_text=on_text))

    def first_token(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> Json | None:
        """Ask for the first token of an answer; takes and returns what `OpenAIClient.first_token` does."""
        self._require(model)
        return self._ask(lambda asked: asked.first_token(messages, parameters=parameters))

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> Json:
        """Raise InvalidRequest: these models make no vectors."""
        del texts, model, dimensions
        raise InvalidRequest(
            "Small models on this machine do not turn texts into vectors.",
            service=LOCAL_MODEL.name,
            remedy="Name a connection to another model server in the step's `connection`.",
        )

    def close(self) -> None:
        """Close the connections; the server goes on for others, and ends by itself."""
        with self._lock:
            if self._asked is not None:
                self._asked[1].close()

    def _require(self, model: str) -> None:
        if model not in ("", self.model):
            raise NotFound(
                f"This connection has the model {self.model}, and no {model!r}.",
                service=LOCAL_MODEL.name,
                remedy="Leave out `model`, or name a connection to a server that has it.",
            )

    def _ask(self, ask: Callable[[OpenAIClient], T]) -> T:
        """Ask the running server; once more if it has ended before it could take the request."""
        server = self.server.running()
        try:
            return self._named(server, ask)
        except ServiceError as error:
            if not isinstance(error, Unavailable) or error.outcome != "not_done" or error.http_status is not None:
                raise
            again = self.server.running()
            if again == server:
                raise
        return self._named(again, ask)

    def _named(self, server: RunningServer, ask: Callable[[OpenAIClient], T]) -> T:
        try:
            return ask(self._client_of(server))
        except ServiceError as error:
            error.service = LOCAL_MODEL.name
            if isinstance(error, Unavailable) and error.http_status is None:
                self.server.let_end(server)
            raise

    def _client_of(self, server: RunningServer) -> OpenAIClient:
        with self._lock:
            if self._asked is None or self._asked[0] != server:
                settings = OpenAISettings(api_key=SecretStr(server.key), base_url=server.base_url, model=self.model)
                if self._asked is not None:
                    self._asked[1].close()  # its server is gone: another one is only started then
                http = self._opening.http(LOCAL_MODEL, server.base_url)
                self._asked = server, OpenAIClient(settings, http, is_near=True, streaming=_STREAMING)
            return self._asked[1]


def _server_of(settings: LocalModelSettings, workspace: Path | None) -> ModelServer:
    if settings.file:
        return _server_of_file((workspace or Path.cwd()) / Path(settings.file).expanduser(), settings.context)
    model = model_named(settings.model)
    most = min(_USUAL_CONTEXT, model.context_tokens)
    return ModelServer(
        name=model.name,
        title=model.title,
        file=weights.file_of(model),
        context=min(settings.context or most, model.context_tokens),
        require_whole=lambda: weights.require_whole(model),
        memory_bytes=model.memory_bytes,
    )


def _server_of_file(file: Path, context: int) -> ModelServer:
    def require_whole() -> None:
        try:
            with file.open("rb") as content:
                is_model = content.read(len(_MAGIC)) == _MAGIC
        except OSError as error:
            raise _no_model(f"The file {file} cannot be read: {error.strerror or error}.") from error
        if not is_model:
            raise _no_model(f"The file {file} is not a model in the form GGUF.")

    return ModelServer(
        name=file.stem, title=file.name, file=file, context=context or _USUAL_CONTEXT, require_whole=require_whole
    )


def _no_model(said: str) -> InvalidRequest:
    return InvalidRequest(
        said, service=LOCAL_MODEL.name, remedy="Set `file` to the path of a .gguf file.", field="file"
    )
