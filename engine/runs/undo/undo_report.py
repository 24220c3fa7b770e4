"""The outcome of every write of a run that is undone, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.plugins.step import StepType
from engine.runs.undo.undo_list import RunWrite


@dataclass(frozen=True)
class _Line:
    """A write, located in its run and in the service."""

    run_id: str
    path: str
    key: str | None
    uses: str
    title: str
    url: str


@dataclass(frozen=True)
class Undone(_Line):
    """A write that was undone (in a preview: would be)."""

    note: str
    """How it is undone: "closes the issue with a note"."""
    stays: str
    """What remains in the service; empty if nothing does."""

    @classmethod
    def of(cls, write: RunWrite, kind: StepType) -> Undone:
        """Return the line of a write that its step type undoes."""
        return cls(**_place(write), note=kind.undoes, stays=kind.stays)

    @classmethod
    def with_it(cls, write: RunWrite, maker: RunWrite) -> Undone:
        """Return the line of a write that changed another one's result, and is undone together with it."""
        return cls(**_place(write), note=f"is undone with what {maker.path} made", stays="")


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
    """The outcome of every write of a run."""

    undone: list[Undone]
    refused: list[NotUndone]
    """Somebody has changed it, or the service could not be reached: nothing was done, and it may be tried again."""
    cannot: list[NotUndone]
    """These cannot be undone, whatever the service says."""
    left: list[NotUndone]
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
