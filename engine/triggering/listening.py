"""Listens where a service says at once that there may be something new, as mail servers do, and wakes the polls there.

Nothing depends on it: a poll finds the same, only later. Each place, such as a folder of a mailbox, has one connection
in a thread of its own, as long as a trigger that watches it is on and its last poll was good. One begins anew when the
settings of its account change, and one that the service refuses also after a new sign-in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from clients.deadline import CancellationToken, ended_by
from clients.errors import AuthError, InvalidRequest, ServiceError
from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError
from engine.plugins.registry import trigger_type
from engine.store.triggering.triggers import TriggerKey, TriggerRecord, TriggerStore
from engine.triggering.polling.resolver import TriggerResolver

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 3.0
"""How often the files of the triggers are looked at again."""
_TOGETHER_SECONDS = 1.0
"""What comes within this time after the first is one poll."""
_PAUSE_SECONDS, _LONGEST_SECONDS = 5.0, 15 * 60.0
_STEADY_SECONDS = 60.0
"""After a connection that lasted so long, the pauses begin anew."""
_REFUSED_SECONDS = 6 * 3600.0
"""The pause if the service cannot tell, or rejects the sign-in: the polls say so."""
_CLOSE_SECONDS = 5.0


class Place(Struct, frozen=True):
    """What one connection listens to."""

    service: str
    account: str
    source: str


@dataclass
class _Ear:
    """One connection, and the triggers that it wakes."""

    keys: Sequence[TriggerKey]
    stopped: threading.Event = field(default_factory=threading.Event)
    cancellation: CancellationToken = field(default_factory=CancellationToken)
    thread: threading.Thread | None = None
    client: Any = None
    """The account that it last listened to; None before the first time."""
    refused: Hashable = None
    """The sign-in with which it ended, while it waits to try again."""

    def stop(self) -> None:
        """End the connection; the thread ends soon."""
        self.stopped.set()
        self.cancellation.now()


class Listening:
    """Keeps the connections; `attend` is called by one thread, `close` by any. `wake` makes due polls begin."""

    def __init__(self, rows: TriggerStore, resolver: TriggerResolver, clock: Clock, wake: Callable[[], None]) -> None:
        self._rows, self._resolver, self._clock, self._wake = rows, resolver, clock, wake
        self._ears: dict[Place, _Ear] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._looked_at, self._looked_for = 0.0, frozenset[tuple[TriggerKey, bool]]()

    def attend(self, rows: Sequence[TriggerRecord]) -> None:
        """Listen for those of these triggers that can hear something, and for no others."""
        able = [row for row in rows if row.error is None and _listens(row)]
        now, wanted = time.monotonic(), frozenset((row.key, row.demo) for row in able)
        if wanted == self._looked_for and (not wanted or now - self._looked_at < _LOOK_SECONDS):
            return
        self._looked_at, self._looked_for = now, wanted
        places: dict[Place, list[TriggerRecord]] = {}
        for row in able:
            if self._is_awake(row):
                places.setdefault(_place(row), []).append(row)
        self._change(places)

    def close(self) -> None:
        """End all connections, and wait briefly for their threads."""
        with self._lock:
            self._is_closed = True
            ears = list(self._ears.values())
        self._change({})
        ends_at = time.monotonic() + _CLOSE_SECONDS
        for ear in ears:
            if ear.thread is not None:
                ear.thread.join(max(0.0, ends_at - time.monotonic()))

    def _is_awake(self, row: TriggerRecord) -> bool:
        try:
            return not self._resolver.is_resting(row)
        except OrchestraError:  # its file cannot be read: the poll says so
            return False

    def _is_outdated(self, ear: _Ear, row: TriggerRecord) -> bool:
        """Return whether an account has other settings, or another sign-in than one that was refused."""
        if ear.client is None:
            return False
        is_refused_no_more = ear.refused is not None and ear.refused != ear.client.sign_in_version()
        return is_refused_no_more or self._resolver.known_client(row) is not ear.client

    def _change(self, places: Mapping[Place, Sequence[TriggerRecord]]) -> None:
        with self._lock:
            if self._is_closed:
                places = {}
            for place in [one for one in self._ears if one not in places]:
                self._ears.pop(place).stop()
            for place, rows in places.items():
                keys = [row.key for row in rows]
                if place in self._ears and self._is_outdated(self._ears[place], rows[0]):
                    self._ears.pop(place).stop()
                if place in self._ears:
                    self._ears[place].keys = keys
                else:
                    self._ears[place] = self._begun(place, keys)

    def _begun(self, place: Place, keys: Sequence[TriggerKey]) -> _Ear:
        ear = _Ear(keys)
        name = f"listening to {place.service} {place.source}"
        ear.thread = threading.Thread(target=self._run, args=(place, ear), name=name, daemon=True)
        ear.thread.start()
        return ear

    def _run(self, place: Place, ear: _Ear) -> None:
        failures = 0
        while not ear.stopped.is_set():
            begun_at = time.monotonic()
            error = self._listened(place, ear)
            if ear.stopped.is_set():
                return
            failures = 1 if time.monotonic() - begun_at > _STEADY_SECONDS else failures + 1
            if ear.client is not None:
                ear.refused = ear.client.sign_in_version()
            ear.stopped.wait(_pause(error, failures))

    def _listened(self, place: Place, ear: _Ear) -> Exception:
        """Listen until that ends; return why."""
        try:
            watched = self._resolver.watched(ear.keys[0])
            ear.client, ear.refused = watched.client, None
            with ended_by(ear.cancellation):
                watched.named.trigger.kind.listen(watched.named.fields, watched.client, lambda: self._heard(ear))
            return InvalidRequest("The service closed the connection.")
        except (ServiceError, OrchestraError) as error:
            if not ear.stopped.is_set():
                _log.info("%s (%s) is polled only, for now: %s", place.service, place.source, error)
            return error
        except Exception as error:  # noqa: BLE001 - polls go on without it
            _log.exception("listening to %s (%s) broke down", place.service, place.source)
            return error

    def _heard(self, ear: _Ear) -> None:
        if ear.stopped.is_set():
            return
        for key in ear.keys:
            self._rows.ask(key, timestamp(self._clock()))
        self._wake()
        ear.stopped.wait(_TOGETHER_SECONDS)


def _listens(row: TriggerRecord) -> bool:
    try:
        return trigger_type(row.uses).listens
    except OrchestraError:  # of a package that is gone
        return False


def _place(row: TriggerRecord) -> Place:
    return Place(str(trigger_type(row.uses).service), row.account, row.source)


def _pause(error: Exception, failures: int) -> float:
    if isinstance(error, InvalidRequest | AuthError):
        return _REFUSED_SECONDS
    return float(min(_PAUSE_SECONDS * 2 ** min(failures - 1, 20), _LONGEST_SECONDS))
