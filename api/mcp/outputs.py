"""The outputs of a run for other programs: large values as text up to a limit, files with their address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.base.errors import OrchestraError

LONGEST = 50_000
"""Characters of one large value: what calls a tool is mostly a model, which reads all of it."""


def shown(value: Any, run_id: str, read: Callable[[str], bytes]) -> Any:
    """Return outputs as in a run's document, without references that only this program can follow.

    `read` returns the content of a file of the run by its SHA-256.
    """
    if isinstance(value, list):
        return [shown(inner, run_id, read) for inner in value]
    if not isinstance(value, Mapping):
        return value
    place = value.get("$file")
    if not isinstance(place, str) or not {"bytes", "media_type"} <= value.keys():
        return {name: shown(inner, run_id, read) for name, inner in value.items()}
    digest = place.rpartition("/")[2]
    address = f"/api/runs/{run_id}/files/{digest}"
    if "name" in value:
        return {**value, "address": f"GET {address}"}
    if place != f"{run_id}.files/{digest}":  # a large value is beside the run that it belongs to
        return dict(value)
    try:
        text = read(digest).decode("utf-8", "replace")
    except OrchestraError:  # data that only looks like a reference, or a file that is gone
        return dict(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[The first {LONGEST:,} of {len(text):,} characters. All of it: GET {address}]"
