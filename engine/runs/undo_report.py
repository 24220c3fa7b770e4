"""What became of every write of a run that is undone, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.runs.undo_list import RunWrite
from engine.step import StepType


@dataclass(frozen=True)
class _Line:
    """A write, by where it stands in its run and in the service."""

    run_id: str
    path: str
    key: str | None
    uses: str
    title: str
    url: str


@dataclass(frozen=True)
class Undone(_Line):
    """A write that was taken back (in a preview: that would be)."""

    note: str
    """What is done to take it back: "closes the issue with a note"."""
    stays: str
    """What the service keeps of it all the same; empty for nothing."""

    @classmethod
    def of(cls, write: RunWrite, kind: StepType) -> Undone:
        """Return the line of a write that its step type takes back."""
        return cls(**_place(write), note=kind.undoes, stays=kind.stays)


@dataclass(frozen=True)
class NotUndone(_Line):
    """A write that stays, and why."""

    reason: str

    @classmethod
    def of(cls, write: RunWrite, reason: str) -> NotUndone:
        """Return the line of a write that stays."""
        return cls(**_place(write), reason=reason)


@dataclass(frozen=True)
class UndoReport:
    """What became of every write of a run."""

    undone: list[Undone] = field(default_factory=list)
    refused: list[NotUndone] = field(default_factory=list)
    """Somebody changed it since, or the service could not be asked: nothing was done, or it may be asked again."""
    cannot: list[NotUndone] = field(default_factory=list)
    """There is no way to take these back, whatever the service says."""
    left: list[NotUndone] = field(default_factory=list)
    """Another run made it, or it was undone before."""


def _place(write: RunWrite) -> dict[str, Any]:
    return {
        "run_id": write.run_id,
        "path": write.path,
        "key": write.key,
        "uses": write.uses,
        "title": str(write.step["title"] or write.step["id"]),
        "url": str(write.receipt.get("url") or ""),
    }
