"""The status of a step of a run, as a word and an icon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dashboard.base.language import N_, t
from dashboard.drawing.steps import Entry
from dashboard.parts.status import REJECTED, look_of
from engine.base.statuses import ACTIVE_RUNS, WORST_FIRST, ListedStatus, RunStatus, StepStatus
from engine.base.step_path import in_workflow, is_item
from engine.record.types.run import Run
from engine.record.types.step import StepEffect, StepRecord, refusal_of

GLYPHS: Mapping[str, str] = {
    StepStatus.PENDING: "○",
    RunStatus.QUEUED: "○",
    StepStatus.RUNNING: "◐",
    StepStatus.WAITING: "◷",
    StepStatus.SUCCEEDED: "✓",
    ListedStatus.PARTS_FAILED: "!",
    REJECTED: "⊘",
    StepStatus.FAILED: "✕",
    StepStatus.SKIPPED: "–",
    StepStatus.CANCELLED: "⊘",
    RunStatus.INTERRUPTED: "‖",
    "": "·",
}
"""Icons for places that allow only characters."""


class RunStateCell(NamedTuple):
    """The status of one step of a row. Thousands in a table share a few values: anything derived from one is cached."""

    status: str
    english: str
    attempt: int = 0
    """Its number, for a word with `{count}`."""

    @property
    def word(self) -> str:
        """The status in the language of the person."""
        return t(self.english, count=self.attempt) if self.attempt else t(self.english)

    @property
    def text(self) -> str:
        """Icon and word."""
        return f"{GLYPHS.get(self.status, '·')} {self.word}"


UNDONE = RunStateCell(StepStatus.CANCELLED, N_("Undone"))
"""Of a step or an item all of whose writes were undone."""


REFUSED = {
    "Rejected": RunStateCell(REJECTED, N_("Rejected")),
    "ApprovalExpired": RunStateCell(StepStatus.FAILED, N_("Not approved in time")),
}
"""Of a step, or an item, whose call nobody approved, by the type of its error."""
_STOPPED = RunStateCell(REJECTED, N_("Stopped"))
"""The same of a mail that was held until its time."""


def refused(step: StepRecord) -> RunStateCell | None:
    """Return the status of a step whose call nobody approved; None if somebody did, or it asked nobody."""
    refusal = refusal_of(step)
    if refusal is None:
        return None
    return _STOPPED if refusal == "Rejected" and step.get("scheduled") else REFUSED[refusal]


_LEAST_BAD = WORST_FIRST.index(StepStatus.SUCCEEDED)
SHOWN_WORST_FIRST: Sequence[str] = (*WORST_FIRST[:_LEAST_BAD], REJECTED, *WORST_FIRST[_LEAST_BAD:])
"""What several repetitions of a step are together: the first of these that one of them is."""


def shown_status(step: StepRecord) -> str:
    """Return the status of a step as it is shown: of one that a person rejected, that instead of failed."""
    return REJECTED if refusal_of(step) == "Rejected" else str(step["status"])


def cell_of(step: StepRecord) -> RunStateCell:
    """Return the status of a step as a word."""
    status = str(step["status"])
    if is_unknown(step):
        return RunStateCell(StepStatus.FAILED, N_("Outcome unknown"))
    if (cell := refused(step)) is not None:
        return cell
    if step.get("pinned"):
        return RunStateCell(status, N_("Corrected") if step.get("note") else N_("Pinned"))
    if step.get("corrected"):
        return RunStateCell(status, N_("Corrected"))
    if step.get("by_rule"):
        return RunStateCell(status, N_("By rule"))
    if step.get("replayed"):
        return RunStateCell(status, N_("Replayed"))
    if step["effect"]:
        return _cell_of_write(status, step["effect"])
    if status == StepStatus.RUNNING and step["attempts"]:
        return RunStateCell(status, N_("Running, attempt {count}"), len(step["attempts"]) + 1)
    if status == StepStatus.WAITING and step.get("approval"):
        return RunStateCell(status, N_("Goes out later") if step.get("scheduled") else N_("Asks a person"))
    return RunStateCell(status, look_of(status).english)


def _cell_of_write(status: str, effect: StepEffect) -> RunStateCell:
    if effect.get("undone"):
        return UNDONE
    if effect.get("updated"):
        return RunStateCell(status, N_("Updated"))
    return RunStateCell(status, N_("Already done") if effect["reused"] else look_of(status).english)


def is_unknown(step: StepRecord) -> bool:
    """Return whether only a person can say if the write of a step happened."""
    return bool(step["uses"] and step["error"] and step["error"].get("type") == "OutcomeUnknown")


def stand_of(entry: Entry, run: Run) -> tuple[str, str]:
    """Return (status, words) of a step of the workflow over all its repetitions in the run."""
    steps = [one for one in run["steps"] if in_workflow(one["path"]) == entry.path]
    if entry.step.is_loop and any(is_item(one["path"]) for one in steps):
        steps = [one for one in steps if is_item(one["path"])]
    counted = Counter(map(shown_status, steps))
    if not counted:
        return StepStatus.PENDING, t("○ Pending") if run["status"] in ACTIVE_RUNS else t("· Not reached")
    status = next(status for status in SHOWN_WORST_FIRST if status in counted)
    if counted.total() == 1:
        return status, cell_of(steps[0]).text
    shown = [one for one in SHOWN_WORST_FIRST if counted[one] and (one != StepStatus.SKIPPED or len(counted) == 1)]
    return status, ", ".join(f"{GLYPHS[one]} {counted[one]} {_inside(look_of(one).word)}" for one in shown)


def _inside(word: str) -> str:
    """Return a word as it is written inside a sentence."""
    return word[:1].lower() + word[1:]
