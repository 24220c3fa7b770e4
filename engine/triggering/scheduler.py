"""Watch every trigger that is on, in the serving process: one thread watches the clock, a few make polls.

The rows in the state are the only schedule: each holds the time of its next poll. The thread reads them twice a second,
and so notices what any other process turns on, turns off or requests. Nothing has to be kept in sync, and nothing is
lost when the process dies. While no trigger is on and nobody writes to the state, it does not even read the rows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.base.clock import Clock, moment_of
from engine.base.errors import Fenced, OrchestraError
from engine.store.broadcasts import ChangeWatch
from engine.store.triggering.triggers import TriggerKey, TriggerRecord, TriggerStore
from engine.triggering.polling.polling_loop import PollingLoop

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.5
_IDLE_SECONDS = 3.0
"""The wait while no trigger is on; one turned on by another process is noticed then."""
_AT_ONCE = 4
"""Triggers that are polled in parallel: a slow service holds up no other."""
_CHECK_SECONDS = 30.0
_LONG_SECONDS = 900.0
"""A poll that lasts longer is logged: while it does, one trigger less can be polled in parallel."""
_CLOSE_SECONDS = 5.0
_PUT_BACK = timedelta(seconds=60)


class Scheduler:
    """Runs until it is closed or another process has taken over. `check` is called every half minute.

    `leads`: whether this server, of all that share the state, is the one that watches. `attend` gets the triggers that
    are on whenever they are read, and none while this server does not watch.
    """

    def __init__(
        self,
        rows: TriggerStore,
        changes: ChangeWatch,
        polls: PollingLoop,
        clock: Clock,
        check: Callable[[], None],
        leads: Callable[[], bool] = lambda: True,
        attend: Callable[[Sequence[TriggerRecord]], None] = lambda rows: None,
    ) -> None:
        self._leads, self._attend = leads, attend
        self._changes = changes
        self._rows, self._polls, self._clock, self._check = rows, polls, clock, check
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._busy: dict[TriggerKey, threading.Thread] = {}
        self._began_at: dict[TriggerKey, float] = {}
        """When each poll began, by the monotonic clock, until it ends or has been logged as long."""
        self._lock = threading.Lock()
        self._idle_version: int | None = None
        """The version of the state in which no trigger is on; None if one is or may be."""
        self._thread = threading.Thread(target=self._run, name="triggers", daemon=True)

    @property
    def is_stopped(self) -> bool:
        """Tell whether polls in progress should end soon."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Start the threads."""
        self._thread.start()

    def look_now(self) -> None:
        """Check at once whether a poll is due."""
        self._wake.set()

    def close(self) -> None:
        """Start no more polls, and wait briefly for those in progress; what they have not stored has not happened."""
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
            if not self._leads():
                self._guarded(lambda: self._attend(()))
                self._wake.wait(_IDLE_SECONDS)
                continue
            self._guarded(self._begin_looks)
            if time.monotonic() >= check_at:
                self._guarded(self._check)
                self._log_long_polls()
                check_at = time.monotonic() + _CHECK_SECONDS
            self._wake.wait(_TICK_SECONDS if self._idle_version is None else _IDLE_SECONDS)
        self._guarded(lambda: self._attend(()))

    def _begin_looks(self) -> None:
        version = self._changes.version()
        if version == self._idle_version:
            return
        now, rows = self._clock(), self._rows.on()
        self._idle_version = None if rows else version
        for row in rows:
            if _is_due(row, now):
                self._begin(row)
        self._attend(rows)

    def _begin(self, row: TriggerRecord) -> None:
        with self._lock:
            if len(self._busy) >= _AT_ONCE or row.key in self._busy or self._stopped.is_set():
                return
            thread = threading.Thread(target=self._look, args=(row,), name=f"trigger {row.trigger}", daemon=True)
            self._busy[row.key] = thread
            self._began_at[row.key] = time.monotonic()
        thread.start()

    def _look(self, row: TriggerRecord) -> None:
        try:
            self._guarded(lambda: self._polls.poll(row))
        finally:
            with self._lock:
                self._busy.pop(row.key, None)
                self._began_at.pop(row.key, None)
            self._wake.set()

    def _log_long_polls(self) -> None:
        """Log each poll that has lasted too long, once."""
        now = time.monotonic()
        with self._lock:
            long = [key for key, began_at in self._began_at.items() if now - began_at >= _LONG_SECONDS]
            for key in long:
                del self._began_at[key]
        for key in long:
            _log.warning(
                "The poll of the trigger %s (%s) has lasted %d minutes; at most %d triggers are polled at once.",
                *(key.trigger, key.source, _LONG_SECONDS // 60, _AT_ONCE),
            )

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Call `work` and log any error; it will be tried again soon."""
        try:
            work()
        except Fenced:
            self._stopped.set()
        except OrchestraError as error:
            _log.error("%s", error)
            self._stopped.wait(_TICK_SECONDS)  # pause before the next attempt on a failing disk
        except Exception:  # noqa: BLE001 - the other triggers are still watched
            _log.exception("watching triggers broke down")
            self._stopped.wait(_TICK_SECONDS)


def _is_due(row: TriggerRecord, now: datetime) -> bool:
    """Tell whether to poll; also if the last poll is in the future: the clock was wrong then and has been corrected."""
    if row.look_again_at is None or moment_of(row.look_again_at) <= now:
        return True
    if row.looked_at is None or moment_of(row.looked_at) - now <= _PUT_BACK:
        return False
    return row.look_again_at >= row.looked_at
