"""Undoes a Gmail draft, unless somebody has edited or sent it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from clients.error_mapping import reading
from clients.errors import Conflict, NotFound
from clients.gmail.service import GMAIL
from clients.gmail.transport import SERVICE, entries
from clients.google.transport import answered, done

_CLOCK_SKEW = timedelta(seconds=120)
"""How far Gmail's clock may differ from ours."""


def delete_draft(users: Any, draft: Mapping[str, Any], done_at: datetime) -> None:
    """Delete a draft permanently; `draft` is what `create_draft` returned at `done_at`. Do nothing if it is gone.

    Raises Conflict if it was edited or sent since.
    """
    try:
        found = answered(users.drafts().get(userId="me", id=draft["id"], format="minimal"), "message")
        with reading(GMAIL):
            is_same = found["message"]["id"] == draft["message"]
        if not is_same:  # Gmail gives a draft's mail a new id at each save
            raise _conflict("The draft has been edited since.")
        done(users.drafts().delete(userId="me", id=draft["id"]))
    except NotFound:
        if _was_sent(users, str(draft["thread_id"]), done_at):
            raise _conflict("The draft has been sent since.") from None


def _was_sent(users: Any, thread: str, since: datetime) -> bool:
    """Return whether a mail of the thread was sent since then; a sent draft stays in its thread."""
    try:
        found = answered(users.threads().get(userId="me", id=thread, format="minimal"))
    except NotFound:
        return False
    earliest = (since - _CLOCK_SKEW).timestamp() * 1000
    with reading(GMAIL):
        return any(
            "SENT" in (mail.get("labelIds") or []) and int(mail["internalDate"]) >= earliest
            for mail in entries(found, "messages")
        )


def _conflict(what: str) -> Conflict:
    return Conflict(what, service=SERVICE)
