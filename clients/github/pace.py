"""Limits how fast one account writes to GitHub, across all processes of a workspace.

"Best practices for using the REST API" (docs.github.com) asks for one second between writes; "Rate limits for the
REST API", section "secondary rate limits", allows 80 content-creating requests a minute and 500 an hour, and asks to
send nothing before the time that a refusal names: whoever continues may be banned.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence

import httpx
from msgspec import Struct
from msgspec.structs import replace

from clients.errors import RateLimited, ServiceError
from clients.pacing.paces import Paces, account_of

MOMENT_SECONDS = 2.0
"""A shorter wait blocks the sending thread; a longer one is an error that says when to come back."""
BETWEEN_SECONDS = 1.0
LIMITS = ((60.0, 80), (3600.0, 500))
_SPREAD_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOSTED = ".ghe.com"


def is_paced(base_url: str) -> bool:
    """Return whether an address is GitHub's own; on another server these limits are opt-in."""
    host = httpx.URL(base_url).host
    return host == "api.github.com" or host.endswith(_HOSTED)


def free_at(written_at: Sequence[float], now: float) -> float:
    """Return the earliest time for a write that keeps all limits, given the writes of the last hour, oldest first."""
    moments = [now, *(written_at[-1:] and [written_at[-1] + BETWEEN_SECONDS])]
    moments += [written_at[-most] + seconds for seconds, most in LIMITS if len(written_at) >= most]
    return max(moments)


class _Written(Struct, frozen=True):
    """The record of an account: when it wrote in the last hour, and until when it may send nothing."""

    turns: tuple[float, ...] = ()
    closed_until: float = 0.0

    @classmethod
    def read(cls, pace: str) -> _Written:
        """Return the record in a text that `text` wrote; an empty record for an empty text."""
        if not pace:
            return cls()
        known = json.loads(pace)
        return cls(tuple(known["turns"]), known["closed_until"])

    def text(self) -> str:
        """Return the record as text."""
        return json.dumps({"turns": self.turns, "closed_until": self.closed_until})

    def since(self, now: float) -> _Written:
        """Return the record without writes that no longer count; those far ahead precede a clock that was set back."""
        return replace(
            self, turns=tuple(at for at in self.turns if now - LIMITS[-1][0] < at <= now + 10 * MOMENT_SECONDS)
        )


class Pace:
    """The write slots of one account, for all processes that share `paces`.

    Thread-safe. Two tokens of one person are counted separately, as their owner is not known without a request.
    """

    def __init__(
        self,
        paces: Paces,
        token: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._paces, self._clock, self._sleep = paces, clock, sleep
        self._account = account_of("github", token)
        self._lock = threading.Lock()
        self._closed_until = self._looked_at = 0.0
        self._told = 0.0

    def before(self, method: str) -> None:
        """Wait briefly if needed; raises RateLimited, with the time, if the wait would be longer."""
        now = self._clock()
        if method in _READS:
            self._look(now)
            self._require_open(self._closed_until, now)
            return
        with self._lock:
            go_at = self._turn(now)
        if go_at > now:
            self._sleep(go_at - now)

    def after(self, error: ServiceError, resource: str) -> None:
        """Record a refusal: if it concerns the whole account, nothing more is sent before its time.

        `resource`: GitHub's name of the exhausted limit; search has its own.
        """
        if isinstance(error, RateLimited) and error.retry_after_seconds is not None and resource in {"", "core"}:
            until = self._clock() + error.retry_after_seconds

            def closed(pace: str) -> tuple[str, float]:
                known = _Written.read(pace)
                longest = max(known.closed_until, until)
                return replace(known, closed_until=longest).text(), longest

            with self._lock:
                self._closed_until = max(self._closed_until, self._paces.change(self._account, closed, is_hold=True))

    def _look(self, now: float) -> None:
        """Learn how long other processes have been asked to wait, at most once a second."""
        if abs(now - self._looked_at) >= _LOOK_SECONDS:
            self._looked_at = now
            self._closed_until = max(self._closed_until, _Written.read(self._paces.get(self._account)).closed_until)

    def _turn(self, now: float) -> float:
        """Reserve the next slot and return its time. Raises RateLimited if that is not soon."""

        def reserved(pace: str) -> tuple[str, float]:
            known = _Written.read(pace).since(now)
            self._closed_until = max(self._closed_until, known.closed_until)
            self._require_open(self._closed_until, now)
            go_at = free_at(known.turns, now)
            if go_at - now <= MOMENT_SECONDS:
                known = replace(known, turns=(*known.turns, go_at))
            return known.text(), go_at

        go_at = self._paces.change(self._account, reserved)
        if go_at - now <= MOMENT_SECONDS:
            return go_at
        # Callers that were sent away come back one after the other.
        self._told = min(max(go_at, self._told + BETWEEN_SECONDS), go_at + _SPREAD_SECONDS)
        raise _later("GitHub accepts 80 writes a minute and 500 an hour; this one has to wait.", self._told - now)

    def _require_open(self, until: float, now: float) -> None:
        if until > now:
            # More than a moment: the step then waits, without using up an attempt.
            raise _later("GitHub asked this account to wait.", max(until - now, MOMENT_SECONDS + 0.5))


def _later(why: str, seconds: float) -> RateLimited:
    return RateLimited(why, service="github", retry_after_seconds=round(seconds, 3), outcome="not_done")
