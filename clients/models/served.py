"""What model servers tell about their models: how much each reads at once, its size, and what it can do.

Sources: https://docs.ollama.com/api (`/api/tags`, `/api/ps`, `/api/show`), https://lmstudio.ai/docs/developer/rest
(`/api/v1/models`, before 0.4 `/api/v0/models`), the README of llama.cpp's server (`/props`, `meta` in `/v1/models`),
https://docs.vllm.ai (`max_model_len` in `/v1/models`). Nothing that a server says is believed to be well-formed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from clients.models.loose_json import strict_json
from clients.models.metering import MOST_TOKENS

if TYPE_CHECKING:
    import httpx

Ability = Literal["tools", "schema", "vision", "embeddings"]
"""`schema`: its answers follow a JSON Schema; `embeddings`: it makes vectors, and writes no answers."""
Ask = Callable[..., Any]
"""Sends a request (method, url, body) and returns the JSON of its answer; None for anything else."""

LIMITED: dict[str, Any] = {"most_bytes": 4 * 1024 * 1024}
"""The extensions of a request to a server that may be any program."""
_NAME_MOST = 200
_MODELS_MOST = 2_000
"""How many entries of a list are read; OpenRouter, with the longest list, has some hundreds."""
_SIZE_MOST = 1 << 50
_OF_OLLAMA: Mapping[str, Ability] = {"tools": "tools", "vision": "vision"}
_EMBEDDING = re.compile(r"embed|(?:^|[^a-z])(?:bge|gte|e5)-", re.IGNORECASE)
"""In the names of models for vectors, for servers that do not say what a model is for."""


class ServedModel(Struct, frozen=True):
    """A model of a server, as far as the server describes it."""

    name: str
    context_tokens: int | None = None
    """How much it reads at once: as it is loaded or configured now, else at most."""
    size_bytes: int | None = None
    abilities: tuple[Ability, ...] = ()
    may_change: bool = False
    """Whether `context_tokens` is what the model could read, and its server decides when it loads it."""

    @property
    def makes_vectors(self) -> bool:
        """Whether it is for vectors, and not for answers."""
        return "embeddings" in self.abilities


def asking(http: httpx.Client, key: str = "") -> Ask:
    """Return what asks servers; each answer is read up to 4 MB."""
    import httpx

    headers = {"authorization": f"Bearer {key}"} if key else {}

    def ask(method: str, url: str, **body: Any) -> Any:
        try:
            return json_in(http.request(method, url, headers=headers, extensions=LIMITED, **body))
        except httpx.HTTPError:
            return None

    return ask


def json_in(answer: httpx.Response) -> Any:
    """Return the JSON of a successful answer; None for anything else."""
    try:
        # Not `text`: the charset that an answer names may be any coding of Python, such as rot13.
        return strict_json(answer.content.decode()) if answer.is_success else None
    except ValueError:
        return None


def listed(answer: Any) -> list[ServedModel]:
    """Return the models of `/v1/models`; vLLM, OpenRouter and llama.cpp describe them there."""
    return [_of_entry(one) for one in _entries(answer, "data", "id")]


def _of_entry(entry: Any) -> ServedModel:
    """Groq says `context_window`, Mistral `max_context_length`."""
    meta = _part(entry, "meta")
    said = ("max_model_len", "context_length", "context_window", "max_context_length")
    tokens = next((found for name in said if (found := _count(_part(entry, name)))), None) or _count(
        _part(meta, "n_ctx")
    )
    abilities: tuple[Ability, ...] = ("schema",) if _part(entry, "owned_by") == "vllm" else ()
    name = entry["id"]
    return _sorted_out(ServedModel(name, tokens, _count(_part(meta, "size"), _SIZE_MOST), abilities))


def ollama(ask: Ask, origin: str, names: Sequence[str], *, with_sizes: bool = False) -> list[ServedModel]:
    """Return these models of Ollama. Every model that writes answers follows a JSON Schema."""
    tags = _entries(ask("GET", f"{origin}/api/tags"), "models", "name") if with_sizes else []
    sizes = {one["name"]: _count(one.get("size"), _SIZE_MOST) for one in tags}
    loaded = {
        one["model"]: _count(one.get("context_length"))
        for one in _entries(ask("GET", f"{origin}/api/ps"), "models", "model")
    }
    return [_of_ollama(ask, origin, name, sizes.get(name), loaded) for name in names]


def _of_ollama(ask: Ask, origin: str, name: str, size: int | None, loaded: Mapping[str, int | None]) -> ServedModel:
    # Ollama gives a model without a tag the tag `latest`.
    now = loaded.get(name) or loaded.get(f"{name}:latest")
    shown = ask("POST", f"{origin}/api/show", json={"model": name})
    chosen = re.search(r"^num_ctx\s+(\d{1,9})$", str(_part(shown, "parameters") or ""), re.MULTILINE)
    info = _part(shown, "model_info")
    facts: Mapping[str, Any] = info if isinstance(info, dict) else {}
    at_most = next((_count(value) for key, value in facts.items() if key.endswith(".context_length")), None)
    tokens = now or (_count(int(chosen[1])) if chosen else None) or at_most
    able = _part(shown, "capabilities")
    if isinstance(able, list):
        can: tuple[Ability, ...] = ("embeddings",) if "embedding" in able else _ordered(able)
    else:  # older versions do not say; models for vectors have a way of pooling
        is_for_vectors = any(key.endswith(".pooling_type") for key in facts)
        can = ("embeddings",) if is_for_vectors else ("schema",) if facts else ()
    return _sorted_out(ServedModel(name, tokens, size, can, may_change=now is None and not chosen))


def _ordered(able: Sequence[Any]) -> tuple[Ability, ...]:
    found: list[Ability] = [mine for theirs, mine in _OF_OLLAMA.items() if theirs in able]
    return (*found, "schema") if "completion" in able else tuple(found)


def lm_studio(ask: Ask, origin: str) -> list[ServedModel]:
    """Return the models of LM Studio."""
    new = _entries(ask("GET", f"{origin}/api/v1/models"), "models", "key")
    if new:
        return [_of_lm_studio(one) for one in new]
    return [_of_older_lm_studio(one) for one in _entries(ask("GET", f"{origin}/api/v0/models"), "data", "id")]


def _of_lm_studio(entry: Any) -> ServedModel:
    instances = _part(entry, "loaded_instances")
    first = instances[0] if isinstance(instances, list) and instances else None
    now = _count(_part(_part(first, "config"), "context_length"))
    able = _part(entry, "capabilities")
    can: list[Ability] = ["tools"] if _part(able, "trained_for_tool_use") is True else []
    can += ["vision"] if _part(able, "vision") is True else []
    return ServedModel(
        entry["key"],
        now or _count(_part(entry, "max_context_length")),
        _count(_part(entry, "size_bytes"), _SIZE_MOST),
        ("embeddings",) if _part(entry, "type") == "embedding" else (*can, "schema"),
        may_change=now is None,
    )


def _of_older_lm_studio(entry: Any) -> ServedModel:
    kind, able, now = _part(entry, "type"), _part(entry, "capabilities"), _count(_part(entry, "loaded_context_length"))
    can: list[Ability] = ["tools"] if isinstance(able, list) and "tool_use" in able else []
    can += ["vision"] if kind == "vlm" else []
    return ServedModel(
        entry["id"],
        now or _count(_part(entry, "max_context_length")),
        None,
        ("embeddings",) if kind == "embeddings" else (*can, "schema"),
        may_change=now is None,
    )


def llama_cpp(ask: Ask, origin: str, name: str) -> ServedModel | None:
    """Return the model of llama.cpp's server, which has one; None if it says nothing."""
    props = ask("GET", f"{origin}/props")
    tokens = _count(_part(_part(props, "default_generation_settings"), "n_ctx"))
    if tokens is None:
        return None
    caps = _part(props, "chat_template_caps")
    has_tools = _part(caps, "supports_tools") is True or "tools" in str(_part(props, "chat_template") or "")
    can: list[Ability] = ["tools"] if has_tools else []
    can += ["vision"] if _part(_part(props, "modalities"), "vision") is True else []
    return _sorted_out(ServedModel(name, tokens, None, (*can, "schema")))


