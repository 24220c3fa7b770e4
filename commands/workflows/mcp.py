"""`mcp, connections tools`: offer workflows as tools to other programs, and accept the tools of others."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.base.failures import DONE
from commands.base.inputs import by_name
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say, table
from commands.base.session import CommandSession, opened
from engine.base.errors import InvalidInput

if TYPE_CHECKING:
    from engine.plugins.step import Role
    from engine.tools.servers import ServerTool

_ROLE_HELP = "With --accept: the role of an argument, such as text=content; default: `destination`. May be repeated."
_EFFECT_HELP = "With --accept: whether the tool only reads; then plans call it, too, and it may be called again."


def mcp(demo: Demo = False, workspace: Workspace = None) -> int:
    """Serve workflows with "expose": true as MCP tools, on standard input and output."""
    import anyio

    with opened(workspace, demo=demo) as session:
        from api.mcp.server import serve_stdio

        anyio.run(serve_stdio, session.orchestra, session.principal)
    return DONE


def tools(
    connection: Annotated[str, typer.Argument(help="The connection to an MCP server.")],
    accept: Annotated[
        str | None, typer.Option(metavar="TOOL", help="Accept this tool, as it is now, so that steps can call it.")
    ] = None,
    effect: Annotated[Literal["reads", "writes"], typer.Option(help=_EFFECT_HELP)] = "writes",
    role: Annotated[list[str] | None, typer.Option(metavar="ARGUMENT=ROLE", help=_ROLE_HELP)] = None,
    withdraw: Annotated[
        str | None, typer.Option(metavar="TOOL", help="Withdraw this tool, so that steps can no longer call it.")
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the tools of an MCP server, accept one of them, or withdraw one."""
    if accept is not None and withdraw is not None:
        raise InvalidInput("--accept and --withdraw exclude each other.", remedy="Take one of them out.")
    with opened(workspace, demo=demo) as session:
        known = session.orchestra.tool_servers
        if accept is not None:
            found = known.accept(session.principal, connection, accept, effect, _roles(role or []))
            document(asdict(found)) if as_json else _accepted(found)
        elif withdraw is not None:
            known.withdraw(session.principal, connection, withdraw)
            document({"withdrawn": withdraw}) if as_json else say(f"Steps may no longer call {withdraw}.")
        else:
            _list(session, connection, as_json=as_json)
    return DONE


def _roles(pairs: list[str]) -> dict[str, Role]:
    from engine.plugins.step import Role

    found = {}
    for argument, role in by_name(pairs, "an argument").items():
        if role not in list(Role):
            raise InvalidInput(f"{role!r} is not a role.", remedy=f"Take one of: {', '.join(Role)}.")
        found[argument] = Role(role)
    return found


def _accepted(found: ServerTool) -> None:
    from engine.plugins.step import Role

    say(f"Steps may call {found.uses} now, as long as it stays as it is. It {found.effect}.")
    if found.description:
        say(f"  {found.description}")
    for argument in found.arguments:
        say(f"  {argument}: {(found.roles or {}).get(argument, Role.DESTINATION)}")


def _list(session: CommandSession, connection: str, *, as_json: bool) -> None:
    found = session.orchestra.tool_servers.tools(session.principal, connection)
    if as_json:
        document({"tools": [asdict(one) for one in found]})
        return
    rows = [[one.name, one.state, one.effect, ", ".join(one.arguments), one.description] for one in found]
    table(["TOOL", "STATE", "EFFECT", "ARGUMENTS", "WHAT THE SERVER SAYS"], rows)
    for one in found:
        if one.problem:
            say(f"{one.name} cannot be accepted: {one.problem}")
        for change in one.changes:
            say(f"{one.name} has changed: {change.part}\n  was: {change.before}\n  is:  {change.now}")
