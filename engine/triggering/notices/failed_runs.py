"""Notify people of failed runs, at once or as a digest, as `notifications.failed_runs` says.

What people know is an end number (`runs.end_number`) in a small switch. It moves in the transaction that stores the
notice, so that a crash neither loses a notice nor sends it twice, and many failures are one notice.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from clients.wording import counted
from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import InvalidFile
from engine.base.statuses import StepStatus
from engine.base.step_path import StepPath
from engine.people.access import NOTIFIER
from engine.record.run_log import RunLogs
from engine.record.types.run import Run
from engine.record.types.step import refusal_of
from engine.store.triggering.triggered_runs import FailedRun, FailedRuns, TriggeredRuns
from engine.triggering.notices.channel import TELLER
from engine.triggering.notices.marked import MarkedNotices

AT_ONCE = "at_once"
_LOOK_SECONDS = 5.0
_SETTLES = timedelta(seconds=10)
"""How long after each failure to wait for others, so that they are one notice; at most `_SETTLED` after the first."""
_SETTLED = timedelta(seconds=60)
_BETWEEN = timedelta(minutes=5)
"""Between two notices `at_once`: what fails meanwhile is in the next one."""
_READ, _LISTED = 20, 5
_WORKFLOWS_LISTED = 20
_LONGEST = 200
_PRIVATE = "The workflow is private: its page says why."
_CLOSED = "A closed workflow"
_UNREAD = "Its page says why."


class _Mark(Struct, frozen=True):
    """What people know: failures up to an end number, since which notice (empty: none yet)."""

    end: int
    since: str
    told_at: str = ""

    @property
    def text(self) -> str:
        """Its form in the switch."""
        return json.dumps(structs.asdict(self))


@dataclass
class FailedRunNotices:
    """Looks for runs that failed since the last notice; in one thread of the leading server."""

    notices: MarkedNotices
    runs: TriggeredRuns
    logs: RunLogs
    clock: Clock
    time_zone: Callable[[], str]
    origin: Callable[[], str]
    """Returns the public address of the server."""
    is_closed: Callable[[str], bool]
    """Returns whether only some may see the workflow with a name, or that had it."""
    _look_at: float = 0.0
    _clean_until: int = 0
    """Up to which end number nothing has failed since the mark."""

    def look(self) -> None:
        """Notify if something has failed and it is time. Raises StorageError, Renamed, Fenced."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        when, written = self.notices.channel.settings.failed_runs, self.notices.mark
        if when is None:
            self.notices.forget()
        elif not written:
            self.notices.begin(_Mark(self.runs.last_end(), timestamp(self.clock())).text)
        else:
            mark = _Mark(**json.loads(written))
            if self._is_due(when, mark) and not self.notices.is_waiting:
                self._tell(when, written, mark)

    def _is_due(self, when: str, mark: _Mark) -> bool:
        now = self.clock()
        if when == AT_ONCE:
            return not mark.told_at or now - moment_of(mark.told_at) >= _BETWEEN
        return is_due(when, moment_of(mark.told_at or mark.since), now, self.time_zone())

    def _tell(self, when: str, written: str, mark: _Mark) -> None:
        number, teller = max(mark.end, self._clean_until), self.notices.channel.settings.workflow or ""
        starters = (TELLER.id, NOTIFIER.id)  # a notice that fails must not lead to another notice
        found = self.runs.failed_since(number, _READ, started_by=starters, workflow=teller)
        if when == AT_ONCE and not found.counts:
            self._clean_until = found.last_end
            return
        if when == AT_ONCE and not self._has_settled(found):
            return
        shown = self._failures(found)
        told_at = timestamp(self.clock()) if shown or when != AT_ONCE else mark.told_at
        told = said(*self._open(found, shown), self.origin()) if shown else None
        self.notices.tell(written, _Mark(found.last_end, mark.since, told_at).text, told)

    def _has_settled(self, found: FailedRuns) -> bool:
        now = self.clock()
        is_quiet = now - moment_of(found.newest[0].ended_at) >= _SETTLES
        return is_quiet or now - moment_of(found.first_at) >= _SETTLED

    def _open(self, found: FailedRuns, shown: Sequence[ShownFailure]) -> tuple[FailedRuns, Sequence[ShownFailure]]:
        """Leave out what says anything of closed workflows: who is notified may not be who may see them."""
        closed = {name for name in found.counts if self.is_closed(name)}
        counts = Counter[str]()
        for name, count in found.counts.items():
            counts[_CLOSED if name in closed else name] += count
        kept = [one.closed() if one.run.workflow in closed else one for one in shown]
        return found._replace(counts=counts), kept

    def _failures(self, found: FailedRuns) -> list[ShownFailure]:
        """Return the newest failures, without runs in which a person has refused a write: people know of those."""
        if sum(found.counts.values()) > len(found.newest):
            return [self._shown(one) for one in found.newest[:_LISTED]]
        return [one for one in map(self._shown, found.newest) if not one.is_refused]

    def _shown(self, run: FailedRun) -> ShownFailure:
        try:
            log = self.logs.read(run.run_id)
        except InvalidFile:
            log = None
        return ShownFailure(run, "", _UNREAD, "") if log is None else shown_failure(run, log)


