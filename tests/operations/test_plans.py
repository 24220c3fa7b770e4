"""Every step type of every service in a plan: nothing arrives, also of one that lies about what it does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.transport import http_client
from engine.base.run_file import RunFile
from engine.base.services import declaration
from engine.orchestra import Orchestra
from engine.plugins import registry
from engine.plugins.step import Effect, StepType
from tests.engine.conftest import OWNER, write_workflow
from tests.operations.test_faults import operations_of
from tests.operations.world import World
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import Endpoint, StandIns

_OF_A_RUN = frozenset({"llm.vision", "notion.upload_file", "drive.upload"})
"""Take a file that an earlier step of the run has left."""


@dataclass
class Case:
    """A step type with arguments, in a workspace of which it is the only step."""

    step_type: StepType
    world: World
    arguments: Mapping[str, Any]
    orchestra: Orchestra

    @property
    def is_write(self) -> bool:
        return self.step_type.effect_of(self.arguments)[0] is Effect.WRITES

    def changes(self) -> int:
        """How often the service has changed what it holds."""
        return self.world.standins.stores[self.world.stand_in]._connection.total_changes

    def plan(self) -> Any:
        plan_id = self.orchestra.plans.make(OWNER, "work", {})
        self.orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)
        return self.orchestra.plans.show(OWNER, plan_id)


def _steps(*, which: Callable[[StepType], bool], quick: int) -> Iterator[Any]:
    """Give the step types; of each service, every so many for `make test`, the others for `make assurance`."""
    seen: Counter[str] = Counter()
    for name in operations_of():
        step_type = registry.step_type(name)
        if name not in _OF_A_RUN and which(step_type):
            kind = f"{step_type.service} {step_type.effect}"
            yield pytest.param(name, marks=() if seen[kind] % quick == 0 else pytest.mark.chaos)
            seen[kind] += 1


@pytest.fixture
def case(
    request: pytest.FixtureRequest, standins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Case]:
    step_type = registry.step_type(request.param)
    service, operation = str(step_type.service), operations_of()[request.param]
    with http_client() as http:
        world = World(service, standins, http, plays=operation.plays)
        arguments = json.loads(json.dumps(operation.arguments(world), default=_no_file))
    step = {"id": "it", "uses": request.param, "connection": service, "with": arguments}
    for name in ("workflows", "prompts", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.yaml").write_text(_config(service, world.endpoint) + "approvals:\n  default: never\n")
    monkeypatch.setenv("THE_TOKEN", world.endpoint.token)
    write_workflow(tmp_path, "work", [step])
    orchestra = Orchestra.open(tmp_path)
    yield Case(step_type, world, arguments, orchestra)
    orchestra.close()


def _no_file(value: Any) -> Any:
    assert isinstance(value, RunFile)
    pytest.skip("takes a file of a run")


def _config(service: str, endpoint: Endpoint) -> str:
    if service == "http":
        return f"connections:\n  http:\n    service: http\n    allow_hosts: ['{endpoint.origin.partition('//')[2]}']\n"
    config = f"connections:\n  {service}:\n    service: {service}\n    base_url: {endpoint.base_url}\n"
    key = declaration(service).key
    assert key is not None
    config += f"    {key.setting}: env:THE_TOKEN\n"
    return config + ("    model: demo-extractive\n" if service == "openai" else "")


@pytest.mark.parametrize("case", list(_steps(which=lambda _: True, quick=3)), indirect=True)
def test_a_plan_writes_nothing_and_applied_it_writes_exactly_that(case: Case) -> None:
    before = case.changes()
    plan = case.plan()
    assert plan["state"] == "open", plan["error"]
    assert case.changes() == before
    assert len(plan["writes"]) == case.is_write
    if not case.is_write:
        return
    [write] = plan["writes"]
    assert write["preview"]["text"] or case.step_type.name in _LEAVES_NOTHING
    run_id = case.orchestra.plans.apply(OWNER, plan["plan_id"])
    run = case.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded" or case.world.service == "http", run["error"]  # it is not signed in
    assert json.dumps(run["steps"][0]["arguments"]) == json.dumps(write["arguments"])


_LEAVES_NOTHING = frozenset({"gmail.delete_draft", "outlook.delete_draft", "gmail.delete_label", "github.delete_file"})


def _may_write(step_type: StepType) -> bool:
    return step_type.effect is Effect.WRITES or step_type.service == "http"  # that depends on its method


@pytest.mark.parametrize("case", list(_steps(which=_may_write, quick=5)), indirect=True)
def test_a_step_type_that_lies_about_its_effect_is_stopped(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    if not case.is_write:
        pytest.skip("it writes nothing")
    claims_to_read: Callable[..., Any] = lambda _arguments: (Effect.READS, None)  # noqa: E731
    monkeypatch.setattr(case.step_type, "effect_of", claims_to_read)
    before = case.changes()
    plan = case.plan()
    assert case.changes() == before
    assert plan["writes"] == []
    assert plan["state"] == "failed"
    assert plan["error"]["type"] == "WriteRefused"
