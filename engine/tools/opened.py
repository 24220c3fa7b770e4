"""The step types that only a workspace has: its own tools, and the accepted ones of MCP servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.definitions import WorkspaceTool
from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.threads import shared_property
from engine.plugins.registry import MCP, TOOL, open_tools

if TYPE_CHECKING:
    from engine.tools.accepted import AcceptedTools
    from engine.tools.store import ToolStore


class OpenedTools:
    """The tools of an opened workspace, by `uses`; `step_type` finds them from now on."""

    def __init__(self, root: Path) -> None:
        self._root = root
        open_tools(self.known)

    @shared_property
    def own(self) -> ToolStore:
        """The tools in its folder `tools`."""
        from engine.tools.store import ToolStore  # many commands need neither these

        return ToolStore(self._root)

    @shared_property
    def accepted(self) -> AcceptedTools:
        """The tools of MCP servers that were accepted."""
        from engine.tools.accepted import AcceptedTools  # nor these

        return AcceptedTools(self._root)

    def known(self, uses: str) -> WorkspaceTool:
        """Return a tool for people who look, tested or not. Raises UnknownName."""
        if not uses.startswith(MCP):
            return self.own.known(uses)
        try:
            return self.accepted.usable(uses)
        except (InvalidFile, InvalidInput) as error:
            raise UnknownName("accepted tool", uses, remedy=error.message) from error

    def usable(self, uses: str) -> WorkspaceTool:
        """Return a tool that workflows can use. Raises OrchestraError."""
        return self.accepted.usable(uses) if uses.startswith(MCP) else self.own.usable(uses)

    def all_usable(self) -> list[WorkspaceTool]:
        """Return every tool that workflows can use now."""
        return [*self.own.all_usable(), *self.accepted.all_usable()]

    def usable_names(self) -> list[str]:
        """Return what a step writes in `uses`, for each of them."""
        own = [f"{TOOL}{one['name']}" for one in self.own.all_usable()]
        return [*own, *(f"{MCP}{one['connection']}.{one['name']}" for one in self.accepted.all_usable())]
