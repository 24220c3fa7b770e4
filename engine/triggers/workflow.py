"""Ended runs of other workflows. No step writes these, so that the chain of runs, not `made_by`, tells its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from engine.base.clock import milliseconds_of, moment_of
from engine.base.json_text import JsonObject
from engine.plugins.step import Fields, Output, option, outside
from engine.plugins.trigger import Found, Item, Look, TriggerType

_DEEPEST = 8
_ITS_OWN = "it follows from a run of this workflow itself"
_TOO_DEEP = f"it ends a chain of {_DEEPEST} runs, each started by the end of the previous one"


class FinishedFields(Fields):
    """Which runs to wait for."""

    workflows: list[Annotated[str, Field(json_schema_extra={"format": "workflow"})]] = option(
        "Only these workflows (empty: any other)", []
    )
    statuses: list[Literal["succeeded", "failed", "cancelled"]] = option(
        "Only with these statuses", ["succeeded", "failed"], min_length=1
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
    """Starts a run when a run of another workflow has ended; a run that is resumed and ends again counts again.

    A workflow never triggers itself, not even through others: each workflow occurs once in a chain of runs, and a chain
    has at most 8 runs. Test runs and called runs do not count.
    """

    name = "workflow.finished"
    title = "A run of another workflow has ended"
    happens = "a run of another workflow ends"
    unmade = "Each workflow occurs once in a chain of runs."
    fields = FinishedFields
    item = FinishedItem
    poll_seconds = 10.0
    start_from = ("now", "since")
    is_about_item = False

    def look(self, look: Look) -> Found:
        """List runs in the order in which their ends were stored.

        The cursor is {number}, the number of the first end not listed yet. Times would not do: a run whose process
        died at its very end is stored late, and a clock may be set back.
        """
        if look.cursor is None:
            return _first(look)
        ended = look.around.ended_runs(look.cursor["number"], look.limit)
        own = look.around.workflow
        items = [_listed(run, own) for run in ended if run["workflow"] != own and _is_wanted(run, look.fields)]
        number = ended[-1]["end_number"] + 1 if ended else look.cursor["number"]
        return Found(items, {"number": number}, has_more=len(ended) >= look.limit)


def _first(look: Look) -> Found:
    """Start after the last stored end, not at the present time: the clock may be wrong and be corrected."""
    since = look.start.since
    number = look.around.last_end() + 1 if since is None else milliseconds_of(since)
    return Found([], {"number": number}, has_more=not look.start.is_now)


def _id(run: JsonObject) -> str:
    """Return the id of this end of the run; it begins with the run id (engine/store/sql/triggering/runs.py)."""
    return f"{run['run_id']}@{run['ended_at']}"


def _is_wanted(run: JsonObject, fields: FinishedFields) -> bool:
    return run["status"] in fields.statuses and (not fields.workflows or run["workflow"] in fields.workflows)


_SHOWN: Sequence[str] = tuple(FinishedItem.model_fields)


def _listed(run: JsonObject, own: str) -> Item:
    value = {name: run[name] for name in _SHOWN}
    chain: Sequence[str] = run["chain"]
    skip = _ITS_OWN if own in chain else _TOO_DEEP if len(chain) >= _DEEPEST else ""
    return Item(_id(run), value, f"{run['title']}: {run['status']}", moment_of(run["ended_at"]), skip)
