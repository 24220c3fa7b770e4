"""What the clients of models do alike around a request: names, checks, and errors that every model server has."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from clients.check_line import CheckLine, failed
from clients.errors import (
    BadAnswer,
    InvalidRequest,
    ModelRefused,
    NotFound,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
    Unreadable,
)
from clients.models.loose_json import loose_json
from clients.models.metering import Permit
from clients.models.reading import cut_note
from clients.models.thoughts import without_thoughts
from clients.service import Service
from clients.wording import counted as counted_words
from clients.wording import did_you_mean

OnText = Callable[[str], None]
"""Receives each piece of text as it arrives."""
_OF_THE_REQUEST = frozenset({400, 415, 422})
"""Statuses for an unsupported part of a request, such as a schema."""
_PAYMENT_REQUIRED = 402
_NO_CREDIT = frozenset({_PAYMENT_REQUIRED, 429})
"""Statuses of `no_credit`; any other 429 is RateLimited."""
_TOLD_BY_ITS_END = frozenset({"length", "refusal", "content_filter"})
"""How an answer ends for a reason that its reader tells, also if it is empty."""
_USUAL_ENDS = frozenset({"stop", "tool_calls"})
_SAID_MOST = 200
CUT_OFF = "The model server stopped in the middle of its answer."
_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|prompt is too long|exceeds the maximum number of tokens"
    r"|reduce the length of|too many (?:input )?tokens|input is too long|request too large",
    re.IGNORECASE,
)
"""How OpenAI, vLLM, llama.cpp, Ollama, Anthropic and Gemini report that a text is too long: rephrasing the request does
not help."""


def named(model: str, service: Service) -> str:
    """Return the name of a model. Raises InvalidRequest for an empty one."""
    if not model:
        raise InvalidRequest(
            "No model is set.",
            service=service.name,
            remedy="Set `model` in config.yaml (`connections.llm.model`), on the step, or in the prompt.",
        )
    return model


def require_sdk(service: Service) -> None:
    """Import the SDK of a service. Raises InvalidRequest if it is not installed, or its installation is damaged."""
    absence = service.lacks({})
    if absence:
        raise InvalidRequest(absence, service=service.name, remedy=service.install)
    if service.extra is None:
        return
    try:
        importlib.import_module(service.extra.module)
    except Exception as error:  # a damaged package may raise anything
        raise InvalidRequest(
            f"{service.title} needs the package {service.extra.package}, which cannot be imported: "
            f"{type(error).__name__}: {error}.",
            service=service.name,
            remedy=f"Install it again: `pip install --force-reinstall {service.extra.package}`.",
        ) from error


def counted(
    permit: Permit, answer: dict[str, Any], messages: Sequence[Mapping[str, Any]], service: Service
) -> dict[str, Any]:
    """Report an answer as used; return it without what the model has thought, and with notes for people.

    `answer` may have `thoughts`: whether its server has sent some beside the text. Raises BadAnswer for an answer that
    says nothing, although nothing kept the model from it: asking again would cost as much, and say as little.
    """
    calls, whole = answer["tool_calls"], answer["text"]
    said = whole + (json.dumps(calls) if calls else "")
    permit.answered(answer["model"], answer["usage"], len(said.encode()))
    thoughts = bool(answer.pop("thoughts", False))
    text = without_thoughts(whole)
    ended = answer["finish_reason"]
    if not text.strip() and not calls and ended not in _TOLD_BY_ITS_END:
        why = "" if ended in _USUAL_ENDS else ended
        raise _empty(service, why, has_thoughts=thoughts or bool(whole.strip()))
    if note := cut_note(messages, answer["usage"]):
        answer["notes"] = [*answer.get("notes", ()), note]
    return {**answer, "text": text}


def _empty(service: Service, why: str, *, has_thoughts: bool) -> BadAnswer:
    """Return the error for an answer without text; `why`: how the server calls its end."""
    if has_thoughts:
        words = "The model's answer was empty: all text is in the reasoning."
        remedy = "Raise `max_tokens`, ask the model to think less, or use a model that does not reason."
    else:
        words = f"The model's answer was empty ({why})." if why else "The model's answer was empty."
        remedy = "Change the prompt, or use another model; if it happens now and then, run it again."
    error = BadAnswer(words, service=service.name, remedy=remedy)
    error.retryable = False
    return error


def unknown_model(error: NotFound, model: str, models: Callable[[], Sequence[str]]) -> NotFound:
    """Return the error for a model that the server does not know, with the names of the models that it offers.

    `models`: asks the server, which costs nothing; if it has the model, or no list, the error is as it was.
    """
    try:
        offered = models()
    except ServiceError:
        error.remedy = "Check the name of the model, and the connection's address: it often ends with /v1."
        return error
    if offered and model not in offered:
        error.remedy = f"Set `model` to one that the server offers. {did_you_mean(model, offered)}".strip()
    return error


@contextlib.contextmanager
def charging(model: str, usage: Mapping[str, int]) -> Iterator[None]:
    """Say on an answer that cannot be used which model gave it, and the tokens that are charged all the same."""
    try:
        yield
    except BadAnswer as error:
        error.model, error.usage = model, dict(usage)
        raise


def allowed(parameters: Mapping[str, Any], refused: frozenset[str], service: Service) -> dict[str, Any]:
    """Return the parameters that have a value. Raises InvalidRequest for one that a prompt cannot set."""
    found = sorted(refused & parameters.keys())
    if found:
        raise InvalidRequest(f"A prompt cannot set {', '.join(found)} among its parameters.", service=service.name)
    return {name: value for name, value in parameters.items() if value is not None}


def tool_call(service: Service, call_id: str, name: str, written: Any) -> dict[str, Any]:
    """Return a tool call as {id, name, arguments}; raises BadAnswer if the arguments are not a JSON object."""
    try:
        arguments = loose_json(written or "{}") if isinstance(written, str) or written is None else written
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        said = f"The model called the tool {name!r} with arguments that are not a JSON object."
        if written:
            said = f"{said} They begin: {str(written)[:_SAID_MOST]!r}."
        remedy = "Describe the tool's arguments more clearly, or use another model."
        error = BadAnswer(said, service=service.name, remedy=remedy)
        error.is_call, error.retryable = True, False
        raise error
    return {"id": call_id, "name": name, "arguments": arguments}


def check_lines(service: Service, where: str, model: str, models: Callable[[], Sequence[str]]) -> list[CheckLine]:
    """Run the checks that workflows depend on: [(what, ok, sentence)]; raises no service error.

    `where`: the server, for people; `models`: asks it for the names of its models.
    """
    try:
        offered = models()
    except ServiceError as error:
        return [failed(service, "server", error)]
    reached = CheckLine("server", ok=True, text=f"{where} answers and offers {counted_words(len(offered), 'model')}.")
    return [reached, _check_model(service, model, offered)]


def _check_model(service: Service, model: str, offered: Sequence[str]) -> CheckLine:
    names = ", ".join(offered[:5]) or "none"
    if not model:
        return CheckLine(
            "model", ok=False, text=f"No model is chosen. Enter one, for example one of: {names}.", field="model"
        )
    if model not in offered:
        remedy = f"Enter one of them, or set {service.variables['model']} in `.env`."
        said = f"The server does not offer {model!r}. It offers: {names}. {remedy}"
        return CheckLine("model", ok=False, text=said, field="model")
    return CheckLine("model", ok=True, text=f"{model} is there.")


def is_too_long(error: ServiceError) -> bool:
    """Return whether the text was too long for the model."""
    return isinstance(error, InvalidRequest) and bool(_TOO_LONG.search(error.message))


def is_of_the_request(error: InvalidRequest) -> bool:
    """Return whether a part of the request may be unsupported, such as its schema, so that another may be accepted."""
    if isinstance(error, ModelRefused):
        return False
    return error.http_status in _OF_THE_REQUEST and not is_too_long(error)


def another_may_answer(error: Exception) -> bool:
    """Return whether another model may answer where one gave no answer.

    It may after an outage, a refusal or an unusable answer, for an unknown model, and without credit; not if the
    request itself is wrong, or must not be sent.
    """
    if isinstance(error, InvalidRequest):
        return isinstance(error, ModelRefused) or error.http_status in _NO_CREDIT
    kinds = (BadAnswer, NotFound, RateLimited, Timeout, Unavailable)
    return isinstance(error, kinds) and not isinstance(error, Unreadable)


def advised(error: ServiceError, remedy: str) -> ServiceError:
    """Return an error, with this remedy if the text was too long."""
    if is_too_long(error):
        error.remedy = remedy
    return error


def no_credit(service: Service, status: int, said: str, billing: str) -> InvalidRequest:
    """Return the error for exhausted credit: waiting does not help. `billing`: where one pays."""
    return InvalidRequest(
        f"{service.error_name} answered {status}: the account has no credit left ({said or 'no details given'}).",
        service=service.name,
        http_status=_PAYMENT_REQUIRED if status in _OF_THE_REQUEST else status,  # no other request would be accepted
        remedy=f"Add credit to the account at the provider ({billing}), then resume the run; "
        "or use another connection.",
    )
