"""The way out of kept secrets that cannot be opened: the old key, the secret given again, or its file removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.connections.safe import Unopened
from engine.connections.services import add_command


def way_out(lost: Sequence[Unopened], key_file: Path, services: Mapping[str, str]) -> str:
    """Return in a sentence how each is opened, replaced or dropped; `services` is {connection: service}."""
    ways = "; ".join(f"{one.name}: {_replaced(one, services)}" for one in lost)
    return f"Bring the key back, as one more line of {key_file} (from a backup). Where that cannot be, {ways}."


def _replaced(lost: Unopened, services: Mapping[str, str]) -> str:
    name = lost.name.partition(".")[0]
    if name not in services:
        return f"no connection needs it, remove {lost.file}"
    return f"{add_command(services[name], name)} takes it again, or remove {lost.file} and the connection"
