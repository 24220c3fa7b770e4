"""The language model client for the OpenAI API (OpenAI, Ollama, LM Studio, llama.cpp, vLLM), using the openai SDK."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import httpx

from clients import error_mapping as failures
from clients.addresses import is_near
from clients.check_line import CheckLine
from clients.client import Opening
from clients.deadline import FIRST_WORD_SECONDS, answer_goes_on, deadline, seconds_left
from clients.errors import BadAnswer, InvalidRequest, NotFound, ServiceError, Unavailable
from clients.listing import Json
from clients.models.asking import (
    OnText,
    advised,
    allowed,
    counted,
    is_of_the_request,
    named,
    no_credit,
    unknown_model,
)
from clients.models.client import ModelClient
from clients.models.metering import ModelRequest, Permit, most_tokens, permitted
from clients.models.names import is_offered, is_other_model
from clients.models.refusals import code_in, explained, filtered, is_loading, is_no_credit, kind_of, status_in
from clients.models.served import asking, tokens_in
from clients.models.thoughts import ThoughtFilter, without_thoughts
from clients.models.vectors import batches, checked, in_order, model_for_vectors
from clients.models.words import asked_in_words
from clients.openai.answers import plain_answer, streamed, tokens_of
from clients.openai.check import asked_model, look, says_nowhere
from clients.openai.schema import response_format
from clients.openai.service import OPENAI, OpenAISettings
from clients.wording import did_you_mean

if TYPE_CHECKING:
    from openai import OpenAI

SERVICE = OPENAI.name
_OURS = frozenset({"model", "messages", "stream", "stream_options", "n", "tools", "response_format"})
"""Parameters that a prompt cannot set, since they determine the kind of answer."""
_SHARED = frozenset({"temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty"})
"""Parameters that servers with this API know."""
_LESS_TEXT = "Give the model less text, or use one with a larger context (Ollama: OLLAMA_CONTEXT_LENGTH)."
_BILLING = "OpenAI: https://platform.openai.com/settings/organization/billing"
_OWN_HOST = "api.openai.com"
_DEPLOYMENTS = (".azure.com", ".azure-api.net")
"""Hosts whose models have names of the account's own, and which list others."""
_TAKES_ANY_NAME = "ai-orchestra-demo"
"""The owner of the demo model, which answers under any name."""
_LOADING_PAUSE_SECONDS = 2.0
"""Between two requests to a server that loads its model; loading takes seconds to minutes."""
_CONTEXT_SECONDS = 3.0
"""For the question how much a model reads: servers on this machine or network answer at once."""
_COUNT_SECONDS = 10.0
"""For counting the tokens of a long text, at a server that may be busy."""
_CONTEXT_KNOWN_SECONDS = 600.0
"""A server may load a model again, with another context."""
_LIKELY = 20
"""The most that `top_logprobs` may be (https://platform.openai.com/docs/api-reference/chat/create)."""
_OF_STREAM = re.compile(r"\bstream", re.IGNORECASE)
"""In the message of a server that refuses to stream."""


