"""Every step type of every service x everything that can go wrong with a service: what is told, and what happened."""

from __future__ import annotations

import importlib
import json
import logging
import pkgutil
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import clients.deadline
import clients.transport
from clients.errors import ServiceError, Timeout
from clients.transport import http_client
from demo import stand_ins
from engine.base.services import services
from engine.plugins import registry
from engine.plugins.step import Effect, Repeat, StepType
from engine.record.failure import failure
from tests import operations
from tests.operations.faults import CAP_BYTES, FAULTS, Broken
from tests.operations.world import Operation, World

if TYPE_CHECKING:
    from tests.conftest import StandIns

ELSEWHERE = {
    "imap": "speaks no HTTP: tests/mail breaks real servers",
    "mcp": "calls what a server offers: tests/engine/steps/test_mcp.py",
    "sql": "speaks no HTTP: tests/clients/sql has real databases",
    **{one.name: "is a part of the workspace: tests/clients" for one in services() if one.is_in_workspace},
}
"""Services that are not in the matrix, and where their faults are tested instead."""
ALL_THERE = ("items", "counters", "meta")


@cache
def operations_of() -> Mapping[str, Operation]:
    """What every file `<service>_operations.py` of this folder lists: {step type: how it is run}."""
    names = [each.name for each in pkgutil.iter_modules(operations.__path__) if each.name.endswith("_operations")]
    modules = [importlib.import_module(f"tests.operations.{name}") for name in sorted(names)]
    return {step: operation for module in modules for step, operation in module.OPERATIONS.items()}


@dataclass
class Ready:
    """An operation with its arguments, in a world that can be brought back to how it was before."""

    step_type: StepType
    operation: Operation
    world: World
    arguments: Mapping[str, Any]
    rows: Mapping[str, list[tuple[Any, ...]]]
    number: int
    """Which of its requests the faults hit."""
    first: str
    """Its first request."""
    output: Any
    before: Any
    after: Any
    """How much the service holds before it and after it."""
    holding: dict[str, tuple[str, int]]
    """For each stand-in, whose world it holds, and how many changes it had seen then."""

    @property
    def is_write(self) -> bool:
        return self.step_type.effect_of(self.arguments)[0] is Effect.WRITES

    def restored(self) -> Ready:
        """Bring the service back to how it was before, where something was written since."""
        connection = self.world.standins.stores[self.world.stand_in]._connection
        if self.holding.get(self.world.stand_in) != (self.step_type.name, connection.total_changes):
            _restore(connection, self.rows)
            self.holding[self.world.stand_in] = (self.step_type.name, connection.total_changes)
        return self


class Matrix:
    """Prepares each operation once."""

    def __init__(self, standins: StandIns) -> None:
        self.standins = standins
        self._ready: dict[str, Ready] = {}
        self._holding: dict[str, tuple[str, int]] = {}

    def ready(self, name: str) -> Ready:
        """The operation of a step type, in its world as it was before."""
        if name not in self._ready:
            self._ready[name] = self._prepared(name)
        return self._ready[name].restored()

    def _prepared(self, name: str) -> Ready:
        step_type, operation = registry.step_type(name), operations_of()[name]
        world = World(str(step_type.service), self.standins, http_client(), plays=operation.plays)
        self.standins.calm(world.stand_in)
        self.standins.reset(world.stand_in)
        arguments = operation.arguments(world)
        rows = _rows(self.standins.stores[world.stand_in]._connection)
        before = sizes(world.shown())
        output = world.run(step_type, arguments)
        assert world.sent, "it asks nobody"
        is_write = step_type.effect_of(arguments)[0] is Effect.WRITES
        assert world.counted.wrote or not is_write, "it wrote unseen: a failure could be taken for nothing done"
        number, first = world.number_of(operation.match), world.sent[0]
        after = sizes(world.shown())
        return Ready(step_type, operation, world, arguments, rows, number, first, output, before, after, self._holding)

    def close(self) -> None:
        """Close what is open."""
        for ready in self._ready.values():
            ready.world.http.close()


