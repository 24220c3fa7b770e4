"""Which runs somebody may not see: the runs of some workflows and their branches, and the runs that these called."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from engine.store.sql.base.places import places
from engine.store.sql.base.tables import runs

_LIKE_SIGNS = str.maketrans({one: f"/{one}" for one in "/%_"})


_HIDDEN = (
    "run_id NOT IN (WITH RECURSIVE hidden(run_id) AS ("
    "SELECT run_id FROM runs WHERE workflow_id IN ({places}) {branches} "
    "UNION SELECT called.run_id FROM runs AS called JOIN hidden ON called.parent_run_id = hidden.run_id"
    ") SELECT run_id FROM hidden)"
)


def hidden_runs(ids: Collection[str]) -> Select[Any]:
    """Return the query for the ids of all runs of these workflows, by id, and of all runs below them."""
    of_branch = [runs.c.workflow_id.startswith(f"{one}@", autoescape=True) for one in ids]
    found = select(runs.c.run_id).where(or_(runs.c.workflow_id.in_(ids), *of_branch)).cte("hidden", recursive=True)
    called = select(runs.c.run_id).join(found, runs.c.parent_run_id == found.c.run_id)
    found = found.union(called)
    return select(found.c.run_id)


def is_none_of(column: ColumnElement[Any], ids: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column has none of these runs."""
    return column.not_in(hidden_runs(ids))


def hidden_condition(ids: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Return the same for the column `run_id` of a statement that is written as text, with its parameters."""
    known = sorted(ids)
    branches = " ".join("OR workflow_id LIKE ? ESCAPE '/'" for _ in known)
    values = (*known, *(f"{one.translate(_LIKE_SIGNS)}@%" for one in known))
    return _HIDDEN.format(places=places(known), branches=branches), values