class ShownFailure(Struct, frozen=True):
    """A failed run, as a notice has it."""

    run: FailedRun
    step: str
    """The path of the step; empty if it is not known."""
    error: str
    """The error in one line."""
    remedy: str
    is_refused: bool = False
    """Whether nothing failed but what a person had refused."""

    def closed(self) -> ShownFailure:
        """Return what is said of a workflow that only some may see."""
        return ShownFailure(self.run._replace(workflow=_CLOSED), "", _UNREAD, "")

    @property
    def sentence(self) -> str:
        """The error, after where it was."""
        return f"{self.run.workflow} failed{f' at {self.step}' if self.step else ''}: {self.error}"


def shown_failure(run: FailedRun, log: Run) -> ShownFailure:
    """Return what a notice says of a failed run."""
    calls = [step for step in log["steps"] if step["error"] and step["status"] == StepStatus.FAILED and step["uses"]]
    error = log["error"]
    step = (error["step"] if error else "") or ""
    inside = [one for one in calls if not step or StepPath.parse(one["path"]).is_inside(StepPath.parse(step))]
    if inside:  # of a loop, which only says how many items failed
        error, step = inside[0]["error"], inside[0]["path"]
    is_refused = bool(calls) and all(refusal_of(one) for one in calls)
    if error is None:
        return ShownFailure(run, step, _UNREAD, "", is_refused)
    if "privacy" in log["definition"]["workflow"]:
        return ShownFailure(run, step, _PRIVATE, "", is_refused)
    return ShownFailure(run, step, _line(error["message"]), _line(error["remedy"] or ""), is_refused)


def said(found: FailedRuns, shown: Sequence[ShownFailure], origin: str) -> Mapping[str, str]:
    """Return the inputs of the notice."""
    newest, count = shown[0], sum(found.counts.values())
    told = {"run": newest.run.run_id, "step": newest.step}
    if count == 1 or len(shown) == 1:
        link = run_link(origin, newest.run.run_id)
        return {
            **told,
            "workflow": "" if newest.run.workflow == _CLOSED else newest.run.workflow,
            "message": newest.sentence,
            "remedy": newest.remedy,
            "link": link,
        }
    names = list(found.counts)
    by_workflow = [f"{name} {found.counts[name]:,}" for name in names[:_WORKFLOWS_LISTED]]
    others = (
        f" and {counted(len(names) - _WORKFLOWS_LISTED, 'more workflow')}" if len(names) > _WORKFLOWS_LISTED else ""
    )
    lines = [f"{count:,} runs failed: {', '.join(by_workflow)}{others}."]
    lines += [f"{one.sentence}\n{run_link(origin, one.run.run_id)}" for one in shown[:_LISTED]]
    more = count - len(shown[:_LISTED])
    lines += [f"And {more:,} more."] if more > 0 else []
    workflow, link = names[0] if len(names) == 1 and names != [_CLOSED] else "", f"{origin}/runs?status=Failed"
    return {**told, "workflow": workflow, "message": "\n\n".join(lines), "link": link}


def run_link(origin: str, run_id: str) -> str:
    """Return the address of the page of a run."""
    return f"{origin}/run?id={run_id}"


def is_due(when: str, last: datetime, now: datetime, time_zone: str) -> bool:
    """Return whether it is time for a digest: `6h` after the last one, or at `08:00` for the first time since."""
    if when.endswith("h"):
        return now - last >= timedelta(hours=int(when[:-1]))
    hour, minute = map(int, when.split(":"))
    here = now.astimezone(ZoneInfo(time_zone))
    at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if at > here:
        at -= timedelta(days=1)  # on the clock of the place, also across a change to summer time
    return last < at


def _line(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST else f"{one_line[:_LONGEST].rstrip()} …"
