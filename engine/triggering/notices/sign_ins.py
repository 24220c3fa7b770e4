"""Notify people of sign-ins, if `notifications.sign_ins` says so: with new browsers, from new networks, refused ones.

The audit trail has a line for each, which its own limits bound. What people know is the number of a line in a small
switch, with the count of the refused ones of this hour: however many names strangers try, that is one row.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from engine.base.clock import Clock, moment_of, timestamp
from engine.people.api_tokens import NEW_NETWORK
from engine.people.devices import NEW_DEVICE
from engine.people.users import LOGIN_REFUSED, UNKNOWN_USER
from engine.store.people.audit import AuditLine, AuditLog
from engine.triggering.notices.marked import MarkedNotices

_ACTIONS = (NEW_DEVICE, NEW_NETWORK, LOGIN_REFUSED)
_LOOK_SECONDS = 5.0
_BETWEEN = timedelta(minutes=5)
"""Between two notices: what happens meanwhile is in the next one."""
_READ, _LISTED = 5_000, 5
_REMEDY = "If this was not you: end the session or revoke the token, and set another password."


class SignInMark(Struct, frozen=True):
    """What people know, and what has been counted."""

    number: int
    """The number of the last line of the audit trail that was looked at."""
    hour: str = ""
    """The hour, in UTC, in which `refused` sign-ins were refused."""
    refused: int = 0
    reported_hour: str = ""
    """The last hour that people were notified of for its many refusals."""
    told_at: str = ""

    @property
    def text(self) -> str:
        """Its form in the switch."""
        return json.dumps(structs.asdict(self))


@dataclass
class SignInNotices:
    """Looks for such sign-ins; in one thread of the leading server."""

    notices: MarkedNotices
    audit: AuditLog
    clock: Clock
    origin: Callable[[], str]
    """Returns the public address of the server."""
    _look_at: float = 0.0

    def look(self) -> None:
        """Notify if there is something new and it is time. Raises StorageError, Renamed, Fenced."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        wanted, written = self.notices.channel.settings, self.notices.mark
        if not wanted.sign_ins:
            self.notices.forget()
        elif not written:
            self.notices.begin(SignInMark(self.audit.last_number()).text)
        else:
            mark = SignInMark(**json.loads(written))
            is_early = mark.told_at and self.clock() - moment_of(mark.told_at) < _BETWEEN
            if not is_early and not self.notices.is_waiting:
                self._look(written, mark, wanted.refused_sign_ins)

    def _look(self, written: str, mark: SignInMark, many: int) -> None:
        lines = self.audit.after(mark.number, _ACTIONS, _READ)
        if not lines:
            return
        after, sentences = seen(mark, lines, many)
        if not sentences:
            self.notices.tell(written, after.text, None)
            return
        after = structs.replace(after, told_at=timestamp(self.clock()))
        self.notices.tell(written, after.text, said(sentences, self.origin()))


def seen(mark: SignInMark, lines: Sequence[AuditLine], many: int) -> tuple[SignInMark, list[str]]:
    """Return what is known after these lines of the audit trail, and sentences on what people should know."""
    sentences, hour, refused, reported, latest = list[str](), mark.hour, mark.refused, mark.reported_hour, None
    for line in lines:
        if line.action != LOGIN_REFUSED:
            sentences.append(_sentence(line))
            continue
        this_hour = timestamp(line.at)[:13]  # such as 2026-03-01T09
        refused = refused + 1 if this_hour == hour else 1
        hour = this_hour
        if refused >= many and reported != hour:
            reported, latest = hour, line
    if latest is not None:
        count = refused if reported == hour else many
        whose = f"the account {latest.target}" if latest.target != UNKNOWN_USER else "a user who does not exist"
        sentences.insert(
            0,
            f"{count:,} sign-ins were refused since {reported[11:]}:00 UTC, one of them for {whose} {latest.detail}.",
        )
    return SignInMark(lines[-1].number, hour, refused, reported, mark.told_at), sentences


def said(sentences: Sequence[str], origin: str) -> Mapping[str, str]:
    """Return the inputs of the notice."""
    listed = [*sentences[:_LISTED]]
    if len(sentences) > _LISTED:
        listed.append(f"And {len(sentences) - _LISTED:,} more.")
    return {"message": "\n\n".join(listed), "remedy": _REMEDY, "link": f"{origin}/audit"}


def _sentence(line: AuditLine) -> str:
    detail: Mapping[str, Any] = json.loads(line.detail)
    if line.action == NEW_DEVICE:
        where = f" at {detail['address']}" if detail["address"] else ""
        return f"{line.target} signed in with a new browser{where}: {detail['browser'] or 'unknown'}."
    return f"The API token {detail['name']!r} of {line.target} is used from a new network: {detail['network']}."
