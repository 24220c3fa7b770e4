"""One look at a service: what is new becomes runs, and the cursor moves, in one transaction.

So each thing starts exactly one run, whatever dies when: before the transaction nothing has happened, after it all has.
What was listed before (an overlap, a cursor that did not move) is told by the set of seen ids, in the same transaction.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from clients.deadline import deadline
from clients.errors import AuthError, BadAnswer, NotFound, RateLimited, ServiceError, Timeout
from clients.patience import patience
from engine.clock import Clock
from engine.errors import OrchestraError, StorageError
from engine.expressions.expressions import compact_json
from engine.names import timestamp
from engine.people.access import Principal
from engine.runner.fault_points import reached
from engine.runs.acceptor import Acceptor, Wish
from engine.store.acceptances import Acceptances, Entry, Renamed
from engine.trigger import Found, Item, Look, Start, TriggerType
from engine.triggering import items as item_rows
from engine.triggering.items import ItemRows
from engine.triggering.mapping import error_of, inputs_of, is_for_good
from engine.triggering.policies import policy_of
from engine.triggering.prepared import Prepared, short_title
from engine.triggering.rows import Key, Moved, move, require_unmoved, start_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from engine.triggering.finder import Watched

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
_LOOK_SECONDS = 120.0
_READ_SECONDS = 60.0
_PAUSES_SECONDS = (0.3, 1.0)
"""Before a call is made a second and a third time: one answer that was lost must not hold up a hundred mails."""
_PIECE = 10
"""So many things are read before they are stored."""
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError)
"""What a thing that nobody thought of may raise: it alone is dead. A machine that refuses (OSError) is no such case."""
UNFIT = (OrchestraError, BadAnswer, *_FAULTS)
"""What making inputs of a thing may raise (BadAnswer: it is nested too deep); no service is asked for that."""
GONE = "it was gone before it could be read"


@dataclass(frozen=True)
class Looked:
    """What a look has stored."""

    stored: Sequence[Prepared] = ()
    has_more: bool = False
    failure: Exception | None = None
    """Why it broke off; what was stored before that counts, and the cursor has not moved."""

    @property
    def run_ids(self) -> list[str]:
        """The runs that were queued."""
        return [one.entry.acceptance["run_id"] for one in self.stored if one.entry is not None]


@dataclass
class Looks:
    """Makes looks; any thread."""

    items: ItemRows
    acceptances: Acceptances
    acceptor: Acceptor
    clock: Clock
    is_stopped: Callable[[], bool] = field(default=lambda: False)

    def look(self, watched: Watched, row: Row[Any]) -> Looked:
        """Look once, from where the row stands, and store what was found, up to where somebody else was faster.

        Raises StorageError, Fenced; what the service says is `failure`.
        """
        look = self.made(watched, row.cursor, start_of(row.start))
        try:
            found = listed(watched.named.trigger.kind, look)
            fresh = self._fresh(watched.key, found.items)
        except (ServiceError, OrchestraError) as error:
            if isinstance(error, StorageError):
                raise
            return Looked(failure=error)
        return self._taken(watched, row, look, found, fresh)

    def _taken(self, watched: Watched, row: Row[Any], look: Look, found: Found, fresh: Sequence[Item]) -> Looked:
        """Read and store what is new piece by piece: a service that stumbles, or a crash, costs the last piece only.

        The cursor moves with the last one.
        """
        stored: list[Prepared] = []
        for begin in range(0, max(len(fresh), 1), _PIECE):
            prepared, failure = self._prepared(watched, look, fresh[begin : begin + _PIECE])
            is_whole = failure is None and begin + _PIECE >= len(fresh)
            if prepared:
                reached("before items")
            mark = partial(require_unmoved, row=row)
            if is_whole:
                mark = partial(move, row=row, values=place(watched, look, found, [one.item for one in prepared], row))
            try:
                stored += self._stored(watched, look, prepared, mark) if prepared or is_whole else ()
            except (Moved, Renamed):  # the next look takes the files as they are then
                return Looked(stored)
            if prepared:
                reached("after items")
            if failure is not None:
                return Looked(stored, failure=failure)
        return Looked(stored, found.has_more)

    def made(self, watched: Watched, cursor: str | None, start: Start) -> Look:
        """Return what a look is made with."""
        return Look(
            fields=watched.named.fields,
            client=watched.client,
            now=self.clock(),
            cursor=None if cursor is None else json.loads(cursor),
            start=start,
            unseen=lambda ids: self.items.unseen(watched.key, ids),
            around=watched.around,
        )

    def prepare(self, watched: Watched, look: Look, item: Item) -> Prepared:
        """Read a thing and make a run of it; dead where that cannot be. Raises ServiceError where it may work later."""
        read = read_thing(watched.named.trigger.kind, look, item)
        return read if read.state == "dead" or read.item.skip else self._with_run(watched, read.item)

    def _with_run(self, watched: Watched, item: Item) -> Prepared:
        trigger = watched.named.trigger
        try:
            wish = Wish(inputs_of(trigger, item), trigger=_told(watched.key, item))
            principal = Principal(f"trigger:{trigger.id}", "operator")
            entry = self.acceptor.entry(principal, watched.named.plan, wish, "runs.start")
        except StorageError:
            raise
        except UNFIT as error:
            return Prepared(item, error=error_of(error))
        return Prepared(item, replace(entry, lane=watched.key.workflow))

    def _fresh(self, key: Key, listed_: Sequence[Item]) -> list[Item]:
        """Return what is new of a list, each thing once."""
        by_id = {item.id: item for item in reversed(listed_)}
        return [by_id[one] for one in self.items.unseen(key, [item.id for item in listed_])]

    def _prepared(
        self, watched: Watched, look: Look, fresh: Sequence[Item]
    ) -> tuple[list[Prepared], ServiceError | None]:
        """Prepare new things in order, up to the first that may work only later."""
        done: list[Prepared] = []
        for item in fresh:
            if self.is_stopped():
                return done, _Stopped("The engine is stopping.")
            try:
                done.append(self.prepare(watched, look, item))
            except ServiceError as error:
                return done, error
        return done, None

    def _stored(
        self, watched: Watched, look: Look, prepared: Sequence[Prepared], mark: Callable[[Connection], None]
    ) -> Sequence[Prepared]:
        """Store runs and seen things; `mark` moves the cursor in the same transaction, or sees that it stands."""
        kept: list[Prepared] = []
        policy = policy_of(watched.named.plan.concurrency)

        def chosen(connection: Connection) -> list[Entry]:
            mark(connection)
            new = set(item_rows.unseen(connection, watched.key, [one.item.id for one in prepared]))
            kept[:] = policy(connection, watched.key.workflow, [one for one in prepared if one.item.id in new])
            item_rows.keep(connection, watched.key, [one.row(look.now) for one in kept])
            return [one.entry for one in kept if one.entry is not None]

        self.acceptances.store_within(chosen)
        return kept


def place(watched: Watched, look: Look, found: Found, taken: Sequence[Item], row: Row[Any] | None) -> dict[str, Any]:
    """Return what a row holds after a good look that took these things; `row`: as it was, None at the first look."""
    poll = timedelta(seconds=watched.named.trigger.poll_seconds)
    cursor = compact_json(found.cursor)
    has_moved = row is None or cursor != row.cursor or bool(taken)
    until = look.now if found.has_more and has_moved else found.look_again_at or look.now + poll
    dated = [item.at for item in (*found.items, *taken) if item.at is not None]
    newest = timestamp(max(dated)) if dated else None
    return {
        "cursor": cursor,
        "looked_at": timestamp(look.now),
        "succeeded_at": timestamp(look.now),
        "look_again_at": timestamp(until),
        "item_at": max(filter(None, [row and row.item_at, newest]), default=None),
        "failures": 0,
        "error": None,
        "note": found.note,
    }


class _Stopped(ServiceError):
    """A look is broken off because the engine stops; what was stored before counts."""


def listed(kind: TriggerType, look: Look) -> Found:
    """Ask the type what is new. Raises ServiceError."""
    return _patiently(_LOOK_SECONDS, lambda: kind.look(look))


def read_thing(kind: TriggerType, look: Look, item: Item) -> Prepared:
    """Return a thing with its value, or why it has none for ever. Raises ServiceError where it may work later."""
    if item.skip or item.value is not None:
        return Prepared(item)
    try:
        return Prepared(_patiently(_READ_SECONDS, lambda: kind.read(look, item)))
    except NotFound:
        return Prepared(replace(item, skip=GONE))
    except ServiceError as error:
        if not is_for_good(error):
            raise
        return Prepared(item, error=error_of(error))
    except _FAULTS as error:
        _log.exception("%s could not be read: %s", kind.name, item.id)
        return Prepared(item, error=error_of(error))


def _patiently(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """Ask a service, again where it stumbles and says so at once. Raises ServiceError.

    A request over HTTP is sent again by itself, which keeps a look of many alive. All of it is asked again only where
    what failed was none, or was not sent again: a line to a mail server, an answer that was cut.
    """
    pauses = iter(_PAUSES_SECONDS)
    while True:
        with deadline(seconds), patience(*_PAUSES_SECONDS) as requests:
            try:
                return ask()
            except ServiceError as error:
                pause = next(pauses, None)
                if pause is None or requests.has_run_out or not _is_stumble(error):
                    raise
        time.sleep(pause)


def _is_stumble(error: ServiceError) -> bool:
    return error.retryable and not isinstance(error, RateLimited | AuthError | Timeout)


def _told(key: Key, item: Item) -> dict[str, str]:
    """Return what a run says of the thing that it was started for."""
    return {
        "id": key.trigger,
        "source": key.source,
        "account": key.account,
        "item": item.id,
        "title": short_title(item),
    }
