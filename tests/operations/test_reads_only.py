"""Every operation of every service inside `reads_only()`: what reads works, and of what writes nothing arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from clients.errors import WriteRefused
from clients.reads import ConnectionReads
from clients.reads_only import reads_only
from clients.transport import http_client
from engine.base.services import client_class
from engine.plugins import registry
from engine.plugins.step import Effect, Repeat, StepType
from tests.operations.test_faults import operations_of
from tests.operations.world import World

if TYPE_CHECKING:
    from tests.conftest import StandIns


@dataclass
class Case:
    """An operation, ready to be made."""

    step_type: StepType
    world: World
    arguments: Mapping[str, Any]

    @property
    def is_write(self) -> bool:
        return self.step_type.effect_of(self.arguments)[0] is Effect.WRITES

    def changes(self) -> int:
        """How often the service has changed what it holds."""
        return self.world.standins.stores[self.world.stand_in]._connection.total_changes


@pytest.fixture(params=operations_of())
def case(request: pytest.FixtureRequest, standins: StandIns) -> Iterator[Case]:
    step_type = registry.step_type(request.param)
    service = client_class(str(step_type.service)).service
    operation = operations_of()[request.param]
    name = operation.plays or {"http": "github"}.get(service.name, service.name)
    base_url = standins[name].base_url
    if service.name == "telegram":  # the token is part of the address
        base_url += f"/bot{standins[name].token}"
    with http_client(reads=ConnectionReads(service.reads, base_url, service.title)) as http:
        world = World(service.name, standins, http, plays=operation.plays)
        yield Case(step_type, world, operation.arguments(world))


def test_inside_reads_work_and_writes_are_refused_and_outside_they_arrive(case: Case) -> None:
    before = case.changes()
    with reads_only():
        assert case.world.whose()
        if case.is_write:
            with pytest.raises(WriteRefused, match="was not sent: while a plan is made"):
                case.world.run(case.step_type, case.arguments)
        if not case.is_write or case.step_type.effect_of(case.arguments)[1] is Repeat.FINDABLE:
            look = case.world.found if case.is_write else case.world.run
            look(case.step_type, case.arguments)
    assert case.changes() == before
    case.world.run(case.step_type, case.arguments)
    assert (case.changes() > before) is case.is_write, "the control: the same call does arrive"
