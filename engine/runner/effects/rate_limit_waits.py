"""Rate limits: a service may ask for a retry at a later time; the run waits, and no attempt counts as failed.

If a service keeps asking, the waits grow longer; a step waits at most a day in all. A step that has waited for mail for
days does not fail either because the service is out of reach for a moment when it looks.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from clients.errors import RateLimited, ServiceError
from engine.base.clock import moment_of, timestamp
from engine.base.errors import BudgetExceeded, WritesHeld
from engine.base.services import service_of
from engine.record.types.step import HeldBudget, Hold, Wait

MOMENT_SECONDS = 2.0
"""A wait no longer than this happens within the call, and counts as an attempt."""
LONGEST_SECONDS = 24 * 3600.0
"""In all, for one step. The longest limits of GitHub and Google are hourly and daily."""
_LONGEST_OWN_SECONDS = 900.0
_OUT_OF_REACH_SECONDS = 30.0
"""The first wait for a service that cannot be reached; it doubles."""
# Waits that keep a run in memory: after a refusal, and while a client only paces itself (`patience_seconds`).
_NOT_PUT_AWAY_SECONDS = 10.0
_PACE_NOT_PUT_AWAY_SECONDS = 60.0


def asks_to_wait(error: Exception) -> bool:
    """Return whether an error asks to repeat the call later, at a time that is worth waiting for."""
    if not isinstance(error, RateLimited) or error.retry_after_seconds is None:
        return False
    return MOMENT_SECONDS < error.retry_after_seconds <= LONGEST_SECONDS


def hold(error: Exception, earlier: Wait | None, now: datetime, deadline: datetime | None) -> Wait | None:
    """Return the wait to record for the step, {due_at, held}; None if the step has failed.

    `earlier`: the wait recorded when the same step was last asked to wait; `deadline`: the end of the time limit of the
    workflow or of an enclosing step: no wait goes beyond it.
    """
    if isinstance(error, WritesHeld):
        why = f"{error.message} {error.remedy}"
        return {"due_at": None, "held": {"by": "AI-Orchestra", "message": why, "needs_person": True}}
    if isinstance(error, BudgetExceeded):
        return _paused(error, deadline)
    if not isinstance(error, ServiceError) or not (asks_to_wait(error) or _is_out_of_reach(error, earlier)):
        return None
    before = earlier["held"] if earlier is not None and is_hold(earlier) and "asked" in earlier["held"] else None
    asked = 1 + (before["asked"] if before else 0)
    since = moment_of(before["since"]) if before else now
    due_at = now + timedelta(seconds=max(error.retry_after_seconds or 0.0, _own_seconds(error, asked)))
    latest = since + timedelta(seconds=LONGEST_SECONDS)
    if due_at > (latest if deadline is None else min(latest, deadline)):
        return None
    service = service_of(error.service)
    held: Hold = {
        "by": service.error_name if service else error.service,
        "message": error.message,
        "since": timestamp(since),
        "asked": asked,
        "is_pace": asks_to_wait(error) and error.http_status is None,
    }
    return {"due_at": timestamp(due_at), "held": held}


def _is_out_of_reach(error: ServiceError, earlier: Wait | None) -> bool:
    """Return whether a step that has waited for mail could not look: it tries again, as the wait is not over."""
    return error.retryable and earlier is not None and "awaits" in earlier


def _paused(error: BudgetExceeded, deadline: datetime | None) -> Wait | None:
    """Return the wait for a budget to begin anew or be raised; None if that does not end within the time limit."""
    if deadline is not None and (error.due_at is None or error.due_at > deadline):
        return None
    due_at = None if error.due_at is None else timestamp(error.due_at)
    why = f"{error.message} {error.remedy}"
    budget: HeldBudget = {"period": error.period, "workflow": error.workflow}
    return {"due_at": due_at, "held": {"by": "AI-Orchestra", "message": why, "is_budget": True, "budget": budget}}


def is_pause(written: Wait) -> bool:
    """Return whether such a wait is for a budget."""
    return bool(written["held"].get("is_budget"))


def is_hold(written: Wait | None) -> bool:
    """Return whether a recorded wait is another's: a service, a budget or a stop of all writes asked for it."""
    return written is not None and "held" in written


def repeats_call(written: Wait | None) -> bool:
    """Return whether the step makes its call, perhaps again, once a recorded wait is over: it is not the output."""
    return written is not None and bool({"held", "call_hash", "paused", "awaits", "scheduled"} & written.keys())


def is_debugged(written: Wait | None) -> bool:
    """Return whether a recorded wait is a pause of a debug run, which its breakpoint ends (`Breakpoints`)."""
    return written is not None and "paused" in written


def needs_person(written: Wait) -> bool:
    """Return whether such a wait ends only when a person allows writing again."""
    return bool(written["held"].get("needs_person"))


def patience_seconds(written: Wait) -> float:
    """Return how long a run stays in memory during such a wait: it needs no thread, and a command need not end.

    A client that paces itself will soon continue; after a refusal the service should be left alone.
    """
    return _PACE_NOT_PUT_AWAY_SECONDS if written["held"].get("is_pace") else _NOT_PUT_AWAY_SECONDS


def _own_seconds(error: ServiceError, asked: int) -> float:
    """Return the minimum wait: it doubles with each refusal by the service (docs.github.com, rate limits).

    A client that only paces itself has sent no request (no status): it knows how long the wait takes.
    """
    # The exponent has a bound because 2.0 ** 1024 raises OverflowError.
    if not asks_to_wait(error):
        return min(_LONGEST_OWN_SECONDS, _OUT_OF_REACH_SECONDS * 2.0 ** min(asked - 1, 20))
    return 0.0 if error.http_status is None else min(_LONGEST_OWN_SECONDS, 2.0 ** min(asked, 20))
