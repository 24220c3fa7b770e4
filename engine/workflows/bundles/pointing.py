"""What a workflow or an agent of a bundle names, and its text with the names that these have here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.base.step_tree import step_nodes
from engine.documents.json_file import JsonFile, JsonPath
from engine.plugins.registry import MCP
from engine.plugins.step import EMBEDDING
from engine.workspace.file_store import FileStore
from engine.workspace.references import Kind, references

Names = Mapping[Kind, Mapping[str, str]]
"""The name here of each prompt, agent and tool (as `tool.NAME`) of a bundle."""


def connections_in(document: object) -> dict[JsonPath, str]:
    """Return the connections that the steps and triggers of a workflow name, or an agent and its tools, by place."""
    found: dict[JsonPath, str] = {}
    for place, one in _using(document):
        if isinstance(one.get("connection"), str):
            found[*place, "connection"] = one["connection"]
        fields = one.get("with")
        if isinstance(fields, dict) and isinstance(fields.get(EMBEDDING), str) and fields[EMBEDDING]:
            found[*place, "with", EMBEDDING] = fields[EMBEDDING]
        for index, other in enumerate(_fallback(one)):
            if isinstance(other, dict) and isinstance(other.get("connection"), str):
                found[*place, "with", "fallback", index, "connection"] = other["connection"]
    return found


def servers_in(document: object) -> set[str]:
    """Return the connections to MCP servers whose tools are named."""
    found = (server_of(one.name) for one in references(document) if one.kind == "tool")
    return {one for one in found if one}


def server_of(uses: str) -> str:
    """Return the connection of a tool of an MCP server, "" for another tool."""
    return uses.removeprefix(MCP).partition(".")[0] if uses.startswith(MCP) else ""


def _using(document: object) -> Iterator[tuple[JsonPath, Mapping[str, Any]]]:
    """Yield what can name a connection, with its place: steps and triggers, an agent and its tools."""
    for node in step_nodes(document):
        yield node.place, node.step.json
    if isinstance(document, dict):
        yield (), {name: value for name, value in document.items() if name == "connection"}
        for part in ("triggers", "tools"):
            listed = document.get(part)
            for index, one in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(one, dict):
                    yield (part, index), one


def _fallback(step: Mapping[str, Any]) -> list[Any]:
    """Return the models that a step asks in turn, as they are written."""
    fields = step.get("with")
    found = fields.get("fallback") if isinstance(fields, dict) else None
    return found if isinstance(found, list) else []


def pointed(file: JsonFile, names: Names, connections: Mapping[str, str]) -> str:
    """Return the text of a workflow or an agent with the names here of what it uses, and of its connections."""
    changed: dict[JsonPath, str] = {}
    for one in references(file.value):
        new = names.get(one.kind, {}).get(one.name, one.name)
        server = server_of(one.name) if one.kind == "tool" else ""
        if server in connections:
            new = f"{MCP}{connections[server]}{one.name.removeprefix(MCP + server)}"
        if new != one.name:
            changed[one.path] = f"{new}@{one.suffix}" if one.suffix else new
    for path, connection in connections_in(file.value).items():
        if connections.get(connection, connection) != connection:
            changed[path] = connections[connection]
    return file.replaced(changed)


def numbered(name: str, now: str) -> Iterator[str]:
    """Return `name-2`, `name-3` and so on, behind the name that it has now."""
    numbered = (f"{name[:58]}-{number}" for number in itertools.count(2))  # a name has at most 64 characters
    if now != name:
        next(one for one in numbered if one == now)  # skips the numbers up to this one
    return numbered


def names_with_versions(file_store: FileStore) -> Iterator[str]:
    """Return the prompts that have versions, though the prompt itself may be missing."""
    return (folder.name.removesuffix(".versions") for folder in file_store.folder.glob("*.versions"))


def version_files(file_store: FileStore, name: str) -> dict[int, Path]:
    """Return the files of the numbered versions of a prompt or an agent."""
    found = (file_store.folder / f"{name}.versions").glob("*.json")
    return {int(path.stem): path for path in sorted(found) if path.stem.isdecimal()}
