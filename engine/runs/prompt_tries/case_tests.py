"""The `case_tests` area: answer the cases of a prompt, and compare the answers with what the cases expect."""

from __future__ import annotations

import builtins
import concurrent.futures
import itertools
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput, OrchestraError
from engine.base.names import new_run_id
from engine.base.statuses import AccountMode, RunStatus
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.cases import Case, CaseStore
from engine.prompts.prompts import PromptStore
from engine.prompts.takeover import takeover_cases
from engine.runs.prompt_tries.answers import RecordedAnswers, SharedAnswers
from engine.runs.prompt_tries.cells import Cells, ColumnQuestion
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.judging import JudgeAccount, judges_of, judging_connections
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
from engine.runs.prompt_tries.questions import prompt_used
from engine.runs.prompt_tries.store import TryStore
from engine.runs.prompt_tries.try_requests import TryRequests
from engine.runs.starting.consent import Consents

_log = logging.getLogger(__name__)
_CLOSE_SECONDS = 5.0
_KEEP_SECONDS = 5.0
"""How often what has come is kept while a test goes on: a killed process loses no more."""


class _Open:
    """A test that this process works on."""

    def __init__(
        self, begun: Matrix, asked: Sequence[ColumnQuestion], cases: Sequence[Case], wanted: MatrixRequest
    ) -> None:
        self.begun, self.asked, self.cases, self.wanted = begun, asked, cases, wanted
        self.over = threading.Event()
        self.is_stopping = False
        self.status = RunStatus.RUNNING
        self._answers: dict[tuple[int, str, int], CellAnswer] = {}
        self._lock = threading.Lock()

    def add(self, number: int, case: str, repetition: int, answer: CellAnswer) -> None:
        """Add an answer."""
        with self._lock:
            self._answers[number, case, repetition] = answer

    def matrix(self) -> Matrix:
        """Return what has come so far."""
        with self._lock:
            answers = self._answers.copy()
        return told({**self.begun, "status": self.status}, answers)


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
        cells: Cells,
        prompts: PromptStore,
        store: CaseStore,
        records: TryStore[Matrix],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._try_requests, self._consents, self._cells, self._prompts = try_requests, consents, cells, prompts
        self._store, self._records, self._audit, self._clock = store, records, audit, clock
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()

    @operation("prompts.test", "run", "test prompts", "Test the cases of a prompt")
    def start(self, p: Principal, name: str, wanted: MatrixRequest) -> Matrix:
        """Begin to test the cases of a prompt; `wait` returns the answers.

        Raises UnknownName, InvalidFile, InvalidInput, ConfirmationNeeded, InUse, StorageError.
        """
        _check(wanted)
        own = self._store.list(name)
        asked = [self._asked(name, column, wanted) for column in wanted.columns]
        cases = own if wanted.takeover is None else takeover_cases(asked[0].document, wanted.takeover)
        judges = judges_of(cases, self._try_requests, is_offline=wanted.is_offline)
        asked = [replace(one, judges=judges) for one in asked]
        sent_to: list[ColumnQuestion | JudgeAccount] = [*asked, *judges.values()]
        real = [one.connection for one in sent_to if one.account is not None and not one.demo]
        self._consents.require_models(p, name, real)
        one = _Open(self._begun(p, name, wanted, cases, asked), asked, cases, wanted)
        with self._lock:
            if name in self._open:
                raise InUse(f"The prompt {name!r} is being tested already.", remedy="Wait until that has ended.")
            self._open[name] = one
        try:
            begun = one.matrix()
            self._records.put(begun)
            columns = [column["title"] for column in begun["columns"]]
            told_of = {"takeover": True} if wanted.takeover is not None else {}
            self._audit.record(p, "prompts.test", name, {"columns": columns, "cases": len(cases), **told_of})
        except OrchestraError:
            self._open.pop(name, None)
            raise
        threading.Thread(target=self._work, args=(one,), name=f"test {name}", daemon=True).start()
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
        one = self._open.get(name)
        if one is not None and test_id in ("", one.begun["id"]):
            one.over.wait(seconds)
            return one.matrix()
        found = self.get(p, name, test_id) if test_id else self.last(p, name)
        if found is None:
            raise InvalidInput(f"The prompt {name!r} has not been tested.", remedy="Test it first.")
        return found

    @operation("prompts.get_test", "view", "see prompts", "Read a test of a prompt")
    def get(self, p: Principal, name: str, test_id: str) -> Matrix:
        """Return a test, with the answers so far if it is running. Raises UnknownName, InvalidInput."""
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

    @operation("prompts.cancel_test", "run", "stop tests", "Stop a test of a prompt")
    def cancel(self, p: Principal, name: str, test_id: str) -> Matrix:
        """Ask nothing more; what has been asked already is still answered and recorded. Raises UnknownName, InUse."""
        one = self._open.get(name)
        if one is None or one.begun["id"] != test_id:
            found = self.get(p, name, test_id)
            if found["status"] == RunStatus.RUNNING:
                raise InUse(f"Another process works on the test {test_id}.", remedy="Stop it there, with Ctrl-C.")
            return found
        one.is_stopping = True
        one.over.wait(_CLOSE_SECONDS)
        return one.matrix()

    def close(self) -> None:
        """Stop testing."""
        self._cells.close()
        for one in [*self._open.values()]:
            one.over.wait(_CLOSE_SECONDS)

    def _at_work(self, name: str) -> Matrix | None:
        """Return the test of a prompt at which this process works."""
        one = self._open.get(name)
        return None if one is None else one.matrix()

    def _asked(self, name: str, column: TriedColumn, wanted: MatrixRequest) -> ColumnQuestion:
        document, number = self._try_requests.document(name, column)
        version = number if number is not None else self._prompts.number_of(name, dict(document))
        connection, mode = self._try_requests.target(column.connection)
        account = None if wanted.is_offline else self._try_requests.account(connection)
        used = prompt_used(name, version)
        return ColumnQuestion(document, version, connection, mode == AccountMode.DEMO, account, column.model, used)

    def _begun(
        self, p: Principal, name: str, wanted: MatrixRequest, cases: Sequence[Case], asked: Sequence[ColumnQuestion]
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

    def _work(self, one: _Open) -> None:
        try:
            self._answer(one)
            is_worse = any(column["regressions"] for column in one.matrix()["columns"])
            one.status = RunStatus.FAILED if is_worse else RunStatus.SUCCEEDED
            if one.is_stopping:
                one.status = RunStatus.CANCELLED
        except concurrent.futures.CancelledError:
            one.status = RunStatus.INTERRUPTED
        except Exception:  # noqa: BLE001 - a test has an end, whatever it is
            one.status = RunStatus.INTERRUPTED
            _log.exception("the test of the prompt %s broke down", one.begun["prompt"])
        finally:
            self._ended(one)

    def _answer(self, one: _Open) -> None:
        """Answer all cases with all columns; the answers to one case are asked together."""
        recorded = RecordedAnswers(self._store.folder(one.begun["prompt"]))
        answers = SharedAnswers(recorded, is_fresh=one.wanted.is_fresh)

        def answered(case: Case, number: int, repetition: int) -> None:
            if not one.is_stopping:
                answer = self._cells.answer(one.asked[number], case, repetition, answers)
                one.add(number, case.case, repetition, answer)

        cells = itertools.product(one.cases, range(len(one.asked)), range(one.wanted.repeat))
        with ThreadPoolExecutor(one.wanted.concurrency, thread_name_prefix="test") as pool:
            coming = {pool.submit(answered, *cell) for cell in cells}
            while coming:
                done, coming = concurrent.futures.wait(coming, _KEEP_SECONDS)
                for cell in done:
                    cell.result()
                if coming:
                    self._keep(one)

    def _keep(self, one: _Open) -> None:
        try:
            self._records.put(one.matrix())
        except OrchestraError as error:
            _log.error("the test of the prompt %s is not kept: %s", one.begun["prompt"], error)

    def _ended(self, one: _Open) -> None:
        one.begun = {**one.begun, "ended_at": timestamp(self._clock())}
        self._keep(one)
        self._open.pop(one.begun["prompt"], None)
        one.over.set()


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


def _column(column: TriedColumn, asked: ColumnQuestion) -> MatrixColumn:
    return {
        "title": column.title,
        "version": asked.version,
        "connection": asked.connection,
        "demo": asked.demo,
        "model": asked.model_asked,
        "document": asked.document,
        "cells": {},
        "passed": 0,
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
