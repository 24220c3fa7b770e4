"""`users set-role, set-language, remove, sessions, sign-out`: change or remove a user."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, say, table
from commands.base.session import opened

UserId = Annotated[str, typer.Argument(metavar="ID", help="The user.")]


def set_role(
    user_id: UserId,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="owner, editor, operator or viewer.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Change the role of a user, from the next click on. The role of the last owner cannot be changed."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.users.set_role(session.principal, user_id, role)
    if as_json:
        document({"role": role})
    else:
        say(f"{user_id} now has the role {role}.")
    return DONE


def set_language(
    user_id: UserId,
    language: Annotated[
        str,
        typer.Argument(
            metavar="LANGUAGE", help="The code of the language, such as de, or browser to follow the user's browser."
        ),
    ],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Choose the language of the dashboard for a user."""
    with opened(workspace, demo=demo) as session:
        chosen = "" if language == "browser" else language
        session.orchestra.languages.set(session.principal, user_id, chosen)
    if as_json:
        document({"language": chosen})
    else:
        say(f"The dashboard speaks {chosen or 'the language of the browser'} to {user_id}.")
    return DONE


def remove(user_id: UserId, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Remove a user with their sessions, links, tokens and unsaved drafts. The last owner cannot be removed."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.users.remove(session.principal, user_id)
    if as_json:
        document({"id": user_id, "removed": True})
    else:
        say(f"{user_id} is removed and signed out. Runs they started continue; what they did stays in the audit trail.")
    return DONE


def sessions(user_id: UserId, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the open sessions of a user, most recently used first."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.users.sessions(session.principal, user_id)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"sessions": found})
    elif found:
        rows = [
            [one.id, local_time(one.created_at.isoformat(), zone), local_time(one.last_seen_at.isoformat(), zone),
             one.address, one.agent]
            for one in found
        ]  # fmt: skip
        table(["SESSION", "SIGNED IN", "LAST SEEN (TO THE HOUR)", "ADDRESS", "BROWSER"], rows)
    else:
        say(f"{user_id} is not signed in.")
    return DONE


def sign_out(
    user_id: UserId,
    session_id: Annotated[
        str | None, typer.Option("--session", help="Only this session, as shown by `sessions`.")
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """End the sessions of a user, their access tokens and unused login links; with --session, one session."""
    with opened(workspace, demo=demo) as session:
        users, p = session.orchestra.users, session.principal
        if session_id is None:
            ended = users.sign_out(p, user_id)
        else:
            users.end_session(p, user_id, session_id)
            ended = 1
    if as_json:
        document({"ended": ended})
    else:
        tokens = " All access tokens, too; API tokens stay until they are revoked." if session_id is None else ""
        say(f"{counted(ended, 'session')} of {user_id} ended.{tokens}")
    return DONE
