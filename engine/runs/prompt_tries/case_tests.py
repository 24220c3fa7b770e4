"""The `case_tests` area: answer the cases of a prompt, and compare the answers with what the cases expect."""

from __future__ import annotations

import builtins
import itertools
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput
from engine.base.names import new_run_id
from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.cases import Case, CaseStore
from engine.prompts.takeover import takeover_cases
from engine.runs.prompt_tries.answers import RecordedAnswers, SharedAnswers
from engine.runs.prompt_tries.asking import Asker
from engine.runs.prompt_tries.cells import Cells
from engine.runs.prompt_tries.columns import TriedColumn, in_column
from engine.runs.prompt_tries.judging import judges_of, judging_connections
from engine.runs.prompt_tries.matrix import (
    MOST_COLUMNS,
    MOST_CONCURRENCY,
    MOST_REPEAT,
    CellAnswer,
    Matrix,
    MatrixColumn,
    MatrixRequest,
    told,
)
from engine.runs.prompt_tries.questions import AskedColumn
from engine.runs.prompt_tries.store import TryStore, Work
from engine.runs.prompt_tries.try_requests import TryRequests
from engine.runs.starting.consent import Consents

_log = logging.getLogger(__name__)
_KEEP_SECONDS = 5.0
"""How often what has come is kept while a test goes on: a killed process loses no more."""


class _Test(Work[Matrix]):
    """A test that this process works on."""

    def __init__(
        self, begun: Matrix, asked: Sequence[AskedColumn], cases: Sequence[Case], wanted: MatrixRequest
    ) -> None:
        self.stopping = threading.Event()
        super().__init__(begun, self.stopping.set, is_kept=wanted.is_kept)
        self.asked, self.cases, self.wanted = asked, cases, wanted
        self._answers: dict[tuple[int, str, int], CellAnswer] = {}
        self._lock = threading.Lock()

    def add(self, number: int, case: str, repetition: int, answer: CellAnswer) -> None:
        """Add an answer."""
        with self._lock:
            self._answers[number, case, repetition] = answer

    def now(self) -> Matrix:
        """Return the test with the answers that have come."""
        with self._lock:
            answers = self._answers.copy()
        return told(self.record, answers)


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


