"""What the refusal of a model server means: the class of error, and a remedy that can help."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from clients.errors import AuthError, InvalidRequest, ModelRefused, NotFound, RateLimited, ServiceError, Unavailable

_NAMES = ("message", "detail", "error", "msg", "error_msg", "error_description", "title", "reason", "errors")
"""Members of an answer that is an error: OpenAI, FastAPI, Ollama, OAuth, RFC 9457, gateways."""
_DEEPEST = 6
NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Error codes (https://platform.openai.com/docs/guides/error-codes) that only the account's owner can resolve."""
_NO_CREDIT_WORDS = re.compile(
    r"insufficient (?:balance|credit|fund)|(?:more|no|out of) credits|credit balance|payment required", re.IGNORECASE
)
_NO_MODEL_CODES = frozenset({"model_not_found", "model_not_available", "model_decommissioned", "DeploymentNotFound"})
_NO_MODEL = re.compile(
    r"not a valid model|model not exist|(?:unknown|invalid|unsupported|no such) (?:chat )?model\b"
    r"|\b(?:model|deployment)\b[^!?\n]{0,120}\b(?:not found|does not exist|not exist|could not be found"
    r"|is not available|has been decommissioned|isn't loaded|not loaded)|try pulling it",
    re.IGNORECASE,
)
"""How OpenRouter, DeepSeek, Mistral, vLLM, Ollama, LM Studio, Groq and Azure say that there is no such model."""
_HELD_BACK = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
_REGION = re.compile(
    r"unsupported_country"
    r"|(?:country|region|territory|location)[^.]{0,60}(?:not (?:supported|available|allowed)|blocked)"
    r"|not available in your (?:country|region|location)",
    re.IGNORECASE,
)
_LOADING = re.compile(
    r"loading (?:the )?model|model\b[^.]{0,200}\b(?:is|being) (?:currently |still )?load|still loading|warming up"
    r"|starting up",
    re.IGNORECASE,
)
"""How llama.cpp, Ollama, Hugging Face and LM Studio say that the model is not ready yet."""


def error_in(body: Any) -> Any:
    """Return the error that was sent in place of an answer, under any name, or None."""
    if not isinstance(body, Mapping):
        return None
    if body.get("error"):
        return body["error"]
    return body if any(body.get(name) for name in _NAMES) else None


def code_in(body: Any) -> str:
    """Return the server's name for the error, "" if it has none."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(inner, Mapping):
        return ""
    deeper = inner.get("innererror")  # Azure
    codes = [inner.get("code"), inner.get("type"), deeper.get("code") if isinstance(deeper, Mapping) else None]
    return " ".join(one for one in codes if isinstance(one, str) and not one.isdigit())


def status_in(body: Any) -> int:
    """Return the status that an error within an answer amounts to; 502 if it does not say."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    # OpenRouter and other gateways have the status here, as a number or a text.
    given = [inner.get(name) for name in ("code", "status", "status_code")] if isinstance(inner, Mapping) else []
    for one in given:
        number = int(one) if isinstance(one, str) and one.isascii() and one.isdigit() else one
        if isinstance(number, int) and 400 <= number < 600:
            return number
    code = code_in(body).lower()
    return next((status for word, status in _STATUSES.items() if word in code), 502)


_STATUSES: Mapping[str, int] = {
    "rate_limit": 429,
    "quota": 429,
    "authentication": 401,
    "api_key": 401,
    "apikey": 401,
    "permission": 403,
    "not_found": 404,
    "context_length": 400,
    "invalid_request": 400,
    "badrequest": 400,
    "overloaded": 529,
}
"""The status that belongs to the name of an error; 529 is unregistered, for an overload."""


def is_no_credit(status: int, code: str, said: str) -> bool:
    """Return whether the account has no credit left, so that waiting does not help."""
    has_code = any(one in NO_CREDIT for one in code.split())
    return has_code or status == 402 or (400 <= status < 500 and bool(_NO_CREDIT_WORDS.search(said)))


def kind_of(status: int, code: str, said: str) -> type[ServiceError] | None:
    """Return the class of a refusal whose code or words say more than its status; None if the status says it."""
    if any(one in _HELD_BACK for one in code.split()) or is_of_region(code, said):
        return ModelRefused
    if any(one in _NO_MODEL_CODES for one in code.split()):
        return NotFound
    if status in (400, 404, 422) and _NO_MODEL.search(said):
        return NotFound
    return None


def is_of_region(code: str, said: str) -> bool:
    """Return whether the server does not serve the country of this machine."""
    return bool(_REGION.search(code) or _REGION.search(said))


def is_loading(error: Exception) -> bool:
    """Return whether a server is up, and loads its model: it will answer soon."""
    return isinstance(error, Unavailable) and error.http_status in (500, 503) and bool(_LOADING.search(error.message))


def filtered(body: Any) -> str:
    """Return the categories for which Azure's filter has held something back: "hate (high), jailbreak"; "" if none.

    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter-annotations
    """
    return ", ".join(dict.fromkeys(_filtered(body, _DEEPEST)))


def _filtered(body: Any, levels: int) -> Iterator[str]:
    if levels and isinstance(body, list):
        for one in body:
            yield from _filtered(one, levels - 1)
    elif levels and isinstance(body, Mapping):
        for name, one in body.items():
            if isinstance(one, Mapping) and one.get("filtered") is True:
                severity = one.get("severity")
                yield f"{str(name).replace('_', ' ')} ({severity})" if severity else str(name).replace("_", " ")
            else:
                yield from _filtered(one, levels - 1)


def explained(error: ServiceError, code: str, said: str) -> ServiceError:
    """Return an error with a remedy that can help, if the server's words suggest one."""
    if is_of_region(code, said):
        error.remedy = "The provider does not serve the country of this machine: use a connection to another provider."
    elif isinstance(error, RateLimited):
        error.remedy = (
            "The provider limits requests or tokens: the engine waits and asks again. If it happens often, lower"
            " `parallel` of the loop, or raise the limit at the provider."
        )
    elif isinstance(error, AuthError) and error.http_status == 401:
        error.remedy = (
            "Give the connection a valid key of this provider (`orchestra connections add`, or the page Connections),"
            " and check that its address is the one of the provider."
        )
    elif isinstance(error, InvalidRequest) and error.http_status == 413:
        error.remedy = "Give the model less text."
    return error
