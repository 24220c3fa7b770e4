"""The language model client for the OpenAI API (OpenAI, Ollama, LM Studio, llama.cpp, vLLM), using the openai SDK."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.check_line import CheckLine
from clients.errors import InvalidRequest, ModelRefused, NotFound, ServiceError, Unavailable
from clients.listing import Json
from clients.models.asking import (
    OnText,
    advised,
    allowed,
    counted,
    is_of_the_request,
    named,
    no_credit,
)
from clients.models.client import ModelClient
from clients.models.metering import ModelRequest, Permit, most_tokens, permitted
from clients.models.vectors import batches, checked, model_for_vectors
from clients.models.words import asked_in_words
from clients.openai.answers import plain_answer, tokens_of
from clients.openai.check import look
from clients.openai.schema import response_format
from clients.openai.service import OPENAI, OpenAISettings
from clients.openai.stream import streamed

if TYPE_CHECKING:
    from openai import OpenAI

SERVICE = OPENAI.name
_OURS = frozenset({"model", "messages", "stream", "stream_options", "n", "tools", "response_format"})
"""Parameters that a prompt cannot set, since they determine the kind of answer."""
_SHARED = frozenset({"temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty"})
"""Parameters that servers with this API know."""
_PAYMENT_REQUIRED = 402
_LESS_TEXT = "Give the model less text, or use one with a larger context (Ollama: OLLAMA_CONTEXT_LENGTH)."
_BILLING = "OpenAI: https://platform.openai.com/settings/organization/billing"
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Error codes (https://platform.openai.com/docs/guides/error-codes) that only the account's owner can resolve."""
_OTHERS: Mapping[str, type[ServiceError]] = {
    "model_not_found": NotFound,  # a 403 if the project may not use the model
    "content_filter": ModelRefused,  # Azure, about the question
    "content_policy_violation": ModelRefused,
}
"""Errors that have a code of their own; their status says less."""


_OF_STREAM = re.compile(r"\bstream", re.IGNORECASE)
"""In the message of a server that refuses to stream."""


