"""`users`: who may sign in to the dashboard and the API."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.derived import Area, CalledWith, by_hand
from commands.base.failures import DONE
from commands.base.later_groups import Command, LaterGroup
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import CommandSession, opened

if TYPE_CHECKING:
    from engine.people.people import Member, User
    from engine.people.sessions import OpenSession


def _commands() -> Sequence[Command]:
    from commands.people import identities, user_changes
    from engine.people.users import Users

    area = Area("users")
    return [
        Area("users", is_readable=True).command(Users.list, _members),
        by_hand("add", add),
        by_hand("set-password", set_password),
        area.command(Users.set_role, lambda role, given: say(f"{given.values['user_id']} now has the role {role}.")),
        by_hand("set-language", user_changes.set_language),
        by_hand("link", identities.link),
        by_hand("unlink", identities.unlink),
        area.command(Users.remove, _removed),
        area.command(Users.sessions, _sessions),
        by_hand("sign-out", user_changes.sign_out),
    ]


group = LaterGroup("People who may sign in.", _commands)

UserId = Annotated[str, typer.Argument(metavar="ID", help="What they sign in with, such as a mail address.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def _members(found: Sequence[Member], given: CalledWith) -> None:
    zone = given.zone
    rows = [
        [one.id, one.role, "yes" if one.has_password else "no", _at(one.last_sign_in_at, zone), one.sessions, one.name]
        for one in found
    ]
    table(["USER", "ROLE", "PASSWORD", "LAST SIGN-IN", "SESSIONS", "NAME"], rows)


def _removed(_: None, given: CalledWith) -> None:
    user_id = given.values["user_id"]
    say(f"{user_id} is removed and signed out. Runs they started continue; what they did stays in the audit trail.")


def _sessions(found: Sequence[OpenSession], given: CalledWith) -> None:
    zone = given.zone
    rows = [[one.id, _at(one.created_at, zone), _at(one.last_seen_at, zone), one.address, one.agent] for one in found]
    if rows:
        table(["SESSION", "SIGNED IN", "LAST SEEN (TO THE HOUR)", "ADDRESS", "BROWSER"], rows)
    else:
        say(f"{given.values['user_id']} is not signed in.")


def _at(moment: datetime | None, zone: str) -> str:
    return "never" if moment is None else local_time(moment.isoformat(), zone)


def add(
    user_id: UserId,
    role: Annotated[str | None, typer.Option(help="owner, editor, operator or viewer; default: viewer.")] = None,
    name: Annotated[str | None, typer.Option(help="Their name; default: the id.")] = None,
    from_stdin: FromStdin = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Add a user, or set a user's first password. Without a password, users sign in by a link."""
    with opened(workspace, demo=demo) as session:
        password = _password(from_stdin=from_stdin, is_asked=not as_json and sys.stdin.isatty())
        users, p = session.orchestra.users, session.principal
        known = _known(session, user_id, role, name) if password is not None else None
        completed = users.give_password(p, user_id, password) if known and password is not None else None
        user = completed or users.add(p, user_id, name or user_id, role or "viewer", password)
    if as_json:
        document(user)
    elif completed is not None:
        say(f"{user.id} existed without a password; it is now set. They may sign in as {user.role}.")
    elif user.has_password:
        say(f"{user.id} may sign in as {user.role}.")
    else:
        say(f"{user.id} has the role {user.role}, without a password.")
    if not user.has_password and not from_stdin and not sys.stdin.isatty():
        note(
            f"No terminal to ask for a password. Set one with `orchestra users add {user.id} --password-stdin`, "
            f"or let the user sign in by a link: `orchestra login-link --user {user.id}`."
        )
    return DONE


def _known(session: CommandSession, user_id: str, role: str | None, name: str | None) -> User | None:
    """Return the user with this id, unless something other than a password is to be set."""
    everybody = session.orchestra.users.list(session.principal)
    found = next((one for one in everybody if one.id == user_id), None)
    return found if found and role in (None, found.role) and name in (None, found.name) else None


def set_password(
    user_id: UserId,
    from_stdin: FromStdin = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Change the password of a user, whose sessions, links and access tokens end."""
    is_asked = not as_json and sys.stdin.isatty()
    if not (from_stdin or is_asked):
        raise typer.BadParameter("Use --password-stdin and give the password on standard input.")
    with opened(workspace, demo=demo) as session:
        session.orchestra.users.has_password(user_id)  # raises for an unknown user before a password is typed
        password = _password(from_stdin=from_stdin, is_asked=is_asked)
        session.orchestra.users.set_password(session.principal, user_id, password or "")
    if as_json:
        document({"id": user_id, "has_password": True})
    else:
        say(f"The password of {user_id} is changed; their sessions have ended.")
    return DONE


def _password(*, from_stdin: bool, is_asked: bool) -> str | None:
    """Return the password, None for none. It is not an argument: those appear in the list of processes."""
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
