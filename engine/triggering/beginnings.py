"""Turning a trigger on: the first look is made there and then, so that nothing is lost that comes before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from clients.errors import AuthError
from engine.errors import InvalidInput
from engine.people.access import Principal
from engine.store.acceptances import Entry
from engine.trigger import Found, Look, Start
from engine.triggering import items as item_rows
from engine.triggering.finder import Finder, Named, Watched
from engine.triggering.looks import Looks, listed, place
from engine.triggering.prepared import Prepared
from engine.triggering.rows import TriggerRows, TurnedOn, needs_start, start_of, turn_on

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CHOICES = {"now": "`--from now`", "last": "`--last N`", "since": "`--since DATE`"}


@dataclass(frozen=True)
class Beginnings:
    """Turns triggers on; any thread, in any process."""

    rows: TriggerRows
    looks: Looks
    finder: Finder
    agree: Callable[[Principal, str], None]
    """Agrees that a workflow runs on the real accounts it would now touch."""

    def begin(self, p: Principal, watched: Watched, start: Start | None) -> None:
        """Turn a trigger on with `start`, or with None from where it was.

        Raises InvalidInput where it was never on and there is a choice, StorageError, ServiceError: then nothing is on.
        """
        row = self.rows.get(watched.key)
        if start is None and (row is None or needs_start(row)):
            start = _only_start(watched.named)
        has_place = start is None and row is not None and row.cursor is not None
        begun = start if start is not None else start_of(row.start) if row is not None else Start()
        look = self.looks.made(watched, None, begun)
        found = None if has_place else self._found(watched, look)
        self.agree(p, watched.key.workflow)
        named = watched.named
        on = TurnedOn(begun, named.trigger.kind.name, named.mode == "demo", p.id, look.now)
        if found is None:
            self.rows.go_on(watched.key, on)
        else:
            self._store(watched, on, look, found)

    def _found(self, watched: Watched, look: Look) -> Found:
        """Look for the first time. Raises ServiceError."""
        try:
            return listed(watched.named.trigger.kind, look)
        except AuthError as error:
            self.finder.refused(watched, error)
            raise

    def _store(self, watched: Watched, on: TurnedOn, look: Look, found: Found) -> None:
        """Turn it on from where its first look ends, and keep what does not count: both, or neither."""
        left_out = {item.id: item for item in found.items if item.skip}
        values = place(watched, look, found, [], None)

        def chosen(connection: Connection) -> list[Entry]:
            turn_on(connection, watched.key, on, values)
            new = item_rows.unseen(connection, watched.key, left_out)
            item_rows.keep(connection, watched.key, [Prepared(left_out[one]).row(look.now) for one in new])
            return []

        self.looks.acceptances.store_within(chosen)


def require_choice(named: Named, start: Start | None, now: datetime) -> None:
    """Refuse a start that the type does not offer, or that makes no sense. Raises InvalidInput."""
    if start is None:
        return
    kind = named.trigger.kind
    choice = "now" if start.is_now else "last" if start.last is not None else "since"
    if choice not in kind.start_from:
        offered = ", ".join(_CHOICES[one] for one in kind.start_from)
        raise InvalidInput(f"{kind.name} cannot begin with {_CHOICES[choice]}.", remedy=f"It offers {offered}.")
    if start.last is not None and start.since is not None:
        raise InvalidInput("Two beginnings are given: the last things, and a time.", remedy="Give one of the two.")
    if start.last is not None and start.last < 1:
        raise InvalidInput("At least the last one must be meant.", remedy="Give a number from 1.")
    if start.since is not None and start.since < _OLDEST:
        raise InvalidInput("Nothing is as old as that time.", remedy="Give one from 1970 on.")
    if start.since is not None and start.since > now:
        raise InvalidInput("That time is still to come.", remedy="Give one that has been.")


def _only_start(named: Named) -> Start:
    """Return the start of a type that offers one only. Raises InvalidInput for others: a person must choose."""
    kind = named.trigger.kind
    if kind.start_from != ("now",):
        offered = ", ".join(_CHOICES[one] for one in kind.start_from)
        raise InvalidInput("It was never on: say from where on things count as new.", remedy=f"Choose {offered}.")
    return Start()