def _rows(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    connection.execute("PRAGMA synchronous=OFF")  # it need not outlive this process
    return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in ALL_THERE}


def _restore(connection: Any, rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table, kept in rows.items():
        connection.execute(f"DELETE FROM {table}")
        if kept:
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(kept[0]))})", kept)
    connection.execute("COMMIT")


def sizes(shown: Any) -> Any:
    """How much there is of everything: ids and times differ from one try to the next, numbers do not."""
    if isinstance(shown, dict):
        return {name: sizes(value) for name, value in shown.items()}
    if isinstance(shown, list):
        return sorted((sizes(value) for value in shown), key=lambda value: json.dumps(value, sort_keys=True))
    return None


@pytest.fixture(scope="module")
def matrix(demo_services: StandIns) -> Iterator[Matrix]:
    prepared = Matrix(demo_services)
    yield prepared
    prepared.close()


@pytest.fixture
def ready(request: pytest.FixtureRequest, matrix: Matrix, step: str) -> Ready:
    return matrix.ready(step)


Work = Callable[[World, StepType, Mapping[str, Any]], Any]


def broken(ready: Ready, fault: Broken, patch: pytest.MonkeyPatch, work: Work = World.run) -> ServiceError | None:
    """Make the call with the fault; give the error, or None where it succeeds."""
    for patience in (1, 5, 25):
        asked = ready.restored().world.arrived()
        error = _tried(ready, fault, patience, patch, work)
        # A busy machine may not even have connected in so short a time: then the fault has not struck.
        if not isinstance(error, Timeout) or ready.world.arrived() - asked == len(ready.world.sent):
            break
    return error


def _tried(ready: Ready, fault: Broken, patience: float, patch: pytest.MonkeyPatch, work: Work) -> ServiceError | None:
    world = ready.world

    def strike() -> None:
        if fault.seconds:
            clients.deadline._limits.set((clients.deadline.TimeLimit(fault.seconds * patience),))
        if fault.is_oversize:
            inner.setattr(clients.transport, "MAX_ANSWER_BYTES", CAP_BYTES)

    with patch.context() as inner, world.struck(ready.number, described(fault, world), strike):
        try:
            work(world, ready.step_type, ready.arguments)
        except ServiceError as error:
            return error
    return None


def described(fault: Broken, world: World) -> dict[str, Any]:
    """The fault with the service's own words; it repeats the token, as services do."""
    if not fault.is_refusal:
        return dict(fault.fault)
    module = stand_ins.load(world.stand_in)
    said = json.dumps(module.ERROR(fault.fault["status"], f"The token {world.endpoint.token} was not accepted"))
    return {"headers": {"content-type": "application/json"}, **fault.fault, "body": said}


NINTH = 9
"""Each step is tried with a ninth of the faults, each fault with a ninth of the steps; `make assurance`: all."""


def pairs(steps: Iterable[str]) -> Iterator[Any]:
    """Give every step with every fault."""
    for row, step in enumerate(steps):
        for column, name in enumerate(FAULTS):
            marks = () if (row + column) % NINTH == 0 else pytest.mark.chaos
            yield pytest.param(step, name, id=f"{step}-{name}", marks=marks)


