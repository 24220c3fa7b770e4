"""Remedies for stored secrets that cannot be opened: restore the old key, give the secret again, or delete its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.base.services import add_command
from engine.secrets.vault import Unopened


def way_out(lost: Sequence[Unopened], key_file: Path, services: Mapping[str, str]) -> str:
    """Return a sentence saying how to open, replace or drop each; `services` is {connection: service}."""
    ways = "; ".join(f"{one.name}: {_replaced(one, services)}" for one in lost)
    return f"Restore the key, as another line of {key_file} (from a backup). If that is not possible, {ways}."


def _replaced(lost: Unopened, services: Mapping[str, str]) -> str:
    name = lost.name.partition(".")[0]
    if name not in services:
        return f"no connection needs it, remove {lost.place}"
    return f"{add_command(services[name], name)} stores it again, or remove {lost.place} and the connection"
