"""The client of Anthropic's Claude models, using the anthropic SDK."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.anthropic.answers import plain_answer, streamed
from clients.anthropic.messages import request
from clients.anthropic.service import ANTHROPIC
from clients.errors import InvalidRequest, ModelRefused, NotFound, RateLimited, ServiceError, Unavailable
from clients.listing import Json
from clients.models.asking import (
    OnText,
    advised,
    allowed,
    counted,
    is_of_the_request,
    named,
    no_credit,
    require_sdk,
    unknown_model,
)
from clients.models.client import ModelClient
from clients.models.metering import ModelRequest, most_tokens, permitted
from clients.models.refusals import code_in, explained, is_no_credit, kind_of

if TYPE_CHECKING:
    from anthropic import Anthropic, APIStatusError

_OURS = frozenset({"model", "messages", "system", "stream", "tools", "tool_choice", "mcp_servers", "container", "n"})
"""Parameters that a prompt cannot set, since they determine the kind of answer or where it comes from."""
_SHARED = frozenset({"temperature", "top_p", "top_k", "max_tokens", "stop", "stop_sequences"})
"""Parameters that the API has, also by OpenAI's name."""
_ANSWER = "answer"
"""The tool whose input is the answer, for models without structured outputs."""
_HELD_BACK = re.compile(r"content filtering policy", re.IGNORECASE)
"""How a 400 says that the answer is held back; it has no code of its own."""
_BILLING = "https://platform.claude.com/settings/billing"
_LESS_TEXT = "Give the model less text, or use one with a larger context."