@pytest.mark.parametrize(("step", "name"), list(pairs(operations_of())))
def test_a_fault_is_told_as_what_it_is(
    ready: Ready, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fault, differs = FAULTS[name], ready.operation.differs
    expected = differs.get(name, fault.error)
    with caplog.at_level(logging.DEBUG):
        error = broken(ready, fault, monkeypatch)
    assert ready.world.endpoint.token not in caplog.text
    assert len(ready.world.sent) >= ready.number, "the fault struck nothing"
    if expected is None:
        assert error is None, error
        return
    assert error is not None, "it succeeds all the same"
    fault.check(error, expected, str(ready.step_type.service))
    assert_secret(error, ready.world.endpoint.token)
    hit = ready.world.sent[ready.number - 1]
    assert hit not in ready.world.sent[ready.number :], "it was sent again"
    if ready.is_write and expected is fault.error:
        assert error.outcome == fault.outcome
    if ready.is_write and error.outcome == "not_done" and ready.number == 1:
        assert sizes(ready.world.shown()) == ready.before


def assert_secret(error: ServiceError, token: str) -> None:
    """The token is nowhere where somebody could see it: the error, what caused it, what the run keeps of it."""
    shown = [repr(error), str(error), repr(vars(error)), json.dumps(failure(error)), *traceback.format_exception(error)]
    assert token not in "\n".join(shown)


@cache
def writing() -> list[str]:
    """The step types that write."""
    return [name for name in operations_of() if registry.step_type(name).effect is Effect.WRITES]


QUESTION = re.compile(r"GET |POST /v1/(search|data_sources/[^/]+/query)")


@pytest.mark.parametrize("step", writing())
def test_a_write_that_only_asked_so_far_has_done_nothing(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    if ready.number == 1 or not QUESTION.match(ready.first):
        return
    error = broken(replace(ready, number=1), FAULTS["500"], monkeypatch)
    assert error is not None
    assert error.outcome == "not_done", "nothing was sent but a question"
    assert sizes(ready.world.shown()) == ready.before


@cache
def repeatable() -> list[str]:
    """The step types whose write the engine sends again, or looks for, when its answer is lost."""
    kinds = (Repeat.SAFE, Repeat.FINDABLE)
    return [name for name in operations_of() if registry.step_type(name).repeat in kinds]


@pytest.mark.parametrize("step", repeatable())
@pytest.mark.parametrize("name", ["cut before the effect", "cut after the effect"])
def test_a_write_whose_answer_is_lost_happens_once(ready: Ready, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = broken(ready, FAULTS[name], monkeypatch)
    if error is None:
        assert name in ready.operation.differs
    else:
        output = repeated(ready, is_there=name == "cut after the effect")
        assert shape(output) == shape(ready.output)
    assert sizes(ready.world.shown()) == ready.after


def repeated(ready: Ready, *, is_there: bool) -> Any:
    """Do what the engine does after an answer was lost: look for the write, and send it where it is not there."""
    world, step_type = ready.world, ready.step_type
    if step_type.repeat is Repeat.FINDABLE:
        found = world.found(step_type, ready.arguments)
        assert (found is not None) == is_there, "what arrived must be found, and nothing else"
        if found is not None:
            return found
    return step_type.call(world.call(step_type, ready.arguments, attempt=2))


@cache
def findable() -> list[str]:
    """The step types whose write can be looked for."""
    return [name for name in operations_of() if registry.step_type(name).repeat is Repeat.FINDABLE]


@pytest.mark.parametrize(("step", "name"), list(pairs(findable())))
def test_a_look_up_that_fails_finds_not_nothing(ready: Ready, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    error = broken(replace(ready, number=1), fault, monkeypatch, World.found)
    if name == "404" and error is None:
        return  # where it would be is not there, so neither is it
    assert error is not None, "it would be taken for not there, and sent again"
    fault.check(error, fault.error, str(ready.step_type.service))
    assert_secret(error, ready.world.endpoint.token)


def whose(world: World, *_: Any) -> str:
    """Ask whose account it is: every write is named after that."""
    return world.whose()


@pytest.mark.parametrize(("step", "name"), list(pairs(["github.get_issue", "gmail.get_message", "notion.get_page"])))
def test_an_account_that_cannot_be_asked_for_is_no_account(
    ready: Ready, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS[name]
    error = broken(replace(ready, number=1), fault, monkeypatch, whose)
    assert error is not None
    fault.check(error, fault.error, str(ready.step_type.service))
    assert_secret(error, ready.world.endpoint.token)


def shape(output: Any) -> Any:
    """The names in an output."""
    return sorted(output) if isinstance(output, dict) else type(output)


def test_every_step_type_that_asks_a_service_is_in_the_matrix() -> None:
    every = {name for name, kind in registry.step_types().items() if kind.service and kind.service not in ELSEWHERE}
    assert sorted(every - set(operations_of())) == []


def test_the_matrix_names_only_step_types_that_exist() -> None:
    assert sorted(set(operations_of()) - set(registry.step_types())) == []
