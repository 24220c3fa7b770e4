"""`users set-language, sign-out`: what is more than one operation, or asks for another word."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.session import opened

UserId = Annotated[str, typer.Argument(metavar="ID", help="The user.")]


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