class OpenAIClient(ModelClient):
    """One model server."""

    service = OPENAI
    parameters = _SHARED

    def __init__(self, settings: OpenAISettings, http: httpx.Client) -> None:
        super().__init__(settings, http)
        self._settings = settings
        self.embedding_model = model_for_vectors(OPENAI, settings.embedding_model, settings.model, settings.base_url)
        self._sdk = _sdk(settings.base_url, settings.api_key.get_secret_value(), http)
        self._without_streams = False

    def look_closer(self, now: datetime) -> Iterator[CheckLine]:
        """Yield how much the chosen model reads at once."""
        with contextlib.suppress(httpx.HTTPError):
            yield from look(self._settings, self.http, now)

    def models(self) -> list[str]:
        """List the names of the models that the server offers."""
        with self._reading():
            found = self._sdk.models.list()
            return sorted(str(model.id) for model in found.data)

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
        """Ask the model once.

        Returns {text, tool_calls: [{id, name, arguments}], finish_reason, model, usage: {input_tokens, output_tokens}}.
        `parameters` are sent unchanged (temperature, max_tokens, ...). `on_text` receives the text piece by piece, if
        the server can stream. Raises InvalidRequest if no model is set.
        """
        name = named(model or self.model, OPENAI)
        body = self._allowed(parameters or {})
        if tools:
            body["tools"] = list(tools)
        if response_format is not None:
            body["response_format"] = dict(response_format)
        asked = {"model": name, "messages": list(messages), "extra_body": body}
        if on_text is not None and not self._without_streams:
            answer = self._streamed(asked, on_text)
            if answer is not None:
                return answer
        with _permitted(asked) as permit, self._reading():
            ask: Any = self._sdk.chat.completions.create
            return counted(permit, plain_answer(ask(**{**asked, "model": permit.model}), permit.model))

    def _streamed(self, asked: Json, on_text: OnText) -> Json | None:
        """Request a streamed answer; None if the server refuses to stream, which is remembered."""
        open_stream: Any = self._sdk.chat.completions.with_streaming_response.create
        asked = {**asked, "stream": True, "stream_options": {"include_usage": True}}
        try:
            with (
                _permitted(asked) as permit,
                self._reading(),
                open_stream(**{**asked, "model": permit.model}) as opened,
            ):
                return counted(permit, streamed(opened, permit.model, on_text))
        except InvalidRequest as error:
            if not _OF_STREAM.search(error.message):
                raise
        self._without_streams = True
        return None

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> Json:
        """Embed each text: {vectors, model, usage}, in the order of the texts.

        `dimensions` only for models that can shorten their vectors. Raises InvalidRequest for an empty text.
        """
        name = named(model or self.embedding_model, OPENAI)
        # Explicitly floats: the SDK would request base64, which not every server supports.
        wish: Json = {"model": name, "encoding_format": "float"}
        if dimensions is not None:
            wish["dimensions"] = dimensions
        vectors: list[list[float]] = []
        tokens = 0
        for batch in batches(texts, OPENAI):
            request = ModelRequest(str(wish["model"]), most_tokens(batch), 0, is_for_vectors=True)
            with permitted(request) as permit, self._reading():
                answer = self._sdk.embeddings.create(input=list(batch), **{**wish, "model": permit.model})
                used = tokens_of(answer)
                permit.answered(str(answer.model or permit.model), used)
                entries = sorted(getattr(answer, "data", None) or [], key=lambda entry: int(entry.index or 0))
                vectors += checked([one.embedding for one in entries], len(batch), OPENAI)
                name = str(answer.model or permit.model)
                tokens += used["input_tokens"]
        return {"vectors": vectors, "model": name, "usage": {"input_tokens": tokens, "output_tokens": 0}}

    def chat_json(
        self,
        messages: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
    ) -> Json:
        """Ask the model for JSON of this schema; takes and returns what `chat` does, its `text` not yet validated.

        If the server refuses schemas (400), any JSON object is requested, with the schema in the instructions.
        """
        name = model or self.model
        if name not in self._without_schemas:
            try:
                wish = response_format(schema)
                return self.chat(messages, model=model, parameters=parameters, response_format=wish, on_text=on_text)
            except InvalidRequest as error:
                if not is_of_the_request(error):
                    raise
        worded = asked_in_words(messages, schema)
        plain = {"type": "json_object"}
        answer = self.chat(worded, model=model, parameters=parameters, response_format=plain, on_text=on_text)
        self._without_schemas.add(name)
        return answer

    def _allowed(self, parameters: Mapping[str, Any]) -> Json:
        given = allowed(parameters, _OURS, OPENAI)
        # OpenAI's own newer models reject the old name, and other servers know only that.
        if "max_tokens" in given and httpx.URL(self.base_url).host == "api.openai.com":
            given["max_completion_tokens"] = given.pop("max_tokens")
        return given

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Convert anything that the SDK or a malformed answer raises into an error of `clients.errors`."""
        import openai

        try:
            yield
        except ServiceError:
            raise
        except openai.APIStatusError as error:
            said = _said(error)
            if error.code in _NO_CREDIT or error.status_code == _PAYMENT_REQUIRED:
                raise no_credit(OPENAI, error.status_code, said, _BILLING) from None
            kind = _OTHERS.get(str(error.code))
            refused = failures.of_status(OPENAI, error.status_code, error.response.headers, said, kind=kind)
            raise advised(refused, _LESS_TEXT) from None
        except openai.OpenAIError as error:
            if type(error) is openai.APIError:  # sent in the middle of a stream, without a status
                said = _said(error)
                raise Unavailable(f"The model server stopped answering: {said}", service=SERVICE) from None
            raise failures.of_broken_connection(OPENAI, error) from None
        except (ValueError, LookupError, TypeError, AttributeError, httpx.HTTPError) as error:
            raise failures.of_broken_connection(OPENAI, error) from None


def _permitted(asked: Json) -> contextlib.AbstractContextManager[Permit]:
    """Ask whether a chat request may be sent."""
    body = asked["extra_body"]
    parts = [*asked["messages"], *body.get("tools", ()), body.get("response_format") or ""]
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return permitted(ModelRequest(asked["model"], most_tokens(parts), limit if isinstance(limit, int) else None))


def _sdk(base_url: str, key: str, http: httpx.Client) -> OpenAI:
    from openai import OpenAI

    limits = httpx.Timeout(None, connect=10.0)  # the total is limited by the calling thread's deadline
    # The SDK would take a missing key, organization or project from the environment, and send them to any server.
    sdk = OpenAI(api_key=key or "none", base_url=base_url, max_retries=0, timeout=limits, http_client=http)  # type: ignore[arg-type]
    sdk.organization = None
    sdk.project = None
    return sdk


def _said(error: Any) -> str:
    """Return the server's own message: in OpenAI's form, or in that of other servers."""
    body = error.body
    if isinstance(body, str):
        with contextlib.suppress(ValueError):
            body = json.loads(body)
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        said = inner.get("message") or inner.get("detail") if isinstance(inner, Mapping) else inner
        return str(said or "")
    return ""
