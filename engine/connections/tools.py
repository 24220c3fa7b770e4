"""The tools of other servers: what they offer, and what a person has accepted of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from clients.mcp.service import MCP
from engine.base.errors import InvalidInput, UnknownName
from engine.connections.changes import ConnectionChanges
from engine.people.access import Principal, require

if TYPE_CHECKING:
    from clients.mcp.client import McpClient, OfferedTool


class ToolServers(ConnectionChanges):
    """The part of the `connections` facet that is about them."""

    def tools(self, p: Principal, name: str) -> list[tuple[OfferedTool, str]]:
        """Return what an MCP server offers, each with `accepted`, `new` or `changed`.

        Raises UnknownName, InvalidInput, ServiceError.
        """
        require(p, "run", "ask accounts what they have")
        return self._mcp_server(name).states()

    def accept_tool(
        self, p: Principal, name: str, tool: str, effect: Literal["reads", "writes"], content: Sequence[str]
    ) -> OfferedTool:
        """Accept a tool as the server offers it now; return it. `content`: arguments that may hold text from outside.

        Raises UnknownName, InvalidInput, ServiceError.
        """
        require(p, "admin", "accept tools")
        offered = [one for one, _ in self._mcp_server(name).states()]
        same = [one for one in offered if one.name == tool]
        if len(same) != 1:
            raise UnknownName("tool", tool, [one.name for one in offered])
        for argument in content:
            if argument not in same[0].arguments:
                raise UnknownName("argument", argument, list(same[0].arguments))
        kept = self._config().config.connections[name].settings.get("tools") or {}
        accepted = {"version": same[0].version, "effect": effect, "content": [*content]}
        self.add(p, name, MCP.name, {"tools": {**kept, tool: accepted}})
        return same[0]

    def _mcp_server(self, name: str) -> McpClient:
        if self._service(name) != MCP.name:
            raise InvalidInput(f"The connection {name!r} is no MCP server.", remedy="`orchestra connections list`.")
        client: Any = self._accounts.open(name, MCP.name, self._modes.of(MCP.name)).client
        server: McpClient = client
        return server
