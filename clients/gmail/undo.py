"""A draft that was written to Gmail, taken back: never one that somebody edited or sent since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from clients.errors import Conflict, NotFound
from clients.gmail.sign_in_file import SERVICE
from clients.gmail.transport import answered, done, entries, reading

_CLOCK_SKEW = timedelta(seconds=120)
"""How far Gmail's clock may be from ours."""


def delete_draft(users: Any, draft: Mapping[str, Any], done_at: datetime) -> None:
    """Delete a draft for good; `draft` is what `create_draft` gave at `done_at`. One that is gone is deleted enough.

    Raises Conflict where it was edited or sent since.
    """
    try:
        found = answered(users.drafts().get(userId="me", id=draft["id"], format="minimal"), "message")
        with reading():
            is_same = found["message"]["id"] == draft["message"]
        if not is_same:  # Gmail gives the mail of a draft a new id each time it is saved
            raise _conflict("The draft was edited since.")
        done(users.drafts().delete(userId="me", id=draft["id"]))
    except NotFound:
        if _was_sent(users, str(draft["thread_id"]), done_at):
            raise _conflict("The draft was sent since.") from None


def _was_sent(users: Any, thread: str, since: datetime) -> bool:
    """Tell whether a mail of the thread left since then; a draft that is sent stays in its thread."""
    try:
        found = answered(users.threads().get(userId="me", id=thread, format="minimal"))
    except NotFound:
        return False
    earliest = (since - _CLOCK_SKEW).timestamp() * 1000
    with reading():
        return any(
            "SENT" in (mail.get("labelIds") or []) and int(mail["internalDate"]) >= earliest
            for mail in entries(found, "messages")
        )


def _conflict(what: str) -> Conflict:
    return Conflict(what, service=SERVICE)
