"""`mcp`: offer workflows as tools to the program that has started this command."""

from __future__ import annotations

from commands.base.failures import DONE
from commands.base.opened import opened
from commands.base.options import Demo, Workspace


def mcp(demo: Demo = False, workspace: Workspace = None) -> int:
    """Serve workflows with "expose": true as MCP tools, on standard input and output."""
    import anyio

    with opened(workspace, demo=demo) as session:
        from api.mcp.server import serve_stdio

        anyio.run(serve_stdio, session.orchestra, session.principal)
    return DONE
