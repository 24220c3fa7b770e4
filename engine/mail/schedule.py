"""Mails that go out later: what the steps that send mail share. Until then a person can stop the mail.

The engine holds the call (engine/runner/call/scheduled_mail.py); a step type only says until when.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator

from clients.errors import InvalidRequest
from engine.base.clock import duration_seconds, moment_with_offset
from engine.plugins.step import Call, JsonValue, destination

LATER = "send_after"
"""The name of the field."""
LATER_TITLE, _HELD_TITLE = "Scheduled for", "Held for"
"""Of the line in the head of a mail: with a time, and with a duration."""
LONGEST_DAYS = 366
_REMEDY = f"Give a time such as 10m, 8h or 2d, or a time with its offset: at most {LONGEST_DAYS} days from now."


def _checked(given: str) -> str:
    """Require a duration, or a time with its offset."""
    seconds = duration_seconds(given) if given else 0
    if seconds is None:
        try:
            moment_with_offset(given)
        except ValueError as error:
            raise ValueError(
                "must be a time such as 10m, or one with its offset, like 2026-11-20T09:00:00+01:00"
            ) from error
    elif seconds > LONGEST_DAYS * 86_400:
        raise ValueError(f"must be at most {LONGEST_DAYS} days")
    return given


SendAfter = Annotated[str, AfterValidator(_checked)]
"""A duration such as `10m`, an RFC 3339 time with its offset, or ""."""


def send_after() -> Any:
    """Declare the field. It decides whether people still can stop a mail: text from outside must not."""
    return destination("Send after (10m, or a time)", "")


def goes_out_at(arguments: Mapping[str, JsonValue], now: datetime) -> datetime | None:
    """Return until when a mail is held that is ready now; None: it goes out at once.

    Raises InvalidRequest for a time more than a year ahead.
    """
    given = arguments.get(LATER)
    if not isinstance(given, str) or not given:
        return None
    seconds = duration_seconds(given)
    due_at = moment_with_offset(given) if seconds is None else now + timedelta(seconds=seconds)
    if due_at > now + timedelta(days=LONGEST_DAYS):
        raise InvalidRequest(f"The mail would go out at {given}, which is more than a year from now.", remedy=_REMEDY)
    return due_at if due_at > now else None


def schedule_line(call: Call) -> list[tuple[str, str]]:
    """Return the line of a mail's head that says when it goes out; none if it does at once. Raises as `goes_out_at`."""
    given = getattr(call.fields, LATER, "")
    if given and call.started_at is not None:
        goes_out_at({LATER: given}, call.started_at)
    return [(LATER_TITLE if duration_seconds(given) is None else _HELD_TITLE, given)] if given else []
