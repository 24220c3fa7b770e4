"""When to poll again after a failed poll."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from clients.errors import AuthError, ServiceError

_LONGEST_SECONDS = 15 * 60.0
_LONGEST_ASKED_SECONDS = 24 * 3600.0
_FILE_SECONDS = 60.0
_JITTER = 0.2
_MOST_DOUBLINGS = 20  # far beyond the longest wait; 2**1024 would be too large for a float


def after_failure(
    error: Exception, failures: int, poll_seconds: float, now: datetime, chance: random.Random
) -> datetime:
    """Return when to poll again after so many failures in a row (from 1).

    For a failing service the wait doubles each time, to a quarter of an hour at most. It is at least what the service
    asks for, up to a day, with jitter so that triggers do not all return at once. A problem on our side (file, account)
    is polled again soon, since it may be fixed at any moment.
    """
    if not isinstance(error, ServiceError) or isinstance(error, AuthError):
        return now + timedelta(seconds=min(max(poll_seconds, 1.0), _FILE_SECONDS))
    seconds = min(poll_seconds * 2 ** min(failures - 1, _MOST_DOUBLINGS), _LONGEST_SECONDS)
    seconds *= chance.uniform(1 - _JITTER, 1 + _JITTER)
    return now + timedelta(seconds=max(seconds, min(error.retry_after_seconds or 0.0, _LONGEST_ASKED_SECONDS)))
