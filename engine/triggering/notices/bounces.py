"""Notify people of mail that could not be delivered, if `notifications.bounces` says so.

What people know is the number of a report, in a small switch that moves in the transaction that stores the notice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct, structs

from clients.wording import counted
from engine.base.clock import Clock, moment_of, timestamp
from engine.people.access import NOTIFIER
from engine.runs.bounced import bounced_words
from engine.store.bounces import BouncedMail, Bounces
from engine.store.runs import RunStore
from engine.triggering.notices.channel import TELLER
from engine.triggering.notices.failed_runs import run_link
from engine.triggering.notices.marked import MarkedNotices

_LOOK_SECONDS = 5.0
_BETWEEN = timedelta(minutes=5)
"""Between two notices: what is noticed meanwhile is in the next one."""
_READ, _LISTED = 500, 5
_REMEDY = "Anybody can send such a report: read it first. Then check the address, and send the mail again."
_CLOSED = "Mail of a private workflow could not be delivered. The page of its run says more."


class _Mark(Struct, frozen=True):
    """What people know: the reports up to a number, and since when."""

    number: int
    told_at: str = ""

    @property
    def text(self) -> str:
        """Its form in the switch."""
        return json.dumps(structs.asdict(self))


@dataclass
class BounceNotices:
    """Looks for new reports; in one thread of the leading server."""

    notices: MarkedNotices
    bounces: Bounces
    runs: RunStore
    clock: Clock
    origin: Callable[[], str]
    """Returns the public address of the server."""
    is_closed: Callable[[str], bool]
    """Returns whether only some may see the workflow with a name, or that had it."""
    _look_at: float = 0.0

    def look(self) -> None:
        """Notify if there is something new and it is time. Raises StorageError, Renamed, Fenced."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        written = self.notices.mark
        if not self.notices.channel.settings.bounces:
            self.notices.forget()
        elif not written:
            self.notices.begin(_Mark(self.bounces.last_number()).text)
        else:
            mark = _Mark(**json.loads(written))
            is_early = mark.told_at and self.clock() - moment_of(mark.told_at) < _BETWEEN
            if not is_early and not self.notices.is_waiting:
                self._tell(written, mark)

    def _tell(self, written: str, mark: _Mark) -> None:
        found = [*self.bounces.after(mark.number, _READ)]
        if not found:
            return
        # What is late may still arrive, and a notice that bounces must not lead to another notice.
        failed = [one for one in found if one.action == "failed" and not self._is_notice(one)]
        told_at = timestamp(self.clock()) if failed else mark.told_at
        self.notices.tell(written, _Mark(found[-1].number, told_at).text, self._said(failed) if failed else None)

    def _is_notice(self, one: BouncedMail) -> bool:
        row = self.runs.get(one.run_id)
        teller = self.notices.channel.settings.workflow
        return row is None or row.started_by in {TELLER.id, NOTIFIER.id} or row.workflow == teller

    def _said(self, failed: Sequence[BouncedMail]) -> Mapping[str, str]:
        """Return the inputs of the notice, without what says anything of closed workflows."""
        rows = {one.run_id: self.runs.get(one.run_id) for one in failed}
        names = {run_id: row.workflow if row is not None else "" for run_id, row in rows.items()}
        open_ones = [one for one in failed if not self.is_closed(names[one.run_id])]
        lines = [f"{bounced_words(one)}\n{run_link(self.origin(), one.run_id)}" for one in open_ones[:_LISTED]]
        more = len(open_ones) - _LISTED
        lines += [f"And {counted(more, 'more recipient')}."] if more > 0 else []
        lines += [_CLOSED] if len(open_ones) < len(failed) else []
        about = {"message": "\n\n".join(lines), "remedy": _REMEDY, "link": f"{self.origin()}/runs"}
        if len({(one.run_id, one.path) for one in failed}) == 1 and open_ones:
            one = open_ones[0]
            about |= {"run": one.run_id, "step": one.path, "workflow": names[one.run_id]}
            about["link"] = run_link(self.origin(), one.run_id)
        return about
