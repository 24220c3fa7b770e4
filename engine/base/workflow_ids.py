"""The id of a workflow: it stays the same when the file is renamed, and whatever is kept of a workflow goes by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def workflow_id(document: Mapping[str, Any], name: str) -> str:
    """Return the id of a workflow from its document; without one, its name is its id."""
    found = document.get("id")
    return found if isinstance(found, str) else name


def workflow_id_of(run: Mapping[str, Any]) -> str:
    """Return the id of a run's workflow from the run's acceptance or document."""
    return workflow_id(run["definition"]["workflow"], run["workflow"])
