"""What becomes of a new thing while runs of the same workflow are under way: `queue`, `skip`, `cancel_previous`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import select

from engine.compiler.plan import Concurrency
from engine.store.run_rows import OPEN, is_on_its_own
from engine.store.tables import runs
from engine.triggering.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

Policy: TypeAlias = "Callable[[Connection, str, Sequence[Prepared]], list[Prepared]]"
"""Decides inside the transaction that stores them: (connection, workflow, new things) -> the same, some left out."""

BUSY = "another run of the workflow was under way"
OUTRUN = "a newer one came with it"


def policy_of(concurrency: Concurrency) -> Policy:
    """Return how a workflow wants it."""
    return {"queue": _queue, "skip": _skip, "cancel_previous": _cancel_previous}[concurrency.policy]


def under_way(workflow: str) -> ColumnElement[bool]:
    """Choose runs of a workflow that triggers have started and that are at work or wait for their turn.

    Those that wait for a time or an answer are not: mail would stand still for as long as nobody answers.
    """
    return started_by_triggers(workflow) & runs.c.status.in_(("queued", "running"))


def started_by_triggers(workflow: str) -> ColumnElement[bool]:
    """Choose the open runs of a workflow that triggers have started; those that such runs called are not counted."""
    # The few open runs are looked up by status, not the many of the workflow: an index does not hold this expression.
    is_of_workflow = runs.c.workflow.concat("") == workflow
    own = is_of_workflow & runs.c.started_by.startswith("trigger:") & is_on_its_own()
    return own & runs.c.status.in_(OPEN) & runs.c.ended_at.is_(None)


def _queue(_connection: Connection, _workflow: str, new: Sequence[Prepared]) -> list[Prepared]:
    return list(new)


def _skip(connection: Connection, workflow: str, new: Sequence[Prepared]) -> list[Prepared]:
    is_busy = connection.execute(select(runs.c.run_id).where(under_way(workflow)).limit(1)).first() is not None
    found = []
    for one in new:
        found.append(_left_out(one, BUSY) if one.entry is not None and is_busy else one)
        is_busy = is_busy or one.entry is not None
    return found


def _cancel_previous(connection: Connection, workflow: str, new: Sequence[Prepared]) -> list[Prepared]:
    last = next((one for one in reversed(new) if one.entry is not None), None)
    if last is None:
        return list(new)
    earlier = started_by_triggers(workflow)
    connection.execute(runs.update().where(earlier).values(cancel_requested=1))
    return [_left_out(one, OUTRUN) if one.entry is not None and one is not last else one for one in new]


def _left_out(one: Prepared, why: str) -> Prepared:
    return replace(one, item=replace(one.item, skip=why), entry=None)
