"""Keeps the mail of an account below what its provider lets it send, so that the provider does not refuse it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from msgspec import Struct, field
from pydantic import Field

from clients.errors import InvalidRequest, RateLimited, ServiceError
from clients.pacing.paces import Paces, account_of
from clients.wording import counted

_DAY, _MINUTE = 24 * 3600.0, 60.0
_GRAIN = 300.0
"""What is sent within so many seconds is counted together: the pace stays a small text."""
_SHORTEST = 3.0
"""A shorter wait would happen within the call, and not be told as one."""


RecipientsPerDay = Annotated[
    int | None,
    Field(
        ge=0,
        description="The most recipients in 24 hours; after that, runs wait. Empty: the provider's known limit. "
        "0: no limit.",
    ),
]
"""The setting of a connection that sends mail."""


class SendingLimit(Struct, frozen=True):
    """What a provider lets an account send; 0: no limit is known."""

    mails_per_day: int = 0
    """In any 24 hours."""
    recipients_per_day: int = 0
    """In any 24 hours: each address in To, Cc and Bcc of each mail counts."""
    mails_per_minute: int = 0


class _Sent(Struct):
    """What an account has sent, oldest first; times are seconds since 1970."""

    day: list[tuple[float, int, int]] = field(default_factory=list)
    """Time of the newest, mails, recipients."""
    minute: list[float] = field(default_factory=list)


class SendingPace:
    """Counts what an account sends, in all processes that share `paces`. Thread-safe."""

    def __init__(
        self,
        service: str,
        account: Callable[[], str],
        limit: Callable[[str], SendingLimit],
        paces: Paces,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`limit` returns that of an account."""
        self._service, self._account, self._limit = service, account, limit
        self._paces, self._clock = paces, clock

    @contextmanager
    def sending(self, recipients: int) -> Iterator[None]:
        """Count a mail while it is sent; one that was certainly not sent does not count.

        Raises RateLimited, with the wait, if a limit is reached; InvalidRequest if the mail alone is above it.
        """
        account = self._account()
        limit = self._limit(account)
        # Also without a limit: it may be set later today.
        key = account_of(f"{self._service} sending", account.lower())

        def more(pace: str) -> tuple[str, float]:
            at = self._clock()  # while nobody else changes the pace: what is there is older
            sent = _known(pace, at)
            self._require_room(sent, limit, account, recipients, at)
            return _changed(sent, at, 1, recipients), at

        at = self._paces.change(key, more)
        try:
            yield
        except ServiceError as error:
            if error.outcome == "not_done":
                self._paces.change(key, lambda pace: (_changed(_known(pace, self._clock()), at, -1, -recipients), None))
            raise

    def _require_room(self, sent: _Sent, limit: SendingLimit, account: str, recipients: int, at: float) -> None:
        mails, people = [(one[0], one[1]) for one in sent.day], [(one[0], one[2]) for one in sent.day]
        before, most = sum(count for _, count in mails), limit.mails_per_day
        if most and before >= most:
            said = f"The limit of {account} is {counted(most, 'mail')} in 24 hours; {before:,} sent so far."
            raise self._too_many(said, _free_at(mails, before + 1 - most) - at)
        before, most = sum(count for _, count in people), limit.recipients_per_day
        if most and recipients > most:
            raise InvalidRequest(
                f"The mail has {recipients:,} recipients, and {account} may send to {most:,} in 24 hours.",
                service=self._service,
                remedy="Send it to fewer people at once.",
                outcome="not_done",
            )
        if most and before + recipients > most:
            said = f"The limit of {account} is {counted(most, 'recipient')} in 24 hours; {before:,} used so far."
            raise self._too_many(said, _free_at(people, before + recipients - most) - at)
        most = limit.mails_per_minute
        if most and len(sent.minute) >= most:
            said = f"The limit of {account} is {counted(most, 'mail')} a minute; others are ahead of this one."
            raise self._too_many(said, sent.minute[-most] + _MINUTE - at)

    def _too_many(self, said: str, wait: float) -> RateLimited:
        seconds = max(wait, _SHORTEST)
        return RateLimited(said, service=self._service, retry_after_seconds=seconds, outcome="not_done")


def _known(pace: str, at: float) -> _Sent:
    """Return what still counts; what lies far ahead was written before a clock was set back."""
    told = json.loads(pace) if pace else {"day": [], "minute": []}
    day = [(when, mails, recipients) for when, mails, recipients in told["day"] if at - _DAY < when <= at + _GRAIN]
    return _Sent(day, [when for when in told["minute"] if at - _MINUTE < when <= at])


def _changed(sent: _Sent, at: float, mails: int, recipients: int) -> str:
    """Return the pace after more, or fewer, mails at a time."""
    known = {when // _GRAIN: (when, some, people) for when, some, people in sent.day}
    newest, some, people = known.get(at // _GRAIN, (at, 0, 0))
    # All of a grain count until a day after the newest of them: no more than the limit goes out in any 24 hours.
    known[at // _GRAIN] = (max(newest, at), max(0, some + mails), max(0, people + recipients))
    minute = [*sent.minute, at] if mails > 0 else [one for one in sent.minute if one != at]
    day = [[*one] for _, one in sorted(known.items()) if any(one[1:])]
    return json.dumps({"day": day, "minute": minute})


def _free_at(day: list[tuple[float, int]], wanted: int) -> float:
    """Return when so many of these do not count any more."""
    begun = [when for when, _ in day]
    sums = itertools.accumulate(count for _, count in day)
    return next((when for when, total in zip(begun, sums, strict=True) if total >= wanted), begun[-1]) + _DAY
