"""How two texts of an agent differ, part by part and word by word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.runs.prompt_tries.prompt_differences import PromptDifference, part_differences, part_text

_NAMES = {
    "title": "Title",
    "description": "Description",
    "instructions": "Instructions",
    "connection": "Connection",
    "model": "Model",
    "temperature": "Temperature",
    "limits": "Limits",
    "on_limit": "At a limit",
    "output": "Output",
}


def agent_differences(before: Any, after: Any) -> list[PromptDifference]:
    """Return the parts in which the documents of two agents differ, whatever else is wrong with them."""
    return part_differences(dict(_parts(before)), dict(_parts(after)))


def _parts(document: Any) -> Iterator[tuple[str, str]]:
    found = document if isinstance(document, Mapping) else {}
    for key, name in _NAMES.items():
        yield name, part_text(found.get(key))
    variables = found.get("variables")
    for name, schema in (variables if isinstance(variables, Mapping) else {}).items():
        yield f"Variable {name}", part_text(schema)
    tools = found.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else [], 1):
        called = tool.get("name") if isinstance(tool, Mapping) else None
        yield f"Tool {called if isinstance(called, str) else number}", part_text(tool)
