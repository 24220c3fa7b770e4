"""The outside services: each is a file or folder of `clients/` with a client class that names it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import clients
from engine.errors import UnknownName

NO_STAND_IN = frozenset({"http", "imap", ""})
"""Services that the demo cannot stand in for: there is only what is the owner's."""


@dataclass(frozen=True)
class ConnectionKind:
    """What a person gives for a new connection to a service, in the words of its settings."""

    service: str
    key: str
    """The setting that holds the key; empty for a service that has none."""
    key_place: str
    beside: tuple[str, ...]
    """Settings that usually stand beside the key."""


@cache
def client_class(service: str) -> Any:
    """Return the client class of a service; only its own file is imported. Raises UnknownName."""
    found = _in_file(service) if service in _files() else None
    if found is None:
        raise UnknownName("service", service, list(client_classes()))
    return found


@cache
def client_classes() -> Mapping[str, Any]:
    """Return the client class of every service, by its name."""
    found = {name: _in_file(name) for name in _files()}
    return {name: kind for name, kind in found.items() if kind is not None}


def add_command(service: str, name: str) -> str:
    """Return the command that takes another key of a connection, or signs it in anew."""
    client = client_class(service)
    given = ""
    if getattr(client, "sign_in_at", ""):
        given = " --client-secret FILE"
    elif not client.key_variables:
        given = " --set KEY=env:VARIABLE"
    named = "" if name == service else f" --name {name}"
    return f"`orchestra connections add {service}{named}{given}`"


@cache
def _files() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(clients.__path__)))


def _in_file(name: str) -> Any:
    module = importlib.import_module(f"clients.{name}")
    kinds = [
        kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__.startswith(f"clients.{name}")
    ]
    return next((kind for kind in kinds if getattr(kind, "service", None) == name), None)
