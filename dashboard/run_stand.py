"""How a step of a run stands, in a word and a sign."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.parts.status import OPEN, look_of
from dashboard.parts.steps import StepEntry

GLYPHS: Mapping[str, str] = {
    "pending": "○",
    "queued": "○",
    "running": "◐",
    "waiting": "◷",
    "succeeded": "✓",
    "failed": "✕",
    "skipped": "–",
    "cancelled": "⊘",
    "interrupted": "‖",
    "": "·",
}
"""An icon for places that take letters only."""
WORST_FIRST = ("failed", "running", "waiting", "interrupted", "pending", "cancelled", "succeeded", "skipped")

_INDEX = re.compile(r"\[\d+\]")

Step = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """How one step of a row stands."""

    status: str
    word: str

    @property
    def text(self) -> str:
        """Icon and word."""
        return f"{GLYPHS.get(self.status, '·')} {self.word}"


def cell_of(step: Step) -> Cell:
    """Return how a step stands, in a word."""
    status = str(step["status"])
    if is_unknown(step):
        return Cell("failed", "Outcome unknown")
    if step.get("pinned"):
        return Cell(status, "Pinned")
    if step.get("replayed"):
        return Cell(status, "Replayed")
    if step["effect"] and step["effect"].get("undone"):
        return Cell("cancelled", "Undone")
    if step["effect"] and step["effect"].get("updated"):
        return Cell(status, "Updated")
    if step["effect"] and step["effect"]["reused"]:
        return Cell(status, "Already done")
    if status == "running" and step["attempts"]:
        return Cell(status, f"Running, try {len(step['attempts']) + 1}")
    if status == "waiting" and step.get("approval"):
        return Cell(status, "Asks a person")
    return Cell(status, look_of(status).word)


def is_unknown(step: Step) -> bool:
    """Tell whether only a person can say if the write of a step happened."""
    return bool(step["uses"] and step["error"] and step["error"].get("type") == "OutcomeUnknown")


def is_test(run: Mapping[str, Any]) -> bool:
    """Tell whether not all of the workflow really ran: one step alone, or with outputs that were pinned."""
    return bool({"only", "pins"} & set(run.get("options") or {}))


def without_indexes(path: str) -> str:
    """Return a path of a run as the workflow has it: `each_mail[3].task` is `each_mail.task`."""
    return _INDEX.sub("", path)


def stand_of(entry: StepEntry, run: Mapping[str, Any]) -> tuple[str, str]:
    """Return (status, words) of a step of the workflow over all its repetitions in the run."""
    steps = [one for one in run["steps"] if without_indexes(one["path"]) == entry.path]
    if entry.is_loop and any(one["path"].endswith("]") for one in steps):
        steps = [one for one in steps if one["path"].endswith("]")]
    counted = Counter(str(one["status"]) for one in steps)
    if not counted:
        return ("pending", "○ Pending") if run["status"] in OPEN else ("pending", "· Not reached")
    status = next(status for status in WORST_FIRST if status in counted)
    if counted.total() == 1:
        return status, cell_of(steps[0]).text
    shown = [one for one in WORST_FIRST if counted[one] and (one != "skipped" or len(counted) == 1)]
    return status, ", ".join(f"{GLYPHS[one]} {counted[one]} {look_of(one).word.lower()}" for one in shown)
