"""What a service may ask for instead of answering: to come again at a time it names. Then the run waits; no try failed.

A service that keeps asking is asked ever more rarely, and not for more than a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from clients.errors import RateLimited, ServiceError
from engine.names import moment_of, timestamp

MOMENT_SECONDS = 2.0
"""What is so short is waited for within the call, and counts as an attempt."""
LONGEST_SECONDS = 24 * 3600.0
"""In all, for one step. GitHub's and Google's longest limits are by the hour and by the day."""
_LONGEST_OWN_SECONDS = 900.0
_NOT_PUT_AWAY_SECONDS = 10.0
_PACE_NOT_PUT_AWAY_SECONDS = 60.0


def asks_to_wait(error: Exception) -> bool:
    """Tell whether an error is a service's wish that the call comes again later, with a time that can be waited for."""
    if not isinstance(error, RateLimited) or error.retry_after_seconds is None:
        return False
    return MOMENT_SECONDS < error.retry_after_seconds <= LONGEST_SECONDS


def hold(
    error: Exception, earlier: Mapping[str, Any] | None, now: datetime, deadline: datetime | None
) -> dict[str, Any] | None:
    """Return what the run writes down to wait as the service wishes: {due_at, held}; None where the step has failed.

    `earlier`: what it wrote down when the same step was asked to wait before; `deadline`: when the time of the
    workflow, or of what is around the step, is over: nothing is waited for that is later.
    """
    if not asks_to_wait(error):
        return None
    assert isinstance(error, ServiceError)
    assert error.retry_after_seconds is not None
    before = earlier["held"] if is_hold(earlier) and earlier is not None else None
    asked = 1 + (before["asked"] if before else 0)
    since = moment_of(before["since"]) if before else now
    due_at = now + timedelta(seconds=max(error.retry_after_seconds, _own_seconds(error, asked)))
    latest = since + timedelta(seconds=LONGEST_SECONDS)
    if due_at > (latest if deadline is None else min(latest, deadline)):
        return None
    from clients.failures import name_of  # and with it HTTP, which a short command does without

    held = {
        "by": name_of(error.service),
        "message": error.message,
        "since": timestamp(since),
        "asked": asked,
        "is_pace": error.http_status is None,
    }
    return {"due_at": timestamp(due_at), "held": held}


def is_hold(written: Mapping[str, Any] | None) -> bool:
    """Tell whether a wait that a run has written down is one that a service asked for."""
    return written is not None and "held" in written


def patience_seconds(written: Mapping[str, Any]) -> float:
    """Return for how long a run is not put away for such a wait: it needs no thread, and a command need not end.

    A client that keeps its pace is a while on its way; who was refused should leave the service alone.
    """
    return _PACE_NOT_PUT_AWAY_SECONDS if written["held"].get("is_pace") else _NOT_PUT_AWAY_SECONDS


def _own_seconds(error: ServiceError, asked: int) -> float:
    """Return the least that is waited: doubling where the service itself refused (docs.github.com, rate limits).

    A client that only keeps its pace has asked nobody (no status): it knows how long that takes.
    """
    return 0.0 if error.http_status is None else min(_LONGEST_OWN_SECONDS, 2.0 ** min(asked, 20))
