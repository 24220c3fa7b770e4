"""What runs have done since a time, summed up for each workflow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from engine.base.json_text import value_of
from engine.base.statuses import ListedStatus
from engine.record.outcomes import added, each_once, of_status, outcome_words
from engine.store.runs import RunsAlike

_FAILED = (ListedStatus.FAILED, ListedStatus.PARTS_FAILED)
_ORDER = (
    ListedStatus.FAILED,
    ListedStatus.WAITING,
    ListedStatus.PARTS_FAILED,
    ListedStatus.SUCCEEDED,
    ListedStatus.CANCELLED,
)


class Happened(Struct, frozen=True):
    """What the runs of a workflow have done, on the demo or on real accounts."""

    workflow: str
    """Its name."""
    title: str
    demo: bool
    status: ListedStatus
    """The one that needs a look most: of a run that failed, before one that waits, or some of whose parts failed."""
    runs: int
    sentence: str
    """Of a single run its own, else the sum of all: "18 mails: 7 tasks, 4 issues, 6 only labelled, 1 unsure.".

    A mail that several runs have seen counts once.
    """
    newest: str
    """The id of the newest run."""


def happened(rows: Sequence[RunsAlike]) -> list[Happened]:
    """Return the sums, those with failed runs first, then the newest."""
    in_order = sorted(rows, key=_workflow)
    found = [_summed_up(list(same)) for _, same in groupby(in_order, _workflow)]
    newest_first = sorted(found, key=lambda one: one.newest, reverse=True)
    return sorted(newest_first, key=lambda one: one.status not in _FAILED)


def _workflow(row: RunsAlike) -> tuple[str, int]:
    return row.workflow_id, row.demo


def _status(row: RunsAlike) -> ListedStatus:
    counts = value_of(row.counts)
    if counts.get("rejected") and row.status in (ListedStatus.SUCCEEDED, ListedStatus.FAILED):
        return ListedStatus.SUCCEEDED  # nothing went wrong: a person decided so
    if row.status == ListedStatus.SUCCEEDED and (counts.get("failed_steps") or counts.get("failed_items")):
        return ListedStatus.PARTS_FAILED
    return ListedStatus(row.status)


def _summed_up(rows: Sequence[RunsAlike]) -> Happened:
    newest, runs = max(rows, key=lambda row: row.newest), sum(row.runs for row in rows)
    return Happened(
        workflow=newest.workflow,
        title=newest.title,
        demo=bool(newest.demo),
        runs=runs,
        status=min(map(_status, rows), key=_ORDER.index),
        sentence=newest.sentence if runs == 1 else _sentence(rows),
        newest=newest.newest,
    )


def _sentence(rows: Sequence[RunsAlike]) -> str:
    in_order = sorted(rows, key=lambda row: row.newest)
    several = [(value_of(row.counts).get("outcomes") or of_status(row.status), row.runs) for row in in_order]
    sums = added(each_once(several))
    repeated = [f"{count:,} {word}" for one in sums for word, count in one["repeated"].items()]
    return " ".join([*map(outcome_words, sums), *([f"{', '.join(repeated)}."] if repeated else [])])
