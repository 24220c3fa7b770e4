"""`connections check` for a model server: the context window of the chosen model.

Each server reports it in its own way: vLLM and OpenRouter in the list of models, Ollama in `/api/show` and `/api/ps`,
LM Studio in `/api/v0/models`, llama.cpp in `/props`. OpenAI does not report it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from clients.check_line import CheckLine

if TYPE_CHECKING:
    from clients.openai.service import OpenAISettings

_SMALL = 8_000
"""Tokens that a mail with its thread and a prompt may need."""
_SAYS_NOWHERE = "api.openai.com"


def look(settings: OpenAISettings, http: httpx.Client, _now: object) -> Iterator[CheckLine]:
    """Yield (what, ok, sentence) for the chosen model's context window; nothing if no model is chosen."""
    if not settings.model or says_nowhere(settings.base_url):
        return
    tokens = context_tokens(settings, http)
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


def context_tokens(settings: OpenAISettings, http: httpx.Client) -> int | None:
    """Query the server in each known way, most reliable first; return None if it does not answer any."""
    if not settings.model or says_nowhere(settings.base_url):
        return None
    base = httpx.URL(settings.base_url)
    origin = str(base.copy_with(raw_path=b"/")).rstrip("/")
    key = settings.api_key.get_secret_value()
    headers = {"authorization": f"Bearer {key}"} if key else {}

    def ask(method: str, url: str, **body: Any) -> Any:
        try:
            answer = http.request(method, url, headers=headers, **body)
            return answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            return None

    for way in (_listed, _ollama, _lm_studio, _llama_cpp):
        found = way(ask, origin, str(base).rstrip("/"), settings.model)
        if isinstance(found, int) and found > 0:
            return found
    return None


Ask = Callable[..., Any]


def _listed(ask: Ask, _origin: str, base: str, model: str) -> Any:
    """vLLM: `max_model_len`; OpenRouter: `context_length`."""
    entry = _named(_part(ask("GET", f"{base}/models"), "data"), model, "id")
    return _part(entry, "max_model_len") or _part(entry, "context_length")


def _ollama(ask: Ask, origin: str, _base: str, model: str) -> Any:
    """Return the loaded context size, or the configured one, or the model's maximum."""
    loaded = _named(_part(ask("GET", f"{origin}/api/ps"), "models"), model, "model")
    if _part(loaded, "context_length"):
        return loaded["context_length"]
    shown = ask("POST", f"{origin}/api/show", json={"model": model})
    chosen = re.search(r"^num_ctx\s+(\d+)", str(_part(shown, "parameters") or ""), re.MULTILINE)
    if chosen:
        return int(chosen[1])
    known = _part(shown, "model_info")
    return next((value for name, value in known.items() if name.endswith(".context_length")), None) if known else None


def _lm_studio(ask: Ask, origin: str, _base: str, model: str) -> Any:
    entry = _named(_part(ask("GET", f"{origin}/api/v0/models"), "data"), model, "id")
    return _part(entry, "loaded_context_length") or _part(entry, "max_context_length")


def _llama_cpp(ask: Ask, origin: str, _base: str, _model: str) -> Any:
    return _part(_part(ask("GET", f"{origin}/props"), "default_generation_settings"), "n_ctx")


def _part(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, dict) else None


def _named(entries: Any, name: str, key: str) -> Any:
    listed = entries if isinstance(entries, list) else []
    # Ollama gives a model without a tag the tag `latest`.
    return next((one for one in listed if _part(one, key) in (name, f"{name}:latest")), None)
