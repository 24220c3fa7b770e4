"""Limits how fast one account writes to GitHub, across all processes of a workspace.

"Best practices for using the REST API" (docs.github.com) asks for one second between writes; "Rate limits for the
REST API", section "secondary rate limits", allows 80 content-creating requests a minute and 500 an hour, and asks to
send nothing before the time that a refusal names: whoever continues may be banned.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from clients.errors import RateLimited, ServiceError

MOMENT_SECONDS = 2.0
"""A shorter wait blocks the sending thread; for a longer one the caller is asked to come back."""
BETWEEN_SECONDS = 1.0
LIMITS = ((60.0, 80), (3600.0, 500))
_SPREAD_SECONDS = 60.0
_LOCK_SECONDS = 5.0
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


class Pace:
    """The write slots of one account, kept in `file` for all processes that use it; None: for this process only.

    Thread-safe. Two tokens of one person are counted separately, as their owner is not known without a request.
    """

    def __init__(
        self,
        file: Path | None,
        token: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._file, self._clock, self._sleep = file, clock, sleep
        self._account = hashlib.sha256(f"github pace {token}".encode()).hexdigest()[:16]
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None
        self._closed_until = 0.0
        self._told = 0.0

    def before(self, method: str) -> None:
        """Wait briefly if needed; raises RateLimited, with the time, if the wait would be longer."""
        now = self._clock()
        if method in _READS:
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
            with self._lock, self._rows() as rows:
                rows.execute("INSERT OR REPLACE INTO closed VALUES (?, ?)", (self._account, until))
                self._closed_until = max(self._closed_until, until)

    def _turn(self, now: float) -> float:
        """Reserve the next slot and return its time. Raises RateLimited if that is not soon."""
        with self._rows() as rows:
            # Times far ahead were written before the clock was set back.
            rows.execute("DELETE FROM turns WHERE at <= ? OR at > ?", (now - LIMITS[-1][0], now + 10 * MOMENT_SECONDS))
            closed = rows.execute("SELECT until FROM closed WHERE account = ?", (self._account,)).fetchone()
            self._closed_until = max(self._closed_until, closed[0] if closed else 0.0)
            self._require_open(self._closed_until, now)
            turns = rows.execute("SELECT at FROM turns WHERE account = ? ORDER BY at", (self._account,)).fetchall()
            go_at = free_at([at for (at,) in turns], now)
            if go_at - now <= MOMENT_SECONDS:
                rows.execute("INSERT INTO turns VALUES (?, ?)", (self._account, go_at))
                return go_at
        # Callers that were sent away come back one after the other.
        self._told = min(max(go_at, self._told + BETWEEN_SECONDS), go_at + _SPREAD_SECONDS)
        raise _later("GitHub accepts 80 writes a minute and 500 an hour; this one has to wait.", self._told - now)

    def _require_open(self, until: float, now: float) -> None:
        if until > now:
            raise _later("GitHub asked this account to wait.", max(until - now, MOMENT_SECONDS + 0.5))

    @contextmanager
    def _rows(self) -> Iterator[sqlite3.Connection]:
        """Yield the slots of all processes, locked; if the file cannot be written, those of this process."""
        connection = self._begun()
        try:
            with connection:
                yield connection
        finally:
            if connection is not self._memory:
                connection.close()

    def _begun(self) -> sqlite3.Connection:
        if self._file is not None and self._memory is None:
            try:
                os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))  # owner-only, regardless of the umask
                return _begun(sqlite3.connect(self._file, timeout=_LOCK_SECONDS, isolation_level=None))
            except (sqlite3.Error, OSError):
                pass
        if self._memory is None:
            self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        return _begun(self._memory)


def _begun(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA synchronous=OFF")  # losing a slot in a crash does no harm
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS turns (account TEXT, at REAL)")
    connection.execute("CREATE TABLE IF NOT EXISTS closed (account TEXT PRIMARY KEY, until REAL)")
    return connection


def _later(why: str, seconds: float) -> RateLimited:
    return RateLimited(why, service="github", retry_after_seconds=round(seconds, 3), outcome="not_done")