class CaseTests:
    """Prompts tested by their cases."""

    def __init__(
        self,
        try_requests: TryRequests,
        consents: Consents,
        asker: Asker,
        store: CaseStore,
        records: TryStore[Matrix],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._try_requests, self._consents, self._asker, self._store = try_requests, consents, asker, store
        self._cells, self._records, self._audit, self._clock = Cells(asker, clock), records, audit, clock

    @operation("prompts.test", "run", "test prompts", "Test the cases of a prompt")
    def start(self, p: Principal, name: str, wanted: MatrixRequest) -> Matrix:
        """Begin to test the cases of a prompt; `wait` returns the answers.

        Raises UnknownName, InvalidFile, InvalidInput, ConfirmationNeeded, InUse, StorageError.
        """
        _check(wanted)
        own = [one for one in self._store.list(name) if not wanted.cases or one.case in wanted.cases]
        asked = self._asked(name, wanted)
        cases = own if wanted.takeover is None else takeover_cases(asked[0].document, wanted.takeover)
        judges = judges_of(cases, self._try_requests, is_offline=wanted.is_offline)
        asked = [replace(one, judges=judges) for one in asked]
        sent_to = [*(one.by for one in asked), *judges.values()]
        real = [one.connection for one in sent_to if one.account is not None and not one.demo]
        self._consents.require_models(p, name, real)
        test = _Test(self._begun(p, name, wanted, cases, asked), asked, cases, wanted)
        begun = test.now()
        with self._records.begun([test], partial(_require_room, name)):
            columns = [column["title"] for column in begun["columns"]]
            told_of = {"takeover": True} if wanted.takeover is not None else {}
            self._audit.record(p, "prompts.test", name, {"columns": columns, "cases": len(cases), **told_of})
        threading.Thread(target=self._work, args=(test,), name=f"test {name}", daemon=True).start()
        return begun

    @operation("prompts.judges", "view", "see prompts", "See which connections judge a prompt's answers")
    def judges(self, p: Principal, name: str) -> builtins.list[str]:
        """Return the connections that judge the answers to the cases of a prompt, beside those tested."""
        known = self._try_requests.connections()
        return [one for one in judging_connections(self._store.list(name)) if one in known]

    @operation("prompts.wait_test", "view", "see prompts", "Wait for a test of a prompt")
    def wait(self, p: Principal, name: str, seconds: float | None = None, test_id: str = "") -> Matrix:
        """Wait until a test of this process has ended, or until the time is over; without an id, the one at work.

        Raises UnknownName, InvalidInput.
        """
        found = None if test_id else self.last(p, name)
        if not test_id and found is None:
            raise InvalidInput(f"The prompt {name!r} has not been tested.", remedy="Test it first.")
        return self._records.wait(name, test_id if found is None else found["id"], seconds)

    @operation("prompts.get_test", "view", "see prompts", "Read a test of a prompt")
    def get(self, p: Principal, name: str, test_id: str) -> Matrix:
        """Return a test, with the answers so far if it is running. Raises UnknownName, InvalidInput."""
        return self._records.get(name, test_id)

    @operation("prompts.tests", "view", "see prompts", "List the tests of a prompt")
    def list(self, p: Principal, name: str) -> builtins.list[TestRow]:
        """Return the last 10 tests of a prompt, newest first. Raises InvalidInput."""
        return [_row(one) for one in self._records.of(name)]

    @operation("prompts.last_test", "view", "see prompts", "Read the last test of a prompt")
    def last(self, p: Principal, name: str) -> Matrix | None:
        """Return the last test, or the one at work; None if the prompt was never tested. Raises InvalidInput."""
        return next(self._records.of(name), None)

    @operation("prompts.cancel_test", "run", "stop tests", "Stop a test of a prompt")
    def cancel(self, p: Principal, name: str, test_id: str) -> Matrix:
        """Ask nothing more; what has been asked already is still answered and recorded. Raises UnknownName, InUse."""
        return self._records.stop(name, test_id)

    def close(self) -> None:
        """Stop testing."""
        self._asker.close()
        self._records.close()

    def _asked(self, name: str, wanted: MatrixRequest) -> builtins.list[AskedColumn]:
        found = []
        for number, one in enumerate(wanted.columns, 1):
            with in_column(number if len(wanted.columns) > 1 else 0, one.title):
                found.append(self._try_requests.column(name, one, is_offline=wanted.is_offline))
        return found

    def _begun(
        self, p: Principal, name: str, wanted: MatrixRequest, cases: Sequence[Case], asked: Sequence[AskedColumn]
    ) -> Matrix:
        now = self._clock()
        pairs = zip(wanted.columns, asked, strict=True)
        return {
            "id": new_run_id(now),
            "prompt": name,
            "status": RunStatus.RUNNING,
            "cases": [{"case": one.case, "title": one.title, "variables": _variables(one)} for one in cases],
            "order": [],
            "columns": [_column(column, one) for column, one in pairs],
            "repeat": wanted.repeat,
            "concurrency": wanted.concurrency,
            "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0},
            "asked": 0,
            "reused": 0,
            "started_by": p.id,
            "started_at": timestamp(now),
            "ended_at": None,
            "owner": self._records.owner,
        }

    def _work(self, test: _Test) -> None:
        status = RunStatus.INTERRUPTED
        try:
            self._answer(test)
            is_worse = any(column["regressions"] for column in test.now()["columns"])
            status = RunStatus.FAILED if is_worse else RunStatus.SUCCEEDED
            if test.stopping.is_set():
                status = RunStatus.CANCELLED
        except CancelledError:
            pass
        except Exception:  # noqa: BLE001 - a test has an end, whatever it is
            _log.exception("the test of the prompt %s broke down", test.record["prompt"])
        finally:
            test.record = {**test.record, "status": status, "ended_at": timestamp(self._clock())}
            self._records.end(test)

    def _answer(self, test: _Test) -> None:
        """Answer all cases with all columns; the answers to one case are asked together."""
        recorded = RecordedAnswers(self._store.folder(test.record["prompt"]))
        answers = SharedAnswers(recorded, is_fresh=test.wanted.is_fresh)

        def answered(case: Case, number: int, repetition: int) -> None:
            if not test.stopping.is_set():
                answer = self._cells.answer(test.asked[number], case, repetition, answers)
                test.add(number, case.case, repetition, answer)

        cells = itertools.product(test.cases, range(len(test.asked)), range(test.wanted.repeat))
        with ThreadPoolExecutor(test.wanted.concurrency, thread_name_prefix="test") as pool:
            coming = {pool.submit(answered, *cell) for cell in cells}
            while coming:
                done, coming = wait(coming, _KEEP_SECONDS)
                for cell in done:
                    if cell.exception() is not None:
                        test.stopping.set()  # the others are not asked
                    cell.result()
                if coming:
                    self._records.keep(test)


def _require_room(name: str, at_work: Sequence[Matrix]) -> None:
    if any(one["prompt"] == name for one in at_work):
        raise InUse(f"The prompt {name!r} is being tested already.", remedy="Wait until that has ended.")


def _check(wanted: MatrixRequest) -> None:
    """Raise InvalidInput if this cannot be tested."""
    if wanted.is_offline and wanted.is_fresh:
        raise InvalidInput("Offline, nothing can be asked again.", remedy="Leave one of the two out.")
    limits = (
        ("columns", len(wanted.columns), MOST_COLUMNS),
        ("repetitions", wanted.repeat, MOST_REPEAT),
        ("questions at the same time", wanted.concurrency, MOST_CONCURRENCY),
    )
    for name, value, most in limits:
        if not 1 <= value <= most:
            raise InvalidInput(f"A test has 1 to {most} {name}, not {value}.", remedy="Give another number.")


def _column(column: TriedColumn, asked: AskedColumn) -> MatrixColumn:
    return {
        "title": column.title,
        "version": asked.version,
        "connection": asked.by.connection,
        "demo": asked.by.demo,
        "model": asked.model_asked,
        "document": asked.document,
        "cells": {},
        "passed": 0,
        "unsure": 0,
        "regressions": [],
        "improvements": [],
        "different": [],
        "compared": 0,
        "summary": "",
    }


def _variables(case: Case) -> Mapping[str, Any]:
    found = (case.document or {}).get("variables")
    return found if isinstance(found, Mapping) else {}


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