class OpenAIClient(ModelClient):
    """One model server."""

    service = OPENAI
    parameters = _SHARED

    def __init__(
        self,
        settings: OpenAISettings,
        http: httpx.Client,
        *,
        is_near: bool = False,
        streaming: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Take settings; `is_near`: as in `open`, `streaming`: what else a request for a stream has in its body."""
        super().__init__(settings, http)
        self._is_near, self._streaming = is_near, dict(streaming)
        self._settings = settings
        self.embedding_model = model_for_vectors(OPENAI, settings.embedding_model, settings.model, settings.base_url)
        self._sdk = _sdk(settings.base_url, settings.api_key.get_secret_value(), http)
        self._without_streams = False
        self._without_probabilities: set[str] = set()
        """The models that refuse to tell how probable a token was."""
        self._other_models: dict[tuple[str, str], str] = {}
        """Sentences about models that have answered in place of others."""
        self._begin_in_thoughts: set[str] = set()
        """The models whose thoughts have only an end in their text."""
        self._counts_no_tokens = says_nowhere(settings.base_url)
        self._contexts: dict[str, tuple[int | None, float]] = {}
        """How many tokens each model reads at once, and until when that is taken as known."""

    @classmethod
    def open(cls, settings: Any, opening: Opening) -> Self:
        """Return a client for these settings.

        A server on this machine or network may be slow: it has more time for its first word, and is always asked for a
        stream. So one that still writes is not taken for one that has stopped, and it ends its work when the connection
        does: llama.cpp writes a whole answer to its end, also if nobody waits for it any more.
        """
        near = not opening.is_demo and is_near(httpx.URL(settings.base_url).host)
        return cls(settings, opening.http(cls.service, settings.base_url), is_near=near)

    def look_closer(self, now: datetime) -> Iterator[CheckLine]:
        """Yield how much the chosen model reads at once."""
        with contextlib.suppress(httpx.HTTPError):
            yield from look(self._settings, self.http, now)

    def context_tokens(self, model: str = "") -> int | None:
        """Return how many tokens a model reads at once, as the server says; None if it does not.

        Asked at most once in ten minutes, for at most three seconds; Ollama decides it when it loads a model, so it is
        asked again until then.
        """
        name = model or self.model
        tokens, known_until = self._contexts.get(name, (None, 0.0))
        if time.monotonic() >= known_until:
            with deadline(_CONTEXT_SECONDS):
                found = asked_model(self._settings.model_copy(update={"model": name}), self.http)
            tokens = None if found is None else found.context_tokens
            if found is None or not found.may_change:
                self._contexts[name] = tokens, time.monotonic() + _CONTEXT_KNOWN_SECONDS
        return tokens

    def count_tokens(self, text: str, model: str = "") -> int | None:
        """Return how many tokens a text has, as llama.cpp and vLLM count them (`/tokenize`); None from others."""
        if self._counts_no_tokens:
            return None
        with deadline(_COUNT_SECONDS):
            found = tokens_in(asking(self.http, self._key.get_secret_value()), self.base_url, model or self.model, text)
        self._counts_no_tokens = found is None
        return found

    def models(self) -> list[str]:
        """List the names of the models that the server offers."""
        return sorted(self._offered())

    def _offered(self) -> dict[str, str]:
        """Return the models that the server lists, each with its owner."""
        with self._reading():
            found = self._sdk.models.list()
            return {str(model.id): str(model.owned_by) for model in found.data}

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
        gives_up_at = time.monotonic() + seconds_left(None, httpx.ReadTimeout)
        while True:
            try:
                return self._asked(asked, on_text)
            except Unavailable as error:
                if not is_loading(error) or time.monotonic() + _LOADING_PAUSE_SECONDS > gives_up_at:
                    raise
            time.sleep(_LOADING_PAUSE_SECONDS)

    def _asked(self, asked: Json, on_text: OnText | None) -> Json:
        if self._is_near:
            answer_goes_on(FIRST_WORD_SECONDS)
        if (on_text is not None or self._is_long(asked)) and not self._without_streams:
            answer = self._streamed(asked, on_text or _unheard)
            if answer is not None:
                return answer
        with _permitted(asked) as permit, self._reading(permit.model):
            ask: Any = self._sdk.chat.completions.create
            answered = plain_answer(ask(**{**asked, "model": permit.model}), permit.model, _refusal)
            answer = counted(permit, answered, asked["messages"], OPENAI)
        self._compare(permit.model, answer)
        return answer

    def _is_long(self, asked: Json) -> bool:
        """Return whether an answer may take long, so that its words should be heard as they come."""
        return self._is_near and asked["extra_body"].get("max_tokens") != 1

    def _streamed(self, asked: Json, on_text: OnText) -> Json | None:
        """Request a streamed answer; None if the server refuses to stream, which is remembered."""
        open_stream: Any = self._sdk.chat.completions.with_streaming_response.create
        model, asked = asked["model"], {**asked, "extra_body": {**asked["extra_body"], **self._streaming}}
        spoken = ThoughtFilter(on_text, begins_in_thoughts=model in self._begin_in_thoughts)
        try:
            with (
                _permitted({**asked, "stream": True}) as permit,
                self._reading(permit.model),
                open_stream(
                    **{**asked, "model": permit.model, "stream": True, "stream_options": {"include_usage": True}}
                ) as opened,
            ):
                answer = streamed(opened, permit.model, spoken, _refusal)
                if without_thoughts(answer["text"]) != answer["text"] and not answer["text"].lstrip().startswith("<"):
                    self._begin_in_thoughts.add(model)
                answer = counted(permit, answer, asked["messages"], OPENAI)
        except InvalidRequest as error:
            if not _OF_STREAM.search(error.message):
                raise
            self._without_streams = True
            return None
        finally:
            spoken.end()
        self._compare(permit.model, answer)
        return answer

    def _compare(self, asked: str, answer: Json) -> None:
        """Note on an answer that another model has given it. Raises NotFound if the server lacks the requested model.

        Some servers answer with whatever model they have loaded. One that lists the name may know it as another name of
        the model that answered.
        """
        names = asked, str(answer["model"])
        if answer.pop("serves_one", False) or is_other_model(*names):
            if names not in self._other_models:
                self._other_models[names] = self._other_model(*names)
            if note := self._other_models[names]:
                answer["notes"] = [*answer.get("notes", ()), note]

    def _other_model(self, asked: str, answered: str) -> str:
        """Return a note about a model that has answered in place of another; "" if that is right."""
        if httpx.URL(self.base_url).host.endswith(_DEPLOYMENTS) or "@preset" in asked:
            return ""
        try:
            offered = self._offered()
        except ServiceError:
            offered = {}
        if _TAKES_ANY_NAME in offered.values():
            return ""
        if offered and not is_offered(asked, offered):
            other = answered if is_other_model(asked, answered) else "another model"
            raise NotFound(
                f"The model server does not offer the model {asked!r}: {other} answered instead.",
                service=SERVICE,
                remedy=f"Set `model` to one that it offers. {did_you_mean(asked, [*offered])}",
            )
        is_another = is_other_model(asked, answered) and (not offered or is_offered(answered, offered))
        return f"{asked} was asked, and the server says that {answered} answered." if is_another else ""

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
                entries = in_order(getattr(answer, "data", None) or [], OPENAI)
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

    def first_token(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> Json | None:
        """Ask for the first token of an answer; takes and returns what `chat` does.

        With it, `likely`: {token: probability} of those that could be the first; the token itself, if the server does
        not tell. None if it refuses to be asked so, or says nothing.
        """
        name = model or self.model
        if name in self._without_probabilities:
            return None
        asked = {**(parameters or {}), "temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": _LIKELY}
        try:
            answer = self.chat(messages, model=model, parameters=asked)
        except InvalidRequest as error:
            if not is_of_the_request(error):
                raise
            self._without_probabilities.add(name)
            return None
        except BadAnswer:  # it ends before it says anything
            return None
        return {"likely": {answer["text"]: 1.0}, **answer}

    def _allowed(self, parameters: Mapping[str, Any]) -> Json:
        given = allowed(parameters, _OURS, OPENAI)
        # OpenAI's own newer models reject the old name, and other servers know only that.
        if "max_tokens" in given and httpx.URL(self.base_url).host == _OWN_HOST:
            given["max_completion_tokens"] = given.pop("max_tokens")
        return given

    @contextlib.contextmanager
    def _reading(self, model: str = "") -> Iterator[None]:
        """Convert anything that the SDK or a malformed answer raises into an error of `clients.errors`.

        `model`: the one that is asked, whose name is looked up if the server does not know it.
        """
        import openai

        try:
            yield
        except NotFound as error:
            raise (unknown_model(error, model, self.models) if model else error) from None
        except ServiceError:
            raise
        except openai.APIStatusError as error:
            refused = _refusal(error.status_code, _body(error), error.response.headers)
            if isinstance(refused, NotFound) and model:
                refused = unknown_model(refused, model, self.models)
            raise refused from None
        except openai.OpenAIError as error:
            if type(error) is openai.APIError:  # sent in the middle of a stream, without a status
                raise _broken_off(error.body) from None
            raise failures.of_broken_connection(OPENAI, error) from None
        except (ValueError, LookupError, TypeError, AttributeError, httpx.HTTPError) as error:
            raise failures.of_broken_connection(OPENAI, error) from None


def _unheard(_piece: str) -> None:
    """Take a piece of an answer of which only the whole is wanted."""


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


def _body(error: Any) -> Any:
    """Return the body of a refusal; the SDK keeps only a part of it, at most."""
    try:
        return error.response.json()
    except ValueError:
        return error.response.text
    except RuntimeError:  # it has not been read
        return error.body


def _refusal(status: int, body: Any, headers: Mapping[str, str] = MappingProxyType({})) -> ServiceError:
    """Return the error for a status and the body that came with it, also within a 200."""
    said, code = failures.words_in(body), code_in(body)
    if is_no_credit(status, code, said):
        return no_credit(OPENAI, status, said, _BILLING)
    found = filtered(body)
    if found:
        said = f"{said} ({found})"
    refused = failures.of_status(OPENAI, status, headers, said, kind=kind_of(status, code, said))
    return advised(explained(refused, code, said), _LESS_TEXT)


def _broken_off(body: Any) -> ServiceError:
    """Return the error for a failure in the middle of a stream: the answer so far may be charged."""
    status = status_in(body)
    if status < 500:
        return _refusal(status, body)
    said = failures.words_in(body) or "no explanation given"
    return Unavailable(f"The model server stopped answering: {said}", service=SERVICE)
