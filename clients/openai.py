"""A language model behind the OpenAI API (OpenAI, Ollama, LM Studio, llama.cpp, vLLM), through the openai SDK."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients import failures
from clients.base_url import BaseUrl
from clients.counting import counted
from clients.errors import InvalidRequest, ServiceError
from clients.openai_answers import plain_answer
from clients.openai_schema import asked_in_words, response_format

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
        self.base_url = settings.base_url
        self._key = settings.api_key.get_secret_value()
        self._sdk = _sdk(settings.base_url, self._key, http)
        self._without_schemas: set[str] = set()

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
    ) -> Json:
        """Ask the model once.

        Gives {text, tool_calls: [{id, name, arguments}], finish_reason, model, usage: {input_tokens, output_tokens}}.
        `parameters` go out as they are (temperature, max_tokens, ...). Raises InvalidRequest where no model is named.
        """
        name = model or self.model
        if not name:
            raise InvalidRequest(
                "No model is named.",
                service=SERVICE,
                remedy="Set `model` in config.yaml (`connections.llm.model`), on the step, or in the prompt.",
            )
        body = self._allowed(parameters or {})
        if tools:
            body["tools"] = list(tools)
        if response_format is not None:
            body["response_format"] = dict(response_format)
        with self._reading():
            ask: Any = self._sdk.chat.completions.create
            return plain_answer(ask(model=name, messages=list(messages), extra_body=body), name)

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
                if error.http_status is None:  # refused here, not by the server
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
            raise failures.of_status(SERVICE, error.status_code, error.response.headers, said) from None
        except openai.OpenAIError as error:
            raise failures.of_broken_connection(SERVICE, error) from None
        except (ValueError, LookupError, TypeError, AttributeError, httpx.HTTPError) as error:
            raise failures.of_broken_connection(SERVICE, error) from None


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
