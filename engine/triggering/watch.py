"""Watches every trigger that is on, in the serving process: one thread that looks at the clock, a few that look out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.clock import Clock
from engine.errors import OrchestraError
from engine.names import moment_of
from engine.store.owners import Fenced
from engine.triggering.polls import Polls
from engine.triggering.rows import Key, TriggerRows, key_of

if TYPE_CHECKING:
    from sqlalchemy import Row

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.5
_IDLE_SECONDS = 3.0
"""While nothing is on: what another process turns on is seen then."""
_AT_ONCE = 4
"""So many services are looked at side by side: a slow one holds up no other."""
_CHECK_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_PUT_BACK = timedelta(seconds=60)


class Watch:
    """Runs until it is closed, or another process has taken over. `check`: what is looked after every half minute."""

    def __init__(self, rows: TriggerRows, polls: Polls, clock: Clock, check: Callable[[], None]) -> None:
        self._rows, self._polls, self._clock, self._check = rows, polls, clock, check
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._busy: dict[Key, threading.Thread] = {}
        self._lock = threading.Lock()
        self._idle_version: int | None = None
        """The version of the state in which no trigger is on; None where one is, or may be."""
        self._thread = threading.Thread(target=self._run, name="triggers", daemon=True)

    @property
    def is_stopped(self) -> bool:
        """Tell whether looks that are under way should end soon."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin, in threads of its own."""
        self._thread.start()

    def look_now(self) -> None:
        """See at once whether something is due."""
        self._wake.set()

    def close(self) -> None:
        """Begin no more looks, and wait a little for those under way; what they have not stored has not happened."""
        self._stopped.set()
        self._wake.set()
        ends_at = time.monotonic() + _CLOSE_SECONDS
        with self._lock:
            threads = [self._thread, *self._busy.values()]
        for thread in threads:
            if thread.is_alive():
                thread.join(timeout=max(0.0, ends_at - time.monotonic()))

    def _run(self) -> None:
        check_at = time.monotonic() + _CHECK_SECONDS
        while not self._stopped.is_set():
            self._wake.clear()
            self._guarded(self._begin_looks)
            if time.monotonic() >= check_at:
                self._guarded(self._check)
                check_at = time.monotonic() + _CHECK_SECONDS
            self._wake.wait(_TICK_SECONDS if self._idle_version is None else _IDLE_SECONDS)

    def _begin_looks(self) -> None:
        version = self._rows.version()
        if version == self._idle_version:
            return
        now, rows = self._clock(), self._rows.on()
        self._idle_version = None if rows else version
        for row in rows:
            if _is_due(row, now):
                self._begin(row)

    def _begin(self, row: Row[Any]) -> None:
        with self._lock:
            if len(self._busy) >= _AT_ONCE or key_of(row) in self._busy or self._stopped.is_set():
                return
            thread = threading.Thread(target=self._look, args=(row,), name=f"trigger {row.trigger}", daemon=True)
            self._busy[key_of(row)] = thread
        thread.start()

    def _look(self, row: Row[Any]) -> None:
        try:
            self._guarded(lambda: self._polls.poll(row))
        finally:
            with self._lock:
                self._busy.pop(key_of(row), None)
            self._wake.set()

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Do something that is tried again soon, whatever it meets."""
        try:
            work()
        except Fenced:
            self._stopped.set()
        except OrchestraError as error:
            _log.error("%s", error)
            self._stopped.wait(_TICK_SECONDS)  # a disk that refuses is not asked without a pause
        except Exception:  # noqa: BLE001 - the others are watched all the same
            _log.exception("watching triggers broke down")
            self._stopped.wait(_TICK_SECONDS)


def _is_due(row: Row[Any], now: datetime) -> bool:
    """Tell whether to look; also where the last look lies ahead: the clock was wrong then, and has been put right."""
    if row.look_again_at is None or moment_of(row.look_again_at) <= now:
        return True
    is_ahead = row.looked_at is not None and moment_of(row.looked_at) - now > _PUT_BACK
    return is_ahead and row.look_again_at >= row.looked_at
