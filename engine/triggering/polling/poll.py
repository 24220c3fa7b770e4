"""One poll of a service: new items become runs and the cursor moves, in one transaction.

So each item starts exactly one run, whatever crashes and when: before the transaction nothing has happened, after it
everything has. A poll may list an item again (overlapping ranges, a cursor that did not move); the set of seen ids,
updated in the same transaction, filters it out.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field, structs

from clients.deadline import deadline
from clients.errors import AuthError, BadAnswer, NotFound, RateLimited, ServiceError, Timeout
from clients.read_retry import retrying_reads
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import ConfirmationNeeded, Fenced, InUse, OrchestraError, StorageError
from engine.base.statuses import Priority
from engine.expressions.json_values import compact_json
from engine.people.access import Principal
from engine.plugins.trigger import Found, Item, Look, OwnWrite, Start, TriggerType
from engine.record.types.run import TriggerItem
from engine.runner.effects.fault_points import reached
from engine.runner.tags.run_tags import outside_inputs_of_trigger
from engine.runs.starting.run_request import RunRequest
from engine.store.acceptances import Acceptances, Polled, PollSelection, Renamed
from engine.store.triggering.triggered_runs import MadeByRuns, TriggeredRuns
from engine.store.triggering.triggers import ItemRecord, Moved, SeenItems, TriggerKey, TriggerPosition, TriggerRecord
from engine.triggering.polling.mapping import error_of, inputs_of, is_for_good
from engine.triggering.polling.policies import policy_of
from engine.triggering.polling.prepared import Prepared, short_sender, short_title
from engine.triggering.polling.reading import MOST_FAILING, PollReading, note_on
from engine.triggering.polling.starts import start_of

if TYPE_CHECKING:
    from engine.runs.starting.acceptor import Acceptor
    from engine.triggering.polling.resolver import Watched

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
_LOOK_SECONDS = 120.0
_READ_SECONDS = 60.0
_PAUSES_SECONDS = (0.3, 1.0)
"""Pauses before the second and third attempt of a call: one lost answer must not hold up a hundred mails."""
_PIECE = 10
"""The number of items that are read before they are stored."""
PASSED_ON = (StorageError, ServiceError, ConfirmationNeeded, Fenced, InUse, OSError)
"""Errors that say nothing about a single item: they concern our state, the service, this machine or missing consent."""
MADE = "a run of this workflow made it"
_MADE_COUNTS = timedelta(days=30)
"""What older runs have made was seen long ago."""
_OPEN_COUNTS = timedelta(hours=1)
GONE = "it was gone before it could be read"


class StoredPoll(Struct, frozen=True):
    """What a poll has stored."""

    stored: Sequence[Prepared] = ()
    has_more: bool = False
    waits: bool = False
    """Whether nothing was stored because a run is writing what the trigger watches: what it makes is not known yet."""
    failure: Exception | None = None
    """Why it was interrupted; what was stored before that counts, and the cursor has not moved."""

    @property
    def run_ids(self) -> list[str]:
        """The runs that were queued."""
        return [one.entry.acceptance["run_id"] for one in self.stored if one.entry is not None]


class TriggerPolls(Struct):
    """Makes polls; any thread."""

    items: SeenItems
    acceptances: Acceptances
    acceptor: Acceptor
    clock: Clock
    runs: TriggeredRuns
    is_stopped: Callable[[], bool] = field(default=lambda: False)

    def look(self, watched: Watched, row: TriggerRecord) -> StoredPoll:
        """Poll once from the cursor in `row`, and store what was found, unless another poll was faster.

        Raises StorageError, Fenced; errors of the service are returned as `failure`.
        """
        look = self.made(watched, row.cursor, start_of(row.start))
        failing = self.items.failing(watched.key, MOST_FAILING)
        try:
            found = listed(watched.named.trigger.kind, look)
            fresh = [_listed(one) for one in failing] + self._fresh(watched.key, found.items)
        except (ServiceError, OrchestraError) as error:
            if isinstance(error, StorageError):
                raise
            return StoredPoll(failure=error)
        before = {one.item: one.attempts for one in failing}
        made = self._made(watched, fresh)
        if made.open_since and look.now - moment_of(made.open_since) < _OPEN_COUNTS:
            return StoredPoll(waits=True)
        reading = PollReading(
            partial(self.prepare, watched, look, made=made.made), self.is_stopped, before, row.failures
        )
        return self._taken(watched, row, look, found, fresh, reading)

    def _taken(
        self,
        watched: Watched,
        row: TriggerRecord,
        look: Look,
        found: Found,
        fresh: Sequence[Item],
        reading: PollReading,
    ) -> StoredPoll:
        """Read and store new items piece by piece: a failing service or a crash costs only the last piece.

        The cursor moves with the last piece.
        """
        stored: list[Prepared] = []
        for begin in range(0, max(len(fresh), 1), _PIECE):  # once even without items, since the cursor moves
            prepared, failure = reading.piece(fresh[begin : begin + _PIECE])
            is_whole = failure is None and begin + _PIECE >= len(fresh)
            if prepared:
                reached("before items")
            reached_place = None
            if is_whole:
                told = structs.replace(found, note=_note(found, [*stored, *prepared]))
                reached_place = place(watched, look, told, [one.item for one in prepared], row)
            try:
                stored += self._stored(watched, row, look, prepared, reached_place) if prepared or is_whole else ()
            except (Moved, Renamed):  # the next poll uses the files as they are then
                return StoredPoll(stored)
            if prepared:
                reached("after items")
            if failure is not None:
                return StoredPoll(stored, failure=failure)
        return StoredPoll(stored, found.has_more)

    def made(self, watched: Watched, cursor: str | None, start: Start) -> Look:
        """Return the parameters of a poll."""
        return Look(
            fields=watched.named.fields,
            client=watched.client,
            now=self.clock(),
            cursor=None if cursor is None else json.loads(cursor),
            start=start,
            unseen=lambda ids: self.items.unseen(watched.key, ids),
            around=watched.around,
        )

    def _made(self, watched: Watched, fresh: Sequence[Item]) -> MadeByRuns:
        """Return what runs of the workflow have made of what the trigger watches; asked after the service."""
        kind = watched.named.trigger.kind
        if not kind.made_by or all(one.skip for one in fresh):
            return MadeByRuns([], "")
        return self.runs.made(watched.key.workflow, kind.made_by, timestamp(self.clock() - _MADE_COUNTS))

    def prepare(self, watched: Watched, look: Look, item: Item, *, made: Sequence[OwnWrite] = ()) -> Prepared:
        """Read an item and prepare its run; if that is impossible, the item is dead.

        Raises ServiceError and ConfirmationNeeded if it may work later.
        """
        kind = watched.named.trigger.kind
        read = read_thing(kind, look, item)
        if read.state != "dead" and not read.item.skip and made and kind.is_made(look, read.item, made):
            return Prepared(structs.replace(read.item, value=None, skip=MADE))
        return read if read.state == "dead" or read.item.skip else self._with_run(watched, read.item)

    def _with_run(self, watched: Watched, item: Item) -> Prepared:
        trigger = watched.named.trigger
        try:
            run_id, files = self.acceptor.new_files()
            inputs = inputs_of(trigger, item, files.copied)
            wanted = RunRequest(
                inputs,
                trigger=_told(watched.key, item),
                outside_inputs=outside_inputs_of_trigger(watched.named.plan, trigger.id, inputs),
                usual_priority=Priority.LOW,
                run_id=run_id,
            )
            principal = Principal(f"trigger:{trigger.id}", "operator")
            entry = self.acceptor.prepare(principal, watched.named.plan, wanted, "runs.start")
        except PASSED_ON as error:
            if not isinstance(error, BadAnswer):  # it is nested too deeply: no service was called
                raise
            return Prepared(item, error=error_of(error))
        except Exception as error:  # noqa: BLE001 - a bug met by one item must not stop the others
            return Prepared(item, error=error_of(error))
        return Prepared(item, replace(entry, lane=watched.key.workflow))

    def _fresh(self, key: TriggerKey, listed_: Sequence[Item]) -> list[Item]:
        """Return the new items of a list, without duplicates."""
        by_id = {item.id: item for item in reversed(listed_)}  # of duplicates, the first remains
        return [by_id[one] for one in self.items.unseen(key, [item.id for item in listed_])]

    def _stored(
        self, watched: Watched, row: TriggerRecord, look: Look, prepared: Sequence[Prepared], to: TriggerPosition | None
    ) -> Sequence[Prepared]:
        """Store runs and seen items, and move the cursor `to` a place; without one, check that it is unchanged."""
        kept: list[Prepared] = []
        concurrency = watched.named.plan.concurrency
        policy = policy_of(concurrency)

        def choose(new: Sequence[str], is_busy: bool) -> PollSelection:  # noqa: FBT001 - a fact, not a switch
            kept[:] = policy([one for one in prepared if one.item.id in new], is_busy)
            entries = [one.entry for one in kept if one.entry is not None]
            cancels = concurrency.policy == "cancel_previous" and bool(entries)
            return PollSelection([one.record(watched.key, look.now) for one in kept], entries, cancels)

        ids = [one.item.id for one in prepared]
        self.acceptances.polled(Polled(row, to, ids, choose, asks_if_busy=concurrency.policy == "skip"))
        return kept


def _listed(failing: ItemRecord) -> Item:
    """Return an item that could not be read yet, as it was listed."""
    at = None if failing.item_at is None else moment_of(failing.item_at)
    return Item(failing.item, None, failing.title, at)


def place(
    watched: Watched, look: Look, found: Found, taken: Sequence[Item], row: TriggerRecord | None
) -> TriggerPosition:
    """Return where a trigger is after a successful poll that took these items. `row`: as it was, None at first."""
    poll = timedelta(seconds=watched.named.trigger.poll_seconds)
    cursor = compact_json(found.cursor)
    has_moved = row is None or cursor != row.cursor or bool(taken)
    until = look.now if found.has_more and has_moved else found.look_again_at or look.now + poll
    dated = [item.at for item in (*found.items, *taken) if item.at is not None]
    newest = timestamp(max(dated)) if dated else None
    return TriggerPosition(
        cursor=cursor,
        looked_at=timestamp(look.now),
        succeeded_at=timestamp(look.now),
        look_again_at=timestamp(until),
        item_at=max(filter(None, [row and row.item_at, newest]), default=None),
        note=found.note,
    )


def _note(found: Found, stored: Sequence[Prepared]) -> str:
    return " ".join(filter(None, [found.note, note_on([one for one in stored if one.state == "failing"])]))


def listed(kind: TriggerType, look: Look) -> Found:
    """Ask the trigger type for new items. Raises ServiceError."""
    return _patiently(_LOOK_SECONDS, lambda: kind.look(look))


def read_thing(kind: TriggerType, look: Look, item: Item) -> Prepared:
    """Return an item with its value, or why it can never have one. Raises ServiceError if it may work later."""
    if item.error:
        return Prepared(item, error=error_of(BadAnswer(item.error)))
    if item.skip or item.value is not None:
        return Prepared(item)
    try:
        return Prepared(_patiently(_READ_SECONDS, lambda: kind.read(look, item)))
    except NotFound:
        return Prepared(structs.replace(item, skip=GONE))
    except ServiceError as error:
        if not is_for_good(error):
            raise
        return Prepared(item, error=error_of(error))
    except PASSED_ON:
        raise
    except Exception as error:  # noqa: BLE001 - a bug met by one item must not stop the others
        _log.exception("%s could not be read: %s", kind.name, item.id)
        return Prepared(item, error=error_of(error))


def _patiently(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """Call a service, and repeat the call if it fails quickly. Raises ServiceError.

    HTTP requests are already retried by the client, which keeps a poll of many items alive. The whole call is repeated
    only for failures outside of that: a connection to a mail server, an incomplete response.
    """
    pauses = iter(_PAUSES_SECONDS)
    while True:
        with deadline(seconds), retrying_reads(*_PAUSES_SECONDS) as requests:
            try:
                return ask()
            except ServiceError as error:
                pause = next(pauses, None)
                if pause is None or requests.has_run_out or not _is_stumble(error):
                    raise
        time.sleep(pause)


def _is_stumble(error: ServiceError) -> bool:
    # The three do not pass within a second, and a timeout has used up the patience already.
    return error.retryable and not isinstance(error, RateLimited | AuthError | Timeout)


def _told(key: TriggerKey, item: Item) -> TriggerItem:
    """Return what a run records about the item that started it."""
    told: TriggerItem = {
        "id": key.trigger,
        "source": key.source,
        "account": key.account,
        "item": item.id,
        "title": short_title(item),
    }
    return {**told, "sender": short_sender(item)} if item.sender else told
