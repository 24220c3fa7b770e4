"""What lists show of a workflow document, even if parts of it are invalid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.base.errors import OrchestraError
from engine.base.step_tree import step_nodes
from engine.plugins.registry import MCP, step_type


def text_in(document: Mapping[str, Any], key: str) -> str:
    """Return the text under a key, "" if there is no text."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def services_in(document: Any) -> list[str]:
    """Return the services that the steps call, in order of first use."""
    used = (node.step.uses for node in step_nodes(document) if node.step.uses)
    return list(dict.fromkeys(filter(None, map(_service, used))))


def needed_services(document: Any) -> list[str]:
    """Return the services to which the steps need a connection, in order of first use."""
    used = (node.step.uses for node in step_nodes(document) if node.step.uses)
    return list(dict.fromkeys(service for uses in used if (service := _service(uses)) and not _is_optional(uses)))


def _service(uses: str) -> str | None:
    if uses.startswith(MCP):  # also of a tool that nobody has accepted yet
        return uses.partition(".")[0]
    try:
        return step_type(uses).service
    except OrchestraError:
        return None


def _is_optional(uses: str) -> bool:
    return not uses.startswith(MCP) and step_type(uses).connection_optional
