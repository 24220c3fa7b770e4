"""`tokens`: long-lived API tokens of users, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, raw, say, table
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.people.api_tokens import ApiToken

group = typer.Typer(help="API tokens, for programs.", no_args_is_help=True, rich_markup_mode=None)

UserId = Annotated[str, typer.Option("--user", metavar="ID", help="Whose token; default: owner.")]


@group.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, such as laptop.")],
    user_id: UserId = "owner",
    days: Annotated[int, typer.Option(min=1, help="How long it lasts.")] = 90,
    no_end: Annotated[bool, typer.Option("--no-end", help="Without an end date.")] = False,
    role: Annotated[str | None, typer.Option(help="At most this role; default: the user's.")] = None,
    mcp: Annotated[bool, typer.Option("--mcp", help="Only for /mcp.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create an API token, and print it: it is not stored and cannot be shown again."""
    with opened(workspace, demo=demo) as session:
        tokens, lasts = session.orchestra.users.api_tokens, None if no_end else days
        made = tokens.create(session.principal, user_id, name, days=lasts, role=role, mcp_only=mcp)
        zone = session.orchestra.config.time_zone
    if as_json:
        document(made)
        return DONE
    note(f"The API token {made.name} of {made.user_id}, {_acts(made)}, until {_end(made, zone)}. It is shown only now.")
    raw(f"{made.token}\n")
    return DONE


@group.command("list")
def list_(user_id: UserId = "owner", demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the API tokens of a user, with their last use."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.users.api_tokens.list(session.principal, user_id)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"tokens": found})
    elif found:
        rows = [
            [one.id, _acts(one), _end(one, zone) if one.is_valid else "has ended", _at(one.used_at, zone), one.name]
            for one in found
        ]
        table(["TOKEN", "ACTS", "ENDS", "LAST USE (TO THE HOUR)", "NAME"], rows)
    else:
        say(f"{user_id} has no API tokens. `orchestra tokens create NAME` makes one.")
    return DONE


@group.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or name, as shown by `tokens list`.")],
    user_id: UserId = "owner",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """End an API token at once."""
    with opened(workspace, demo=demo) as session:
        tokens, p = session.orchestra.users.api_tokens, session.principal
        token_id = _id(tokens.list(p, user_id), token_id)
        tokens.revoke(p, user_id, token_id)
    if as_json:
        document({"id": token_id, "revoked": True})
    else:
        say("The token is revoked.")
    return DONE


def _id(tokens: list[ApiToken], given: str) -> str:
    """Return the id of the token that `given` means: an id comes before a name that looks the same."""
    ids = {one.name: one.id for one in tokens} | {one.id: one.id for one in tokens}
    return ids.get(given, given)


def _acts(token: ApiToken) -> str:
    return f"as {token.role or 'the user'}{', only /mcp' if token.mcp_only else ''}"


def _end(token: ApiToken, zone: str) -> str:
    return "it is revoked" if token.ends_at is None else local_time(token.ends_at.isoformat(), zone)


def _at(moment: datetime | None, zone: str) -> str:
    return "never" if moment is None else local_time(moment.isoformat(), zone)
