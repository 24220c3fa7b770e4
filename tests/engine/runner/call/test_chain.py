"""A rule about calls is one link: it sees every call, may refuse it or answer it, and the rest still holds."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine.base.errors import OrchestraError
from engine.orchestra import Orchestra
from engine.plugins.step import Effect
from engine.runner import call as call_package
from engine.runner.call import chain
from engine.runner.call.record import AccountNoticeReports, Announcement
from engine.runner.call.write import Once
from engine.runner.execution.run_context import RunContext
from engine.runner.execution.step_call import Check, Failed, Link, Middleware, Next, Outcome, StepCall, Succeeded
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS

Put = Callable[[type[Link], type[Link]], None]
"""Puts a link into the order, outside another."""


class OverBudget(OrchestraError):
    """A run has made more calls than it may."""

    default_remedy = "Allow it more."


class Counter(Middleware):
    """Counts calls by step, and how they ended."""

    seen: ClassVar[list[tuple[str, Effect, str]]] = []

    def __init__(self, _run: RunContext) -> None:
        self.seen.clear()

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call."""
        outcome = await call_next(call)
        self.seen.append((call.path, outcome.call.effect, type(outcome).__name__))
        return outcome


class Budget(Check):
    """Lets one write of a run through."""

    is_for_services = True

    def __init__(self, _run: RunContext) -> None:
        self._left = 1

    async def __call__(self, call: StepCall) -> StepCall:
        """Return the call while there is some budget left."""
        if call.effect is Effect.WRITES:
            if not self._left:
                raise OverBudget(f"{call.action.uses} is one write too many.")
            self._left -= 1
        return call


