"""Model servers on the usual ports of this machine; they are offered, never used without being asked."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.base.services import services

USUAL: Sequence[tuple[str, int]] = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))
"""The default port of each server (from each project's documentation)."""
_SECONDS = 1.5  # a server on this machine or its host answers at once
_SHOWN = 20  # models of a server


@dataclass(frozen=True)
class LocalServer:
    """A running server: its kind, its address as a connection's `base_url`, and its models."""

    kind: str
    base_url: str
    models: tuple[str, ...]

    command: str = field(init=False)
    """The command that uses it for the connection `llm`."""

    def __post_init__(self) -> None:
        """Compose the command."""
        model = shlex.quote(self.models[0]) if self.models else "NAME"  # the names come from an unknown server
        service = next(one.name for one in services() if one.runs_locally)
        command = f"orchestra connections add {service} --name llm --set base_url={self.base_url} --set model={model}"
        object.__setattr__(self, "command", command)


def local_servers(usual: Sequence[tuple[str, int]] = USUAL) -> list[LocalServer]:
    """Ask each usual port once, in parallel; takes at most a second and a half."""
    places = [(kind, f"http://{host}:{port}/v1") for host in _hosts() for kind, port in usual]
    with ThreadPoolExecutor(len(places)) as pool:
        return [found for found in pool.map(lambda place: _asked(*place), places) if found is not None]


def _hosts() -> list[str]:
    """Return this machine, and, inside a container, also its host."""
    return ["127.0.0.1", *(["host.docker.internal"] if Path("/.dockerenv").exists() else [])]


def _asked(kind: str, base_url: str) -> LocalServer | None:
    import httpx

    from clients.transport import deadline, http_client

    try:
        with deadline(_SECONDS), http_client() as http:
            answer = http.get(f"{base_url}/models")
            models = _models(answer.json()) if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError):
        return None
    return None if models is None else LocalServer(kind, base_url, models)


def _models(answer: Any) -> tuple[str, ...] | None:
    """Return the names of the models; None if another program answers on that port."""
    listed = answer.get("data") if isinstance(answer, dict) and answer.get("object") == "list" else None
    if not isinstance(listed, list):
        return None
    return tuple(str(one["id"]) for one in listed[:_SHOWN] if isinstance(one, dict) and one.get("id"))
