"""The tools of MCP servers that a person has accepted: `mcp/SERVER.json`, a file for each connection to a server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from clients.mcp.service import OfferedTool
from engine.base.definitions import McpToolDefinition
from engine.base.errors import InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.names import checked_name, child, is_file_name
from engine.base.problem import Problem
from engine.documents.json_file import parse
from engine.documents.shapes import faults
from engine.files.atomic import make_folder, remove, storage_errors, write_whole
from engine.plugins.registry import MCP
from engine.plugins.step import Role
from engine.tools.foreign_schema import require_schema

FOLDER = "mcp"
_BYTES_MOST = 64 * 1024
Effect = Literal["reads", "writes"]


class AcceptedTool(BaseModel):
    """A tool as a person has accepted it; `server` and `tool` are what the server was and said then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    effect: Effect = "writes"
    roles: dict[str, Role] = {}
    """Of the arguments that are no destination."""
    accepted_by: str
    accepted_at: str
    hash: str
    server: str
    tool: dict[str, Any]

    @property
    def offered(self) -> OfferedTool:
        """The tool as it was offered."""
        return OfferedTool(self.server, self.tool)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tools: dict[str, AcceptedTool] = {}


class AcceptedTools:
    """The folder `mcp/` of a workspace. Whoever changes it holds a lock meanwhile."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def servers(self) -> list[str]:
        """Return the connections that have a file, sorted."""
        return sorted(one.stem for one in self.folder.glob("*.json") if is_file_name(one.stem))

    def of(self, server: str) -> Mapping[str, AcceptedTool]:
        """Return the accepted tools of a connection, by their names in steps. Raises InvalidFile, StorageError."""
        path, shown = self.folder / f"{server}.json", f"{FOLDER}/{server}.json"
        if not is_file_name(server):
            return {}
        with storage_errors(path):
            text = path.read_text(encoding="utf-8") if path.is_file() else "{}"
        file = parse(text, shown)
        try:
            return _File.model_validate(file.value).tools
        except ValidationError as error:
            problems = [
                Problem(one.message, "tool", file=shown, line=line, column=column, remedy=one.remedy)
                for one in faults(error, _File, file.value)
                for line, column in [file.place(one.path)]
            ]
            raise InvalidFile.of(shown, problems) from None

    def usable(self, uses: str) -> McpToolDefinition:
        """Return an accepted tool by `mcp.SERVER.TOOL`. Raises UnknownName, InvalidInput, InvalidFile."""
        server, _, name = uses.removeprefix(MCP).partition(".")
        found = self.of(server)
        if name not in found:
            known = [f"{MCP}{server}.{one}" for one in found]
            remedy = f"An owner accepts it: `orchestra connections tools {server} --accept {name or 'TOOL'}`."
            raise UnknownName("accepted tool", uses, known, remedy=remedy)
        return _definition(server, name, found[name])

    def all_usable(self) -> list[McpToolDefinition]:
        """Return every tool that workflows can use now."""
        found = []
        for server in self.servers():
            with suppress(OrchestraError):  # `orchestra connections tools` says why not
                for name, tool in self.of(server).items():
                    with suppress(OrchestraError):
                        found.append(_definition(server, name, tool))
        return found

    def put(self, server: str, name: str, tool: AcceptedTool) -> None:
        """Keep a tool as accepted. Raises InUse, InvalidFile, StorageError."""
        checked_name("connection with accepted tools", server)
        _definition(server, name, tool)
        self._write(server, {**self.of(server), name: tool})

    def withdraw(self, server: str, name: str) -> None:
        """Keep a tool as not accepted. Raises UnknownName, InvalidFile, StorageError."""
        tools = self.of(server)
        if name not in tools:
            raise UnknownName("accepted tool", name, list(tools))
        self._write(server, {key: one for key, one in tools.items() if key != name})

    def _write(self, server: str, tools: Mapping[str, AcceptedTool]) -> None:
        make_folder(self.folder)
        path = child(self.folder, f"{server}.json")
        if not tools:
            remove(path)
            return
        document = {"tools": {name: one.model_dump(mode="json") for name, one in sorted(tools.items())}}
        write_whole(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def step_name(tool: str) -> str:
    """Return the name of a server's tool in steps: with `_` for what steps do not allow."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", tool)[:64]


def require_acceptable(tool: OfferedTool) -> None:
    """Raise InvalidInput for a tool that cannot be a step, with the reason."""
    if tool.fault:
        raise InvalidInput(tool.fault)
    if not tool.name:
        raise InvalidInput("It has no name.")
    if not re.search("[A-Za-z0-9]", step_name(tool.name)):
        raise InvalidInput("The name of the tool has no letter that a step could be called by.")
    if len(json.dumps(tool.told)) > _BYTES_MOST:
        raise InvalidInput(f"What the server says of the tool is longer than {_BYTES_MOST // 1024} KB.")
    require_schema("input", tool.told.get("inputSchema"))
    if "outputSchema" in tool.told:
        require_schema("output", tool.told["outputSchema"])


def _definition(server: str, name: str, tool: AcceptedTool) -> McpToolDefinition:
    """Return what a run keeps of a tool. Raises InvalidInput if the file is not what a person has accepted."""
    remedy = f"An owner looks at it again: `orchestra connections tools {server}`."
    offered = tool.offered
    if "name" not in tool.tool or offered.hash != tool.hash:
        said = f"The record of {name!r} in {FOLDER}/{server}.json was changed after a person had accepted the tool."
        raise InvalidInput(said, remedy=remedy)
    try:
        require_acceptable(offered)
    except InvalidInput as error:
        raise InvalidInput(f"The tool {name!r} cannot be a step: {error.message}", remedy=remedy) from error
    return {
        "connection": server,
        "name": name,
        "tool": tool.tool,
        "hash": tool.hash,
        "effect": tool.effect,
        "roles": {argument: str(role) for argument, role in tool.roles.items()},
    }
