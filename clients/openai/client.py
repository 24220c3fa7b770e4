"""A language model behind the OpenAI API (OpenAI, Ollama, LM Studio, llama.cpp, vLLM), through the openai SDK."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients import failures
from clients.base_url import BaseUrl
from clients.counting import counted
from clients.errors import InvalidRequest, ServiceError, Unavailable
from clients.openai.answers import plain_answer, tokens_of
from clients.openai.schema import asked_in_words, response_format
from clients.openai.stream import OnText, streamed
from clients.openai.vectors import batches, vectors_of

if TYPE_CHECKING:
    from openai import OpenAI

Json: TypeAlias = dict[str, Any]

SERVICE = "openai"
_OURS = frozenset({"model", "messages", "stream", "stream_options", "n", "tools", "response_format"})
"""Parameters that a prompt cannot set: they decide what kind of answer comes."""


class OpenAISettings(BaseModel):
    """What `connections.<name>` of a model server may say in config.yaml; a local server needs no key."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    api_key: SecretStr = SecretStr("")
    base_url: BaseUrl = "https://api.openai.com/v1"
    model: str = ""
    embedding_model: str = ""
    """The model that makes vectors; without one `model` is asked for them."""


_PAYMENT_REQUIRED = 402
_TOO_LONG = re.compile(r"context[ _](?:length|size|window)", re.IGNORECASE)
"""How OpenAI, vLLM, llama.cpp and Ollama say that a text is too long for a model: no other form of it is shorter."""
_OF_THE_REQUEST = frozenset({400, 415, 422})
"""How servers refuse a request for what is asked in it, such as a schema."""
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Codes of errors (https://platform.openai.com/docs/guides/error-codes) that only the owner of the account ends."""


class OpenAIClient:
    """One model server. Threads may share it; every method raises errors of `clients.errors` only."""

    service: ClassVar[str] = SERVICE
    Settings = OpenAISettings
    key_variables: ClassVar[Mapping[str, str]] = {"api_key": "OPENAI_API_KEY"}
    key_place: ClassVar[str] = "OpenAI, API keys; any server that speaks its language will do"
    key_url: ClassVar[str] = "https://platform.openai.com/api-keys"
    more_variables: ClassVar[Mapping[str, str]] = {"base_url": "OPENAI_BASE_URL", "model": "OPENAI_MODEL"}
    """Settings that usually stand beside the key, and are no key themselves."""
    default_url: ClassVar[str] = "https://api.openai.com/v1"

    def __init__(self, settings: OpenAISettings, http: httpx.Client) -> None:
        self.model = settings.model
        self.embedding_model = settings.embedding_model or settings.model
        self.base_url = settings.base_url
        self._key = settings.api_key.get_secret_value()
        self._sdk = _sdk(settings.base_url, self._key, http)
        self._without_schemas: set[str] = set()
        self._without_streams = False

    def account(self) -> str:
        """Give the host and port of the server: a model has no account that could be named without the key."""
        return httpx.URL(self.base_url).netloc.decode("ascii")

    def check(self) -> list[tuple[str, bool, str]]:
        """Try what workflows need: [(what, ok, sentence)]; raises nothing of the service."""
        try:
            models = self.models()
        except ServiceError as error:
            return [("server", False, f"{error.message} {error.remedy}")]
        reached = ("server", True, f"{self.account()} answers and offers {counted(len(models), 'model')}.")
        return [reached, self._check_model(models)]

    def _check_model(self, models: Sequence[str]) -> tuple[str, bool, str]:
        offered = ", ".join(models[:5]) or "none"
        if not self.model:
            return ("model", False, f"No model is chosen: set the connection's `model`, for example one of: {offered}.")
        if self.model not in models:
            remedy = "Set the connection's `model` to one of them in config.yaml, or OPENAI_MODEL in `.env`."
            return ("model", False, f"The server does not offer {self.model!r}. It offers: {offered}. {remedy}")
        return ("model", True, f"{self.model} is there.")

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

        Gives {text, tool_calls: [{id, name, arguments}], finish_reason, model, usage: {input_tokens, output_tokens}}.
        `parameters` go out as they are (temperature, max_tokens, ...). `on_text` gets the text piece by piece, as far
        as the server can do that. Raises InvalidRequest where no model is named.
        """
        name = _named(model or self.model)
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
        with self._reading():
            ask: Any = self._sdk.chat.completions.create
            return plain_answer(ask(**asked), name)

    def _streamed(self, asked: Json, on_text: OnText) -> Json | None:
        """Ask for the answer as a stream; None where the server refuses that, which is remembered if it was that."""
        open_stream: Any = self._sdk.chat.completions.with_streaming_response.create
        try:
            with self._reading(), open_stream(**asked, stream=True, stream_options={"include_usage": True}) as opened:
                return streamed(opened, str(asked["model"]), on_text)
        except InvalidRequest as error:
            if "stream" not in error.message:
                raise
        self._without_streams = True
        return None

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> Json:
        """Make a vector of each text: {vectors, model, usage}, in the order of the texts.

        `dimensions` only for models that can shorten their vectors. Raises InvalidRequest for an empty text.
        """
        name = _named(model or self.embedding_model)
        # Numbers are asked for by name: the SDK would ask for base64, which not every server knows.
        wish: Json = {"model": name, "encoding_format": "float"}
        if dimensions is not None:
            wish["dimensions"] = dimensions
        vectors: list[list[float]] = []
        tokens = 0
        for batch in batches(texts):
            with self._reading():
                answer = self._sdk.embeddings.create(input=list(batch), **wish)
                vectors += vectors_of(answer, len(batch))
                name = str(answer.model or name)
                tokens += tokens_of(answer)["input_tokens"]
        return {"vectors": vectors, "model": name, "usage": {"input_tokens": tokens, "output_tokens": 0}}

    def chat_json(
        self,
        messages: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> Json:
        """Ask the model for JSON of this schema; gives what `chat` gives, its `text` not yet checked.

        A server that refuses schemas (400) is asked for any JSON object, with the schema in the instructions.
        """
        name = model or self.model
        if name not in self._without_schemas:
            try:
                wish = response_format(schema)
                return self.chat(messages, model=model, parameters=parameters, response_format=wish)
            except InvalidRequest as error:
                if error.http_status not in _OF_THE_REQUEST or _is_too_long(error):  # refused here, or otherwise
                    raise
        worded = asked_in_words(messages, schema)
        answer = self.chat(worded, model=model, parameters=parameters, response_format={"type": "json_object"})
        self._without_schemas.add(name)
        return answer

    def _allowed(self, parameters: Mapping[str, Any]) -> Json:
        refused = sorted(_OURS & parameters.keys())
        if refused:
            raise InvalidRequest(f"A prompt cannot set {', '.join(refused)} among its parameters.", service=SERVICE)
        given = {name: value for name, value in parameters.items() if value is not None}
        # OpenAI's own newer models refuse the old name, and other servers know only that.
        if "max_tokens" in given and httpx.URL(self.base_url).host == "api.openai.com":
            given["max_completion_tokens"] = given.pop("max_tokens")
        return given

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn whatever the SDK or an answer of the wrong shape raises into an error of `clients.errors`."""
        import openai

        try:
            yield
        except ServiceError:
            raise
        except openai.APIStatusError as error:
            said = failures.without_secrets(_said(error), [self._key])
            if error.code in _NO_CREDIT or error.status_code == _PAYMENT_REQUIRED:
                raise _no_credit(error.status_code, said) from None
            raise _refused(failures.of_status(SERVICE, error.status_code, error.response.headers, said)) from None
        except openai.OpenAIError as error:
            if type(error) is openai.APIError:  # told in the middle of a stream, without a status
                said = failures.without_secrets(_said(error), [self._key])
                raise Unavailable(f"The model server broke off its answer: {said}", service=SERVICE) from None
            raise failures.of_broken_connection(SERVICE, error) from None
        except (ValueError, LookupError, TypeError, AttributeError, httpx.HTTPError) as error:
            raise failures.of_broken_connection(SERVICE, error) from None


def _refused(error: ServiceError) -> ServiceError:
    if _is_too_long(error):
        error.remedy = "Give the model less text, or use one with a larger context (Ollama: OLLAMA_CONTEXT_LENGTH)."
    return error


def _is_too_long(error: ServiceError) -> bool:
    return isinstance(error, InvalidRequest) and bool(_TOO_LONG.search(error.message))


def _no_credit(status: int, said: str) -> InvalidRequest:
    """No wait helps there, though OpenAI tells it as a rate limit."""
    return InvalidRequest(
        f"The model server answered {status}: the account has no credit left ({said or 'it says no more'}).",
        service=SERVICE,
        http_status=status,
        remedy="Add credit to the account at the provider (OpenAI: https://platform.openai.com/settings/organization/"
        "billing), then resume the run; or use another connection.",
    )


def _named(model: str) -> str:
    if not model:
        raise InvalidRequest(
            "No model is named.",
            service=SERVICE,
            remedy="Set `model` in config.yaml (`connections.llm.model`), on the step, or in the prompt.",
        )
    return model


def _sdk(base_url: str, key: str, http: httpx.Client) -> OpenAI:
    from openai import OpenAI

    limits = httpx.Timeout(None, connect=10.0)  # the total is the deadline of the thread that calls
    # The SDK would take an empty key, organisation or project from the environment, and send them to any server.
    sdk = OpenAI(api_key=key or "none", base_url=base_url, max_retries=0, timeout=limits, http_client=http)  # type: ignore[arg-type]
    sdk.organization = None
    sdk.project = None
    return sdk


def _said(error: Any) -> str:
    """Give the server's own sentence: OpenAI's form, or what other servers write in its place."""
    body = error.body
    if isinstance(body, str):
        with contextlib.suppress(ValueError):
            body = json.loads(body)
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        said = inner.get("message") or inner.get("detail") if isinstance(inner, Mapping) else inner
        return str(said or "")
    return ""
