"""Random workflows, faults, cancels, crashes and resumes: what the engine does is what the model says.

`make assurance` looks at many more (assurance/semantics/chaos.py).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from msgspec.structs import replace

from assurance.semantics.documents import Case, Fault, cases
from assurance.semantics.engines import more_step_types
from assurance.semantics.service import ScriptedService, scripted_service
from assurance.semantics.world import Disturbance, World
from engine.runner.effects import retry as attempts
from engine.runner.effects.delivery import Delivery
from engine.runner.effects.ledger import Ledger
from engine.runner.execution.concurrency import StopSignal
from engine.runner.execution.recording import Recording
from engine.runner.execution.runner import Runner
from engine.store.ledger import IntendedWrite, LedgerRow

EXAMPLES = 20
WIDE_EXAMPLES = 3000
CONTROL_EXAMPLES = 800
"""So many are enough to find each of the wrong engines below; most are found within ten."""

DISTURBANCES = st.builds(
    Disturbance,
    st.sampled_from(("nothing", "nothing", "crash at a point", "cancel", "crash at a request")),
    st.integers(1, 12),
)

pytestmark = [
    pytest.mark.slow,
    # So ends the thread of an engine that is crashed inside the process.
    pytest.mark.filterwarnings("ignore:Exception in thread engine:pytest.PytestUnhandledThreadExceptionWarning"),
]


class Runs(RuleBasedStateMachine):
    """One workflow and what happens to its runs."""

    service: ClassVar[ScriptedService]
    found: ClassVar[AssertionError | None] = None
    """What was wrong in the first story that was."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.world: World | None = None

    @initialize(case=cases())
    def open(self, case: Case) -> None:
        folder = Path(tempfile.mkdtemp())
        self._stack.callback(shutil.rmtree, folder)
        self.service.reset()
        self.world = World(folder / "workspace", self.service, case)
        self._stack.callback(self.world.close)

    @rule(disturbance=DISTURBANCES)
    def start(self, disturbance: Disturbance) -> None:
        with self._judged() as world:
            world.start(disturbance)

    # No preconditions: how a run ends that is disturbed is a matter of moments, and the same draws must stay possible.
    @rule(disturbance=DISTURBANCES, is_healed=st.booleans())
    def resume(self, disturbance: Disturbance, is_healed: bool) -> None:
        with self._judged() as world:
            if not self.can_go_on:
                world.start(disturbance)
                return
            world.case.is_healed |= is_healed
            world.resume(disturbance)

    @rule(is_done=st.booleans())
    def answer(self, is_done: bool) -> None:
        with self._judged() as world:
            if self.can_go_on:
                world.answer(is_done=is_done)

    def teardown(self) -> None:
        self._stack.close()

    @contextmanager
    def _judged(self) -> Iterator[World]:
        assert self.world is not None
        try:
            yield self.world
        except AssertionError as wrong:
            Runs.found = Runs.found or wrong
            raise

    @property
    def can_go_on(self) -> bool:
        return self.world is not None and self.world.run is not None and self.world.run["status"] != "succeeded"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The step type of these tests is known, and nobody waits between attempts: time is not what is judged here."""
    monkeypatch.setattr(attempts, "_backoff", lambda *_: 0.0)
    with more_step_types(), scripted_service() as service:
        Runs.service = service
        yield


def judge(examples: int, *phases: Phase, **more: Any) -> None:
    """Judge so many random stories of runs. Raises AssertionError at the first that is wrong.

    An engine that is wrong may be wrong at another moment when the story is told again: Hypothesis says that the story
    is flaky then, and the first failure is what counts.
    """
    Runs.found = None
    chosen = settings(
        max_examples=examples, stateful_step_count=6, phases=phases, suppress_health_check=list(HealthCheck), **more
    )
    try:
        run_state_machine_as_test(Runs, settings=chosen)
    except Flaky as told_again:
        if Runs.found is None:
            raise
        raise Runs.found from told_again


def test_runs_do_what_the_model_says() -> None:
    judge(EXAMPLES, Phase.generate, Phase.shrink)


def test_an_empty_loop_in_an_item_that_nobody_came_to_is_open() -> None:
    inner = {"id": "s3", "foreach": "{{ inputs.none }}", "as": "l3", "steps": [_add("s4/{{ l1 }}/{{ l3 }}")]}
    fails = {"id": "s2", "uses": "flow.assert", "with": {"condition": "{{ inputs.no }}"}}
    loop = {"id": "s1", "foreach": "{{ inputs.two }}", "as": "l1", "steps": [fails, inner | {"needs": []}]}
    story = Runs()
    story.open(case=Case([loop], {}, {"s4": Fault((), None, None)}))
    story.start(disturbance=Disturbance("nothing", 1))
    story.teardown()


def _add(path: str) -> dict[str, Any]:
    fields = {"url": f"{{{{ inputs.base }}}}/{path}"}
    return {"id": path.partition("/")[0], "connection": "web", "uses": "counter.add", "with": fields}


# --- engines that are wrong on purpose


def _skips_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Runner, "_condition", lambda *_: True)


def _remembers_no_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recording, "record_of", lambda *_: None)
    patch.setattr(Recording, "endings_of", lambda *_: (None, None))


def _claims_nothing(patch: pytest.MonkeyPatch) -> None:
    claim = Ledger.claim

    async def as_if_new(self: Ledger, write: IntendedWrite) -> LedgerRow:
        return replace(await claim(self, write), state="new", receipt=None)

    patch.setattr(Ledger, "claim", as_if_new)


def _looks_for_nothing(patch: pytest.MonkeyPatch) -> None:
    async def not_there(*_: Any) -> None:
        return None

    patch.setattr(Delivery, "_look", not_there)


def _keeps_no_receipt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "record", lambda self, write, *_: self.effects.forget(write))


def _never_stops(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StopSignal, "failure", property(lambda _: None, lambda *_: None), raising=False)


def _runs_dropped_items_again(patch: pytest.MonkeyPatch) -> None:
    endings_of = Recording.endings_of

    def without_failed(self: Recording, path: str) -> Any:
        known, failure = endings_of(self, path)
        return (None, None) if known and known["status"] == "failed" else (known, failure)

    patch.setattr(Recording, "endings_of", without_failed)


def _gives_up_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attempts.RetryAttempts, "may_follow", lambda *_: False)


def _swallows_failures(patch: pytest.MonkeyPatch) -> None:
    caught: Callable[..., Awaitable[Any]] = Runner._caught

    async def swallow(self: Runner, node: Any, frame: Any, path: str, failed: Any) -> Any:
        if node.fallback is not None:
            return await caught(self, node, frame, path, failed)
        return {"status": "failed", "error": {}}

    patch.setattr(Runner, "_caught", swallow)


QUICKLY_FOUND = (_skips_nothing, _claims_nothing, _looks_for_nothing, _never_stops, _swallows_failures)
FOUND_LATER = (
    _remembers_no_step,
    _keeps_no_receipt,
    _runs_dropped_items_again,
    _gives_up_at_once,
)
"""These take hundreds of stories: assurance/semantics/chaos.py."""


@pytest.mark.control
@pytest.mark.parametrize("wrong", QUICKLY_FOUND)
def test_the_model_finds_an_engine_that(
    wrong: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(monkeypatch)
    with pytest.raises(AssertionError):
        judge(CONTROL_EXAMPLES, Phase.generate, print_blob=False)
