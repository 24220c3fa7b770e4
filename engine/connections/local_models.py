"""Model servers on the usual ports of this machine; they are offered, never used without being asked."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients.models.served import (
    LIMITED,
    ServedModel,
    asking,
    json_in,
    listed,
    llama_cpp,
    lm_studio,
    named,
    ollama,
)
from engine.base.services import services

if TYPE_CHECKING:
    from clients.models.served import Ask

__all__ = ["LocalServer", "ServedModel", "local_servers"]

OLLAMA, LM_STUDIO, LLAMA_CPP, VLLM, JAN = "Ollama", "LM Studio", "llama.cpp", "vLLM", "Jan"
USUAL: Sequence[tuple[str, int]] = (
    (OLLAMA, 11434),
    (LM_STUDIO, 1234),
    (LLAMA_CPP, 8080),
    (VLLM, 8000),
    (JAN, 1337),
)
"""The default port of each server (from each project's documentation)."""
_OWNERS = {"llamacpp": LLAMA_CPP, "vllm": VLLM}
"""Servers that say in their list of models what they are, on whatever port."""
_LOCKED = frozenset({LM_STUDIO, JAN})
"""Servers that answer 401 without their key; on the other ports, that may be any program."""
_SECONDS = 1.5  # a server on this machine or its host answers at once
_SHOWN = 50  # models of a server


@dataclass(frozen=True)
class LocalServer:
    """A running server: its kind, its address as a connection's `base_url`, and its models, the one to prefer first."""

    kind: str
    base_url: str
    models: tuple[ServedModel, ...]
    needs_key: bool = False
    """Whether it says nothing without a key, not even which models it has."""

    command: str = field(init=False)
    """The command that uses it for the connection `llm`."""

    def __post_init__(self) -> None:
        """Compose the command."""
        model = self.chat_models[0].name if self.chat_models else "NAME"
        object.__setattr__(self, "command", self.command_for(model))

    def command_for(self, model: str) -> str:
        """Return the command that uses a model for the connection `llm`."""
        service = next(one.name for one in services() if one.runs_locally)
        # The names come from an unknown server.
        given = f"--set base_url={self.base_url} --set model={shlex.quote(model)}"
        command = f"orchestra connections add {service} --name llm {given}"
        # Without the last part, the command asks for a key.
        return command if self.needs_key else f"{command} --set api_key="

    def model(self, name: str) -> ServedModel | None:
        """Return the model of this name, with or without its tag `latest`."""
        return named(self.models, name)

    @property
    def chat_models(self) -> list[ServedModel]:
        """Those that write answers."""
        return [one for one in self.models if not one.makes_vectors]

    @property
    def embedding_model(self) -> str:
        """The first that makes vectors; empty if there is none."""
        return next((one.name for one in self.models if one.makes_vectors), "")


def local_servers(usual: Sequence[tuple[str, int]] = USUAL) -> list[LocalServer]:
    """Ask each usual port in parallel, and what answers there about its models; takes at most three seconds."""
    places = [(kind, f"http://{host}:{port}") for host in _hosts() for kind, port in usual]
    with ThreadPoolExecutor(len(places)) as pool:
        return [found for found in pool.map(lambda place: _asked(*place), places) if found is not None]


def _hosts() -> list[str]:
    """Return this machine, and, inside a container, also its host."""
    return ["127.0.0.1", *(["host.docker.internal"] if Path("/.dockerenv").exists() else [])]


def _asked(kind: str, origin: str) -> LocalServer | None:
    import httpx

    from clients.transport import deadline, http_client

    base_url = f"{origin}/v1"
    with http_client() as http:
        try:
            with deadline(_SECONDS):
                response = http.get(f"{base_url}/models", extensions=LIMITED)
        except httpx.HTTPError:
            return None
        if response.status_code == httpx.codes.UNAUTHORIZED and kind in _LOCKED:
            return LocalServer(kind, base_url, (), needs_key=True)
        answer = json_in(response)
        if not isinstance(answer, dict) or answer.get("object") != "list" or not isinstance(answer.get("data"), list):
            return None  # another program
        kind = _kind(kind, answer["data"])
        with deadline(_SECONDS):
            models = _described(kind, asking(http), origin, listed(answer)[:_SHOWN])
    return LocalServer(kind, base_url, tuple(sorted(models, key=_rank)))


def _kind(usual: str, entries: Sequence[Any]) -> str:
    owners = [one.get("owned_by") for one in entries if isinstance(one, dict)]  # of any type
    return next((kind for owner, kind in _OWNERS.items() if owner in owners), usual)


def _described(kind: str, ask: Ask, origin: str, models: Sequence[ServedModel]) -> list[ServedModel]:
    """Return these models with what the server says of them in its own way; as they are if it says nothing more."""
    if kind == OLLAMA:
        more = ollama(ask, origin, [one.name for one in models], with_sizes=True)
    elif kind == LM_STUDIO:
        more = lm_studio(ask, origin)
    elif kind == LLAMA_CPP and models:
        only = llama_cpp(ask, origin, models[0].name)
        more = [] if only is None else [only]
    else:
        more = []
    return [_joined(one, named(more, one.name)) for one in models]


def _joined(listed: ServedModel, described: ServedModel | None) -> ServedModel:
    """Return a model under its name in `/v1/models`: that is what requests to it say."""
    if described is None:
        return listed
    size = described.size_bytes or listed.size_bytes
    return replace(described, name=listed.name, size_bytes=size)


def _rank(model: ServedModel) -> int:
    """Return the place of a model among others: those that can call tools first, those for vectors last."""
    return 2 if model.makes_vectors else 0 if "tools" in model.abilities else 1
