"""`mcp, connections tools`: offer workflows as tools to other programs, and accept the tools of others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from commands.base.failures import DONE
from commands.base.opened import Session, opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say, table

_CONTENT_HELP = "With --accept: an argument that may hold text from outside; may be repeated."
_EFFECT_HELP = "With --accept: whether it only reads; steps then call it by mcp.read."


def mcp(demo: Demo = False, workspace: Workspace = None) -> int:
    """Serve workflows with "expose": true as MCP tools, on standard input and output."""
    import anyio

    with opened(workspace, demo=demo) as session:
        from api.mcp.server import serve_stdio

        anyio.run(serve_stdio, session.orchestra, session.principal)
    return DONE


def tools(
    connection: Annotated[str, typer.Argument(help="The connection to an MCP server.")],
    accept: Annotated[str | None, typer.Option(metavar="TOOL", help="Let steps call it as it is now.")] = None,
    effect: Annotated[Literal["reads", "writes"], typer.Option(help=_EFFECT_HELP)] = "writes",
    content: Annotated[list[str] | None, typer.Option(metavar="ARGUMENT", help=_CONTENT_HELP)] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the tools of an MCP server, or accept one of them."""
    with opened(workspace, demo=demo) as session:
        if accept is None:
            _list(session, connection, as_json=as_json)
            return DONE
        known = session.orchestra.connections
        accepted = known.accept_tool(session.principal, connection, accept, effect, content or [])
    if as_json:
        document(asdict(accepted))
    else:
        say(f"Steps may call {accepted.name} of {connection} now ({effect}), as long as it stays as it is:")
        say(f"  {accepted.description}")
        say(f"  arguments: {', '.join(accepted.arguments) or 'none'}")
    return DONE


def _list(session: Session, connection: str, *, as_json: bool) -> None:
    found = session.orchestra.connections.tools(session.principal, connection)
    if as_json:
        document({"tools": [{**asdict(one), "state": state} for one, state in found]})
        return
    rows = [[one.name, state, ", ".join(one.arguments), one.description] for one, state in found]
    table(["TOOL", "STATE", "ARGUMENTS", "WHAT THE SERVER SAYS"], rows)
