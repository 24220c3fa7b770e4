"""The kept tests of prompts, for reading only."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.people.operation import operation
from engine.runs.trying.matrix import Matrix
from engine.runs.trying.matrix_records import MatrixRecords


@dataclass(frozen=True)
class TestRow:
    """A kept test, in short."""

    __test__ = False  # it is not a test of pytest

    id: str
    status: RunStatus
    started_at: str
    started_by: str
    cases: int
    repeat: int
    columns: Sequence[str]
    """Their titles."""
    summaries: Sequence[str]
    """How each of them did, in words."""


class MatrixReader:
    """Reads tests; every method checks the right of `p`."""

    def __init__(self, records: MatrixRecords) -> None:
        self._records = records

    @operation("prompts.get_test", "view", "see prompts", "Read a test of a prompt")
    def get(self, p: Principal, name: str, test_id: str) -> Matrix:
        """Return a test, as far as it is. Raises UnknownName, InvalidInput."""
        now = self._at_work(name)
        return now if now is not None and now["id"] == test_id else self._records.get(name, test_id)

    @operation("prompts.tests", "view", "see prompts", "List the tests of a prompt")
    def list(self, p: Principal, name: str) -> builtins.list[TestRow]:
        """Return the last 10 tests of a prompt, newest first. Raises InvalidInput."""
        now = self._at_work(name)
        kept = self._records.of(name)
        return [_row(now if now is not None and now["id"] == one["id"] else one) for one in kept]

    @operation("prompts.last_test", "view", "see prompts", "Read the last test of a prompt")
    def last(self, p: Principal, name: str) -> Matrix | None:
        """Return the last test, or the one at work; None if the prompt was never tested. Raises InvalidInput."""
        now = self._at_work(name)
        if now is not None:
            return now
        kept = self._records.of(name)
        return kept[0] if kept else None

    def _at_work(self, name: str) -> Matrix | None:
        """Return the test of a prompt at which this process works."""
        del name
        return None


def _row(matrix: Matrix) -> TestRow:
    columns = matrix["columns"]
    return TestRow(
        id=matrix["id"],
        status=matrix["status"],
        started_at=matrix["started_at"],
        started_by=matrix["started_by"],
        cases=len(matrix["cases"]),
        repeat=matrix["repeat"],
        columns=[one["title"] for one in columns],
        summaries=[one["summary"] for one in columns],
    )
