"""How fast one account writes to GitHub, in all processes of a workspace: slower than GitHub would put up with.

"Best practices for using the REST API" (docs.github.com) asks for a second between two writes; "Rate limits for the
REST API", part "secondary rate limits", takes 80 requests that make content a minute and 500 an hour, and says to send
nothing at all before the time that a refusal names: whoever goes on may be shut out.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from clients.errors import RateLimited, ServiceError

MOMENT_SECONDS = 2.0
"""What is so short is waited for in the thread that sends; for more, the caller is told to come again."""
BETWEEN_SECONDS = 1.0
LIMITS = ((60.0, 80), (3600.0, 500))
_SPREAD_SECONDS = 60.0
_LOCK_SECONDS = 5.0
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOSTED = ".ghe.com"


def is_paced(base_url: str) -> bool:
    """Tell whether an address is GitHub's own; a server of one's own has these limits only where its owner wants."""
    host = httpx.URL(base_url).host
    return host == "api.github.com" or host.endswith(_HOSTED)


def free_at(written_at: Sequence[float], now: float) -> float:
    """Give the first moment when a write keeps all limits, after those of the last hour, oldest first."""
    moments = [now, *(written_at[-1:] and [written_at[-1] + BETWEEN_SECONDS])]
    moments += [written_at[-most] + seconds for seconds, most in LIMITS if len(written_at) >= most]
    return max(moments)


class Pace:
    """The turns of one account, kept in `file` for all processes that name the same; None: for this one only.

    Threads may share it. Two tokens of the same person count apart: who they are would have to be asked first.
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
        """Wait a moment where a request must; raises RateLimited, with the time, where it must wait longer."""
        now = self._clock()
        if method in _READS:
            self._require_open(self._closed_until, now)
            return
        with self._lock:
            go_at = self._turn(now)
        if go_at > now:
            self._sleep(go_at - now)

    def after(self, error: ServiceError, resource: str) -> None:
        """Take note of a refusal: where it is about the whole account, nothing more is sent before its time.

        `resource`: what GitHub calls the part that is used up; the search has a limit of its own.
        """
        if isinstance(error, RateLimited) and error.retry_after_seconds is not None and resource in {"", "core"}:
            until = self._clock() + error.retry_after_seconds
            with self._lock, self._rows() as rows:
                rows.execute("INSERT OR REPLACE INTO closed VALUES (?, ?)", (self._account, until))
                self._closed_until = max(self._closed_until, until)

    def _turn(self, now: float) -> float:
        """Take the next turn and give its time. Raises RateLimited where that is not soon."""
        with self._rows() as rows:
            # What lies far ahead was written before the clock was put back.
            rows.execute("DELETE FROM turns WHERE at <= ? OR at > ?", (now - LIMITS[-1][0], now + 10 * MOMENT_SECONDS))
            closed = rows.execute("SELECT until FROM closed WHERE account = ?", (self._account,)).fetchone()
            self._closed_until = max(self._closed_until, closed[0] if closed else 0.0)
            self._require_open(self._closed_until, now)
            turns = rows.execute("SELECT at FROM turns WHERE account = ? ORDER BY at", (self._account,)).fetchall()
            go_at = free_at([at for (at,) in turns], now)
            if go_at - now <= MOMENT_SECONDS:
                rows.execute("INSERT INTO turns VALUES (?, ?)", (self._account, go_at))
                return go_at
        # Those who are sent away come back one after the other.
        self._told = min(max(go_at, self._told + BETWEEN_SECONDS), go_at + _SPREAD_SECONDS)
        raise _later("GitHub takes 80 writes a minute and 500 an hour: this one has to wait.", self._told - now)

    def _require_open(self, until: float, now: float) -> None:
        if until > now:
            raise _later("GitHub asked this account to wait.", max(until - now, MOMENT_SECONDS + 0.5))

    @contextmanager
    def _rows(self) -> Iterator[sqlite3.Connection]:
        """Give the turns of all processes, alone; where they cannot be written those of this process must do."""
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
                return _begun(sqlite3.connect(self._file, timeout=_LOCK_SECONDS, isolation_level=None))
            except sqlite3.Error:
                pass
        if self._memory is None:
            self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        return _begun(self._memory)


def _begun(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA synchronous=OFF")  # a turn that is forgotten does no harm
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS turns (account TEXT, at REAL)")
    connection.execute("CREATE TABLE IF NOT EXISTS closed (account TEXT PRIMARY KEY, until REAL)")
    return connection


def _later(why: str, seconds: float) -> RateLimited:
    return RateLimited(why, service="github", retry_after_seconds=round(seconds, 3), outcome="not_done")
