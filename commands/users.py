"""`users`: who may sign in to the dashboard and the API."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.failures import DONE
from commands.opened import opened
from commands.options import Json, Workspace
from commands.screen import document, say, table

group = typer.Typer(help="Who may sign in.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(workspace: Workspace = None, as_json: Json = False) -> int:
    """List everybody who may sign in."""
    with opened(workspace) as session:
        found = session.orchestra.users.list(session.principal)
    if as_json:
        document({"users": found})
        return DONE
    rows = [[one.id, one.role, "yes" if one.has_password else "no", one.name] for one in found]
    table(["USER", "ROLE", "PASSWORD", "NAME"], rows)
    return DONE


@group.command()
def add(
    user_id: Annotated[str, typer.Argument(metavar="ID", help="What they sign in with, such as a mail address.")],
    role: Annotated[str, typer.Option(help="owner, editor, operator or viewer.")] = "viewer",
    name: Annotated[str | None, typer.Option(help="What they are called; else the id.")] = None,
    from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Add a user; without a password they cannot sign in by one."""
    with opened(workspace) as session:
        password = _password(from_stdin=from_stdin, is_asked=not as_json and sys.stdin.isatty())
        user = session.orchestra.users.add(session.principal, user_id, name or user_id, role, password)
    if as_json:
        document(user)
        return DONE
    say(
        f"{user.id} may sign in as {user.role}."
        if user.has_password
        else f"{user.id} is {user.role}, without password."
    )
    return DONE


def _password(*, from_stdin: bool, is_asked: bool) -> str | None:
    """Return the password, None for none. It is no argument: those stand in the list of processes."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not is_asked:
        return None
    typed: str = typer.prompt(
        "Password (not shown; empty for none)",
        default="",
        hide_input=True,
        show_default=False,
        confirmation_prompt=True,
    )
    return typed or None
