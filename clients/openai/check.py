"""`connections check` for a model server: the context window of the chosen model. OpenAI does not report it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx

from clients.check_line import CheckLine
from clients.models.served import ServedModel, asking, listed, llama_cpp, lm_studio, named, ollama
from clients.transport import origin

if TYPE_CHECKING:
    from clients.openai.service import OpenAISettings

_SMALL = 8_000
"""Tokens that a mail with its thread and a prompt may need."""
_SAYS_NOWHERE = "api.openai.com"


def look(settings: OpenAISettings, http: httpx.Client, _now: object) -> Iterator[CheckLine]:
    """Yield (what, ok, sentence) for the chosen model's context window; nothing if no model is chosen."""
    if not settings.model or says_nowhere(settings.base_url):
        return
    found = asked_model(settings, http)
    tokens = None if found is None else found.context_tokens
    if tokens is None:
        said = f"The server does not report the context length of {settings.model}; it may cut off long texts."
        yield CheckLine("context", ok=True, text=said, is_note=True)
    elif tokens < _SMALL:
        advice = (
            "Load it with more (Ollama: OLLAMA_CONTEXT_LENGTH=16384; llama.cpp: -c 16384), or long mails are cut off."
        )
        yield CheckLine("context", ok=False, text=f"{settings.model} reads only {tokens} tokens at once. {advice}")
    else:
        yield CheckLine("context", ok=True, text=f"{settings.model} reads {tokens} tokens at once.")


def says_nowhere(base_url: str) -> bool:
    """Return whether the server at an address is known not to report what its models read."""
    return httpx.URL(base_url).host == _SAYS_NOWHERE


def asked_model(settings: OpenAISettings, http: httpx.Client) -> ServedModel | None:
    """Return the chosen model with how much it reads; None if the server does not say that in any known way."""
    if not settings.model or says_nowhere(settings.base_url):
        return None
    ask = asking(http, settings.api_key.get_secret_value())
    base = settings.base_url.rstrip("/")
    at = origin(base)
    ways: tuple[Callable[[], ServedModel | None], ...] = (  # the most reliable first
        lambda: named(listed(ask("GET", f"{base}/models")), settings.model),
        lambda: ollama(ask, at, [settings.model])[0],
        lambda: named(lm_studio(ask, at), settings.model),
        lambda: llama_cpp(ask, at, settings.model),
    )
    return next((found for way in ways if (found := way()) and found.context_tokens), None)
