"""`users link, unlink`: who a user is at the sign-in provider."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.session import opened

UserId = Annotated[str, typer.Argument(metavar="ID", help="The user.")]


def link(
    user_id: UserId,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT",
            help="Of the person at the provider (`sub`); a refused sign-in shows it.",
        ),
    ],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Let a person of the sign-in provider sign in as this user, whose sessions end."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.openid.link(session.principal, user_id, subject)
        name = session.orchestra.openid.settings.shown_name
    if as_json:
        document({"subject": subject})
    else:
        say(f"{user_id} signs in with {name} now; their sessions have ended. Their groups there give the role.")
    return DONE


def unlink(user_id: UserId, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Stop a person of the sign-in provider from signing in as this user, whose sessions end."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.openid.unlink(session.principal, user_id)
    if as_json:
        document({"id": user_id, "unlinked": True})
    else:
        say(f"{user_id} is no longer linked; their sessions have ended.")
    return DONE