class Rehearsal(Check):
    """Tells what would be written, and writes nothing."""

    def __init__(self, _run: RunContext) -> None:
        pass

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Answer writes in the place of their service."""
        if call.effect is not Effect.WRITES:
            return call
        assert call.write is not None
        return Succeeded(call, {"would": call.arguments and call.arguments["url"], "marker": call.write.marker})


class Looks(Middleware):
    """Keeps the outcomes that it sees."""

    outcomes: ClassVar[list[Outcome]] = []

    def __init__(self, _run: RunContext) -> None:
        self.outcomes.clear()

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call."""
        outcome = await call_next(call)
        self.outcomes.append(outcome)
        return outcome


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Add the one line to the order that a new link needs."""

    def put(one: type[Link], before: type[Link]) -> None:
        at = chain.ORDER.index(before)
        monkeypatch.setattr(chain, "ORDER", (*chain.ORDER[:at], one, *chain.ORDER[at:]))

    return put


def test_every_link_of_the_folder_has_one_place_in_the_order() -> None:
    modules = [
        importlib.import_module(one.name)
        for one in pkgutil.walk_packages(call_package.__path__, f"{call_package.__name__}.")
    ]
    found = [
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Link) and kind.__module__ == module.__name__
    ]
    assert len(found) > 10
    assert sorted(map(str, found)) == sorted(map(str, chain.ORDER))


def ran(orchestra: Orchestra, run_id: str) -> Any:
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def test_a_middleware_sees_every_call_of_a_run_once(
    orchestra: Orchestra, root: Path, service: Service, put: Put
) -> None:
    put(Counter, AccountNoticeReports)
    steps = [
        set_step("a", {"n": 1}),
        get_step("r", service.url("/r")),
        post_step("w", service.url("/w"), retry={"attempts": 3, "backoff_seconds": 0}),
        set_step("never", {"n": 1}, **{"if": "{{ false }}"}),
        post_step("bad", service.url("/bad"), on_error="continue"),
    ]
    service.answers["/w"], service.answers["/bad"] = [429, 200], [400]  # two attempts are one call
    write_workflow(root, "work", steps)
    run = ran(orchestra, orchestra.runs.start(OWNER, "work", {}))
    assert run["status"] == "succeeded", run["error"]
    assert Counter.seen == [
        ("a", Effect.PURE, "Succeeded"),
        ("r", Effect.READS, "Succeeded"),
        ("w", Effect.WRITES, "Succeeded"),
        ("bad", Effect.WRITES, "Failed"),
    ]


def test_a_check_refuses_a_call_and_nothing_is_sent(
    orchestra: Orchestra, root: Path, service: Service, put: Put
) -> None:
    put(Budget, Announcement)
    steps = [post_step("one", service.url("/1")), post_step("two", service.url("/2"))]
    write_workflow(root, "work", steps)
    run = ran(orchestra, orchestra.runs.start(OWNER, "work", {}))
    assert (run["status"], statuses(run)) == ("failed", {"one": "succeeded", "two": "failed"})
    error = run["error"]
    assert (error["type"], error["step"], error["outcome"]) == ("OverBudget", "two", "not_done")
    assert error["remedy"] == "Allow it more."
    assert (service.seen["/1"], service.seen["/2"]) == (1, 0)
    # Nothing is claimed either: with a new budget the second write is made, and the first one is not made again.
    orchestra.runs.resume(OWNER, run["run_id"])
    run = ran(orchestra, run["run_id"])
    assert (run["status"], service.seen["/1"], service.seen["/2"]) == ("succeeded", 1, 1)


def test_a_refused_call_is_told_with_its_arguments_and_its_identity(
    orchestra: Orchestra, root: Path, service: Service, put: Put
) -> None:
    put(Budget, Announcement)
    write_workflow(root, "work", [post_step("one", service.url("/1")), post_step("two", service.url("/2"))])
    run = ran(orchestra, orchestra.runs.start(OWNER, "work", {}))
    two = run["steps"][1]
    assert two["arguments"]["url"] == service.url("/2")
    assert two["uses"] == "http.request"


def test_a_check_answers_a_call_in_the_place_of_its_service(
    orchestra: Orchestra, root: Path, service: Service, put: Put
) -> None:
    put(Rehearsal, Announcement)
    write_workflow(root, "work", [get_step("r", service.url("/r")), post_step("w", service.url("/w"))])
    run = ran(orchestra, orchestra.runs.start(OWNER, "work", {}))
    assert run["status"] == "succeeded", run["error"]
    assert run["steps"][1]["output"]["would"] == service.url("/w")
    assert (service.seen["/r"], service.seen["/w"]) == (1, 0)


def test_a_write_that_would_go_past_the_ledger_is_not_sent(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "ORDER", tuple(one for one in chain.ORDER if one is not Once))
    write_workflow(root, "work", [post_step("w", service.url("/w"))])
    run = ran(orchestra, orchestra.runs.start(OWNER, "work", {}))
    assert (run["status"], service.seen["/w"]) == ("failed", 0)
    assert (run["error"]["type"], run["error"]["outcome"]) == ("InternalError", "not_done")


def test_what_came_back_is_known_outside_and_cannot_be_changed(
    orchestra: Orchestra, root: Path, service: Service, put: Put
) -> None:
    put(Looks, Once)
    write_workflow(root, "work", [post_step("w", service.url("/w"))])
    ran(orchestra, orchestra.runs.start(OWNER, "work", {}))
    [outcome] = Looks.outcomes
    assert isinstance(outcome, Succeeded)
    assert outcome.effect is not None
    assert (outcome.effect["outcome"], outcome.call.is_announced) == ("done", True)
    for thing, name in ((outcome, "output"), (outcome.call, "write"), (outcome.call, "account")):
        with pytest.raises(AttributeError):
            setattr(thing, name, None)


def test_an_error_inside_comes_back_as_an_outcome_with_the_call_as_far_as_it_came(
    orchestra: Orchestra, root: Path, put: Put
) -> None:
    put(Looks, AccountNoticeReports)
    wrong = {"id": "w", "uses": "http.request", "connection": "web", "with": {"url": "{{ inputs.url }}"}}
    write_workflow(root, "work", [wrong], inputs={"type": "object", "properties": {"url": {"type": "string"}}})
    run = ran(orchestra, orchestra.runs.start(OWNER, "work", {"url": "http://127.0.0.1:1/no"}))
    assert run["status"] == "failed"
    [outcome] = Looks.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.call.arguments is not None
    assert outcome.document() == run["error"]
