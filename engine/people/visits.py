"""When somebody was last here, so that the dashboard can say what has happened since."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import StorageError
from engine.people.access import Principal
from engine.people.operation import operation
from engine.store.settings import Settings

GAP = timedelta(minutes=30)
"""Whoever comes back after as long as this begins another visit."""
_NOTED_EVERY = timedelta(minutes=1)


class Visits:
    """The `visits` area: for each person the end of their previous visit, and when they were last seen."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    @operation("visits.note", None, "", "Note that somebody is here")
    def note(self, p: Principal) -> str | None:
        """Note that a person is here now, and return when their previous visit ended; None during the first."""
        now = self._clock()
        ended, seen = _times(self._settings.get(_key(p.id)))
        is_new = bool(seen) and now - moment_of(seen) >= GAP
        if is_new or not seen or now - moment_of(seen) >= _NOTED_EVERY:
            with suppress(StorageError):  # a state that cannot be written is still shown
                self._settings.put(_key(p.id), f"{seen if is_new else ended} {timestamp(now)}")
        return (seen if is_new else ended) or None


def is_visit_of(user_id: str, key: str) -> bool:
    """Return whether a setting is about the visits of a user."""
    return key == _key(user_id)


def _times(value: str) -> tuple[str, str]:
    """Return when the previous visit ended and when the person was last seen; "" if unknown."""
    ended, _, seen = value.partition(" ")
    return ended, seen


def _key(user_id: str) -> str:
    return f"visit.{user_id}"