class AnthropicClient(ModelClient):
    """One account."""

    service = ANTHROPIC
    parameters = _SHARED

    @cached_property
    def _sdk(self) -> Anthropic:
        require_sdk(ANTHROPIC)
        from anthropic import Anthropic

        from clients.models.bridge import bridged

        sdk = Anthropic(
            api_key=self._key.get_secret_value() or "none",  # else it would take one from the environment
            base_url=self.base_url,
            max_retries=0,  # the engine retries, within the limits of the step
            timeout=None,  # the total is limited by the calling thread's deadline
            http_client=bridged(self.http),
            open_telemetry=False,
        )
        vars(sdk)["_custom_headers"] = {}  # headers from ANTHROPIC_CUSTOM_HEADERS would be sent to any server
        return sdk

    def models(self) -> list[str]:
        """List the names of the models that the account may use."""
        with self._reading():
            # The largest page that the API allows (List Models).
            return sorted(str(model.id) for model in self._sdk.models.list(limit=1000))

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        on_text: OnText | None = None,
    ) -> Json:
        """Ask the model once; takes and returns what `OpenAIClient.chat` does."""
        bound = most_tokens([*messages, *tools])
        return self._asked(self._request(messages, model, parameters, tools), messages, bound, on_text)

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

        If the model or the API refuses the schema (400), the answer is requested as the input of a tool.
        """
        body = self._request(messages, model, parameters)
        bound = most_tokens([*messages, schema])
        form = None if body["model"] in self._without_schemas else self._form(schema)
        if form is not None:
            try:
                return self._asked({**body, "output_config": {"format": form}}, messages, bound, on_text)
            except InvalidRequest as error:
                if not is_of_the_request(error):
                    raise
        answer = self._asked({**body, **_as_tool(schema)}, messages, bound, on_text)
        if form is not None:
            # Only now is it certain that the schema was at fault: without it the same request went through.
            self._without_schemas.add(body["model"])
        return _from_tool(answer, schema)

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> Json:
        """Raise InvalidRequest: Anthropic offers no model for vectors."""
        del texts, model, dimensions
        raise InvalidRequest(
            "Anthropic offers no model that turns texts into vectors.",
            service=ANTHROPIC.name,
            remedy="Name a connection to another model server in the step's `connection`.",
        )

    def _request(
        self,
        messages: Sequence[Mapping[str, Any]],
        model: str,
        parameters: Mapping[str, Any] | None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> Json:
        given = allowed(parameters or {}, _OURS, ANTHROPIC)
        return request(named(model or self.model, ANTHROPIC), messages, given, tools)

    def _form(self, schema: Mapping[str, Any]) -> Json | None:
        """Return the schema in the form of structured outputs; None for one that they cannot express."""
        require_sdk(ANTHROPIC)
        from anthropic import transform_schema

        try:
            return {"type": "json_schema", "schema": transform_schema(dict(schema))}
        except (ValueError, TypeError, AttributeError, AssertionError):
            return None

    def _asked(
        self, body: Json, messages: Sequence[Mapping[str, Any]], bound: int, on_text: OnText | None = None
    ) -> Json:
        """Send a request with these messages in it; `bound`: the most tokens that the model reads."""
        wanted = ModelRequest(body["model"], bound, body["max_tokens"])
        with permitted(wanted) as permit, self._reading(permit.model):
            create: Any = self._sdk.messages.create
            asked = {**body, "model": permit.model}
            if on_text is None:
                return counted(permit, plain_answer(create(**asked), permit.model, _refused), messages, ANTHROPIC)
            with create(**asked, stream=True) as events:
                answer = streamed(events, permit.model, on_text, shows_input="tool_choice" in body)
                return counted(permit, answer, messages, ANTHROPIC)

    @contextlib.contextmanager
    def _reading(self, model: str = "") -> Iterator[None]:
        """Convert anything that the SDK or a malformed answer raises into an error of `clients.errors`.

        `model`: the one that is asked, whose name is looked up if the server does not know it.
        """
        require_sdk(ANTHROPIC)
        import anthropic

        try:
            yield
        except ServiceError:
            raise
        except anthropic.APIStatusError as error:
            refused = _refusal(error)
            if isinstance(refused, NotFound) and model:
                refused = unknown_model(refused, model, self.models)
            raise refused from None
        except (anthropic.AnthropicError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise failures.of_broken_connection(ANTHROPIC, error) from None
        except httpx.HTTPError as error:
            raise failures.of_broken_connection(ANTHROPIC, error) from None


def _as_tool(schema: Mapping[str, Any]) -> Json:
    """Return the arguments that let a model answer with the input of a tool, which must be an object."""
    wrapped = {"type": "object", "properties": {_ANSWER: dict(schema)}, "required": [_ANSWER]}
    taken = dict(schema) if _is_object(schema) else wrapped
    tool = {"name": _ANSWER, "description": "Give your answer.", "input_schema": taken}
    return {"tools": [tool], "tool_choice": {"type": "tool", "name": _ANSWER}}


def _from_tool(answer: Json, schema: Mapping[str, Any]) -> Json:
    """Return an answer given through the tool as if it were a text."""
    calls = [one for one in answer["tool_calls"] if one["name"] == _ANSWER]
    if not calls:
        return answer
    given = calls[0]["arguments"]
    value = given if _is_object(schema) else given.get(_ANSWER)
    ended = "stop" if answer["finish_reason"] == "tool_calls" else answer["finish_reason"]
    return {**answer, "text": json.dumps(value, ensure_ascii=False), "tool_calls": [], "finish_reason": ended}


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object"


def _refusal(error: APIStatusError) -> ServiceError:
    """Return the error for an answer with an error status, or for an error in the middle of a stream."""
    # An error event has the status of the stream, which began with 200.
    if error.status_code < 300:
        return _broken_off(failures.words_in(error.body), code_in(error.body))
    return _refused(error.status_code, error.body, error.response.headers)


def _refused(status: int, body: Any, headers: Mapping[str, str] = MappingProxyType({})) -> ServiceError:
    """Return the error for a status and the body that came with it, also within a 200."""
    said, code = failures.words_in(body), code_in(body)
    if is_no_credit(status, code, said):
        return no_credit(ANTHROPIC, status, said, _BILLING)
    kind = ModelRefused if _HELD_BACK.search(said) else kind_of(status, code, said)
    refused = failures.of_status(ANTHROPIC, status, headers, said, kind=kind)
    return advised(explained(refused, code, said), _LESS_TEXT)


def _broken_off(said: str, code: str) -> ServiceError:
    """Return the error for an error event in the middle of a stream."""
    words = f"Anthropic stopped answering: {said or code or 'no explanation given'}"
    kind = RateLimited if "rate_limit" in code else Unavailable
    return kind(words, service=ANTHROPIC.name, outcome="unknown")
