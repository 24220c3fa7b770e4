"""Runs of other workflows that have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.names import moment_of, timestamp
from engine.step import Fields, Output, option, outside
from engine.trigger import Found, Item, Look, TriggerType

_DEEPEST = 8
_OVERLAP = timedelta(hours=1)
"""A run whose process died at its very end is listed late, under the time at which it ended."""
_ITS_OWN = "it follows from a run of this workflow itself"
_TOO_DEEP = f"it is the end of a row of {_DEEPEST} runs, each started by the end of the one before"


class FinishedFields(Fields):
    """Which runs to wait for."""

    workflows: list[Annotated[str, Field(json_schema_extra={"format": "workflow"})]] = option(
        "Only of these workflows; none named: of any other", []
    )
    statuses: list[Literal["succeeded", "failed", "cancelled"]] = option(
        "Only with these ends", ["succeeded", "failed"], min_length=1
    )


class FinishedItem(Output):
    """A run that has ended."""

    run_id: str = Field(title="The run")
    workflow: str = Field(title="Its workflow")
    title: str = Field(title="The title of its workflow")
    status: Literal["succeeded", "failed", "cancelled"] = Field(title="How it ended")
    sentence: str = outside("What happened, in a sentence")
    started_by: str = Field(title="Who or what started it")
    ended_at: datetime = Field(title="When it ended")


class Finished(TriggerType):
    """Starts a run when one of another workflow has ended; one that is resumed and ends again counts again.

    A workflow never follows on itself, also not by way of others: in a row of runs that follow on each other each
    workflow comes once, and there are at most 8. Test runs, and runs that another run called, do not count.
    """

    name = "workflow.finished"
    title = "A run of another workflow has ended"
    fields = FinishedFields
    item = FinishedItem
    poll_seconds = 10.0
    start_from = ("now", "since")

    def look(self, look: Look) -> Found:
        """List runs by the time of their end, from an hour before the newest that was listed."""
        if look.cursor is None:
            reached = timestamp(look.start.since or look.now)
            return Found([], {"ended_at": reached, "began_at": reached}, has_more=not look.start.is_now)
        cursor = look.cursor
        after = max(cursor["began_at"], timestamp(moment_of(cursor["ended_at"]) - _OVERLAP))
        new, has_more = _new_runs(look, after)
        reached = max((cursor["ended_at"], *(run["ended_at"] for run in new)))
        own = look.around.workflow
        items = [_listed(run, own) for run in new if run["workflow"] != own and _is_wanted(run, look.fields)]
        return Found(items, {**cursor, "ended_at": reached}, has_more)


def _new_runs(look: Look, after: str) -> tuple[list[Mapping[str, Any]], bool]:
    """Return runs that ended since, at most about `limit` of those not seen, and whether there are more.

    However many of the overlap were seen already, some beyond them are looked at.
    """
    size = look.limit
    while True:
        runs = look.around.ended_runs(after, size)
        ids = {_id(run) for run in runs}
        new = set(look.unseen(ids))
        if len(runs) < size:
            return [run for run in runs if _id(run) in new], False
        if runs[-1]["ended_at"] > max(after, look.cursor["ended_at"]):
            return [run for run in runs if _id(run) in new], True
        size *= 2


def _id(run: Mapping[str, Any]) -> str:
    """Return what tells this end from any other of the run; it begins with the run's id (triggering/ended_runs.py)."""
    return f"{run['run_id']}@{run['ended_at']}"


def _is_wanted(run: Mapping[str, Any], fields: FinishedFields) -> bool:
    return run["status"] in fields.statuses and (not fields.workflows or run["workflow"] in fields.workflows)


_SHOWN: Sequence[str] = tuple(FinishedItem.model_fields)


def _listed(run: Mapping[str, Any], own: str) -> Item:
    value = {name: run[name] for name in _SHOWN}
    chain: Sequence[str] = run["chain"]
    skip = _ITS_OWN if own in chain else _TOO_DEEP if len(chain) >= _DEEPEST else ""
    return Item(_id(run), value, f"{run['title']}: {run['status']}", moment_of(run["ended_at"]), skip)
