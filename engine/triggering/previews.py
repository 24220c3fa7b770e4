"""Preview what a trigger would process now: the same poll, but nothing of it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from clients.errors import AuthError, BadAnswer, RateLimited, ServiceError
from engine.base.clock import timestamp
from engine.base.errors import OrchestraError
from engine.base.run_file import FileContent
from engine.plugins.trigger import Found, Item, Look, Start
from engine.plugins.unconfirmed import unconfirmed_in
from engine.record.acceptance import checked_inputs
from engine.triggering.costs import Costs
from engine.triggering.polling.mapping import error_of, inputs_of
from engine.triggering.polling.poll import PASSED_ON, TriggerPolls, listed, read_thing
from engine.triggering.polling.prepared import short_title
from engine.triggering.polling.reading import IN_A_ROW
from engine.triggering.polling.starts import start_of
from engine.triggering.polling.status import PreviewItem, TriggerError, TriggerPreview

if TYPE_CHECKING:
    from engine.triggering.polling.resolver import NamedTrigger, Watched

_READ = 20
"""Items that are read to show the inputs of their runs; the rest are shown as listed."""
_SHOWN = 100
_MOST_ITEMS = 1000
_MOST_LOOKS = 50


class TriggerPreviews(Struct, frozen=True):
    """Makes previews; any thread."""

    looks: TriggerPolls
    costs: Costs

    def preview(self, watched: Watched, row: Any, start: Start | None) -> TriggerPreview:
        """Return what a poll would find: from where the trigger is, or as the first one with `start`.

        `row`: the row of the trigger, None if it was never on. Raises ServiceError.
        """
        begun = start if start is not None or row is None else start_of(row.start)
        cursor = None if start is not None or row is None else row.cursor
        look = self.looks.made(watched, cursor, begun or Start())
        fresh, found = _looked_through(watched, look)
        wanted = [item for item in fresh if not item.skip]
        skipped = [item for item in fresh if item.skip]
        shown = self._read(watched, look, wanted[:_READ])
        inputs = [one.inputs for one in shown if one.inputs is not None]
        rest = [_unread(item) for item in (*wanted[len(shown) :], *skipped)]
        count = len(wanted) - sum(1 for one in shown if one.skip)
        return TriggerPreview(
            items=[*shown, *rest][:_SHOWN],
            count=count,
            left_out=len(fresh) - count,
            has_more=found.has_more,
            note=found.note,
            cost=self.costs.estimate(watched.named.plan, count, inputs) if count else None,
            next_at=timestamp(found.look_again_at) if found.look_again_at is not None else None,
            time_zone=str(getattr(look.fields, "time_zone", None) or look.around.time_zone),
        )

    def _read(self, watched: Watched, look: Look, wanted: Sequence[Item]) -> list[PreviewItem]:
        """Read items, continuing after one that fails; stop calling a service that is down."""
        shown: list[PreviewItem] = []
        in_a_row = 0
        for item in wanted:
            try:
                shown.append(self._shown(watched, look, item))
                in_a_row = 0
            except (ServiceError, OSError) as error:
                shown.append(_line(item, None, TriggerError(**error_of(error))))
                in_a_row += 1
                if in_a_row >= IN_A_ROW or isinstance(error, AuthError | RateLimited):
                    break
        return shown

    def _shown(self, watched: Watched, look: Look, item: Item) -> PreviewItem:
        """Read one item. Raises ServiceError if it may work later."""
        try:
            read = read_thing(watched.named.trigger.kind, look, item)
            if read.error is not None:
                return _line(item, None, TriggerError(**read.error))
            if read.item.skip:
                return _line(read.item, None, None)
            return _with_inputs(watched.named, read.item)
        except OrchestraError as error:
            return _line(item, None, TriggerError(**error_of(error)))


def _with_inputs(named: NamedTrigger, item: Item) -> PreviewItem:
    """Return the inputs of the run for an item that was read, or why there can be no inputs."""
    try:
        return _line(item, checked_inputs(named.plan, inputs_of(named.trigger, item, _not_kept)), None)
    except BadAnswer as error:  # it is nested too deeply: no service was called
        return _line(item, None, TriggerError(**error_of(error)))
    except PASSED_ON:
        raise
    except Exception as error:  # noqa: BLE001 - a bug met by one item must not hide the others
        return _line(item, None, TriggerError(**error_of(error)))


def _not_kept(file: FileContent) -> dict[str, Any]:
    """Return a file as the inputs would have it; a preview stores nothing."""
    return {"$file": "", "name": file.name, "bytes": file.size_bytes, "media_type": file.media_type}


def _looked_through(watched: Watched, look: Look) -> tuple[list[Item], Found]:
    """Return the new items, in as many polls as that takes up to a limit, and the result of the last poll."""
    fresh: dict[str, Item] = {}

    def unseen(ids: Iterable[str]) -> list[str]:
        return [one for one in look.unseen(ids) if one not in fresh]

    found, wanted = Found([], look.cursor, has_more=True), 0
    for _ in range(_MOST_LOOKS):
        if not found.has_more or wanted >= _MOST_ITEMS:
            break
        found = listed(watched.named.trigger.kind, replace(look, cursor=found.cursor, unseen=unseen))
        new = set(unseen([item.id for item in found.items]))
        fresh.update({item.id: item for item in found.items if item.id in new})
        wanted = sum(1 for item in fresh.values() if not item.skip)
    return list(fresh.values()), found


def _unread(item: Item) -> PreviewItem:
    return _line(item, None, None)


def _line(item: Item, inputs: dict[str, Any] | None, error: TriggerError | None) -> PreviewItem:
    at = None if item.at is None else timestamp(item.at)
    return PreviewItem(item.id, short_title(item), at, item.skip, inputs, error, unconfirmed_in(item.value) > 0)


def titles(items: Sequence[PreviewItem]) -> list[str]:
    """Return the titles of the items that would start runs."""
    return [item.title or item.id for item in items if not item.skip]
