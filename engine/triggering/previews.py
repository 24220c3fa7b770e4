"""What a trigger would process now: the same look, and nothing of it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clients.errors import ServiceError
from engine.errors import OrchestraError
from engine.names import timestamp
from engine.runs.acceptance import checked_inputs
from engine.trigger import Found, Item, Look, Start
from engine.triggering.costs import Costs
from engine.triggering.finder import Named, Watched
from engine.triggering.looks import UNFIT, Looks, listed, read_thing
from engine.triggering.mapping import error_of, inputs_of
from engine.triggering.prepared import short_title
from engine.triggering.rows import start_of
from engine.triggering.status import PreviewItem, TriggerError, TriggerPreview

_READ = 20
"""So many are read, to show the inputs of their runs; of the others only what the list says is shown."""
_SHOWN = 100
_MOST_ITEMS = 1000
_MOST_LOOKS = 50


@dataclass(frozen=True)
class Previews:
    """Makes previews; any thread."""

    looks: Looks
    costs: Costs

    def preview(self, watched: Watched, row: Any, start: Start | None) -> TriggerPreview:
        """Return what a look would find: from where the trigger stands, or as the first one with `start`.

        `row`: of the trigger, None where it was never on. Raises ServiceError.
        """
        begun = start if start is not None or row is None else start_of(row.start)
        cursor = None if start is not None or row is None else row.cursor
        look = self.looks.made(watched, cursor, begun or Start())
        fresh, found = _looked_through(watched, look)
        wanted = [item for item in fresh if not item.skip]
        shown = self._read(watched, look, wanted[:_READ])
        inputs = [one.inputs for one in shown if one.inputs is not None]
        rest = [_unread(item) for item in (*wanted[len(shown) :], *(item for item in fresh if item.skip))]
        return TriggerPreview(
            items=[*shown, *rest][:_SHOWN],
            count=len(wanted),
            has_more=found.has_more,
            note=found.note,
            cost=self.costs.estimate(watched.named.plan, len(wanted), inputs) if wanted else None,
        )

    def _read(self, watched: Watched, look: Look, wanted: Sequence[Item]) -> list[PreviewItem]:
        """Read things up to the first that may work only later: a service that is down is not asked for each."""
        shown: list[PreviewItem] = []
        for item in wanted:
            try:
                shown.append(self._shown(watched, look, item))
            except ServiceError as error:
                return [*shown, _line(item, None, TriggerError(**error_of(error)))]
        return shown

    def _shown(self, watched: Watched, look: Look, item: Item) -> PreviewItem:
        """Read one thing. Raises ServiceError where it may work later."""
        try:
            read = read_thing(watched.named.trigger.kind, look, item)
            if read.error is not None:
                return _line(item, None, TriggerError(**read.error))
            if read.item.skip:
                return _line(read.item, None, None)
            return _with_inputs(watched.named, read.item)
        except OrchestraError as error:
            return _line(item, None, TriggerError(**error_of(error)))


def _with_inputs(named: Named, item: Item) -> PreviewItem:
    """Show the inputs of the run of a thing that was read, or why it would have none."""
    try:
        return _line(item, checked_inputs(named.plan, inputs_of(named.trigger, item)), None)
    except UNFIT as error:
        return _line(item, None, TriggerError(**error_of(error)))


def _looked_through(watched: Watched, look: Look) -> tuple[list[Item], Found]:
    """Return what is new, in as many looks as that takes up to a limit, and the last look's answer."""
    fresh: dict[str, Item] = {}

    def unseen(ids: Iterable[str]) -> list[str]:
        return [one for one in look.unseen(ids) if one not in fresh]

    found = Found([], look.cursor, has_more=True)
    for _ in range(_MOST_LOOKS):
        if not found.has_more or len(fresh) >= _MOST_ITEMS:
            break
        found = listed(watched.named.trigger.kind, replace(look, cursor=found.cursor, unseen=unseen))
        new = set(unseen([item.id for item in found.items]))
        fresh.update({item.id: item for item in found.items if item.id in new})
    return list(fresh.values()), found


def _unread(item: Item) -> PreviewItem:
    return _line(item, None, None)


def _line(item: Item, inputs: dict[str, Any] | None, error: TriggerError | None) -> PreviewItem:
    at = None if item.at is None else timestamp(item.at)
    return PreviewItem(item.id, short_title(item), at, item.skip, inputs, error)


def titles(items: Sequence[PreviewItem]) -> list[str]:
    """Return what people know the things by that would start runs."""
    return [item.title or item.id for item in items if not item.skip]