def tokens_in(ask: Ask, base_url: str, model: str, text: str) -> int | None:
    """Return how many tokens a text has for the model of llama.cpp, or for one of vLLM; None for other servers."""
    from clients.transport import origin

    url = f"{origin(base_url)}/tokenize"
    tokens = _part(ask("POST", url, json={"content": text}), "tokens")
    if isinstance(tokens, list) and tokens:
        return len(tokens)
    return _count(_part(ask("POST", url, json={"model": model, "prompt": text}), "count"))


def named(models: Sequence[ServedModel], name: str) -> ServedModel | None:
    """Return the model of this name, if it is among these."""
    return next((one for one in models if one.name in (name, f"{name}:latest")), None)


def _sorted_out(model: ServedModel) -> ServedModel:
    """Return a model for vectors, by its name, without the abilities of others."""
    if model.makes_vectors or not _EMBEDDING.search(model.name):
        return model
    return replace(model, abilities=("embeddings",))


def _entries(answer: Any, member: str, key: str) -> list[dict[str, Any]]:
    """Return the entries that have a name: one that can be shown, and sent back as it is."""
    found = _part(answer, member)
    return [one for one in found[:_MODELS_MOST] if is_model_name(_part(one, key))] if isinstance(found, list) else []


def is_model_name(name: Any) -> bool:
    """Tell whether a name can be a setting: `env:NAME` there would send a secret of this machine to the server."""
    is_text = isinstance(name, str) and 0 < len(name) <= _NAME_MOST and name.isprintable()
    return is_text and not name.lower().startswith(("env:", "secret:"))


def _part(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, dict) else None


def _count(value: Any, most: int = MOST_TOKENS) -> int | None:
    return value if type(value) is int and 0 < value <= most else None
