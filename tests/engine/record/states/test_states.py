"""The state of a run is what its document says: at every event while it runs, and at every time afterwards."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from engine.base.step_path import in_workflow, is_item
from engine.orchestra import Orchestra
from engine.record.document import OpenRunDocument, document
from engine.record.events import Event, RunEnded
from engine.record.states.run_state import RunState, changed, changes, state_of
from engine.record.states.timeline import timeline
from engine.record.types.run import Acceptance, Run
from engine.runner.effects import retry
from engine.runner.execution.recording import Recording
from tests.engine.conftest import OWNER, Service, write_workflow
from tests.engine.record.states.random_workflows import INPUTS, random_steps
from tests.patience import PATIENCE_SECONDS

WORKFLOWS, RUNS = 40, 5
URGENCY = ("failed", "running", "waiting", "pending", "cancelled", "succeeded", "skipped")


@pytest.fixture
def runs(
    root: Path, service: Service, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Run, list[Event]]]:
    """So many runs of random workflows, each with the events that the engine wrote for it."""
    written: dict[str, list[Event]] = defaultdict(list)
    take = Recording._take

    def counted(self: Recording, event: Event) -> None:
        if self._number == len(written[self.run_id]):  # a run that waited reads its events again
            written[self.run_id].append(event)
        take(self, event)

    monkeypatch.setattr(Recording, "_take", counted)
    monkeypatch.setattr(retry, "_backoff", lambda *_: 0.0)
    for number in range(WORKFLOWS):
        write_workflow(root, f"work-{number}", random_steps(number, service, RUNS), inputs=INPUTS)
    each = [(f"work-{number}", {"n": run}) for number in range(WORKFLOWS) for run in range(RUNS)]
    started = [orchestra.runs.start(OWNER, name, inputs) for name, inputs in each]
    return [(orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS), written[run_id]) for run_id in started]


def by_document(run: Run) -> dict[str, dict[str, Any]]:
    """What a reader of the document finds of each step of the workflow."""
    steps: dict[str, list[Any]] = defaultdict(list)
    for step in run["steps"]:
        steps[in_workflow(step["path"])].append(step)
    return {path: _told(found) for path, found in steps.items()}


def _told(steps: list[Any]) -> dict[str, Any]:
    statuses = [str(step["status"]) for step in steps]
    items = [step for step in steps if is_item(step["path"])]
    ended = [step["ended_at"] for step in steps if step["ended_at"]]
    return {
        "status": min(statuses, key=URGENCY.index),
        "counts": dict(Counter(str(step["status"]) for step in items or steps)),
        "ended_at": max(ended, default=None) if not {"pending", "running", "waiting"} & {*statuses} else None,
        "due_at": min((one["due_at"] for one in steps if one["status"] == "waiting"), default=None),
        "attempts": sum(len(step["attempts"]) for step in steps),
    }


def shown(state: RunState, names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {path: {name: one[name] for name in names} for path, one in cast("Any", state["steps"]).items()}


def test_what_is_sent_is_the_document_at_every_event_and_the_timeline_is_that_again(
    runs: list[tuple[Run, list[Event]]],
) -> None:
    for run, events in runs:
        live_is_the_document(run, events)
        past_is_what_was_live(run, events)
    everything = Counter(type(event).__name__ for _, events in runs for event in events)
    assert {"AttemptFailed", "StepWaiting", "LoopStarted", "ItemFinished", "StepStarted"} <= everything.keys()
    assert {run["status"] for run, _ in runs} == {"succeeded", "failed"}


def live_is_the_document(run: Run, events: list[Event]) -> None:
    """Whoever got a snapshot at first, and each change, has what the document says then."""
    acceptance = cast("Acceptance", run)
    progress = OpenRunDocument(acceptance)
    known = before = state_of(progress.document())
    for number, event in enumerate(events, 1):
        progress.take(event)
        now = document(acceptance, events[:number]) if isinstance(event, RunEnded) else progress.document()
        state = state_of(now)
        known = changed(known, json.loads(json.dumps(changes(before, state))))
        before = state
        told = by_document(now)
        assert shown(known, next(iter(told.values()), {})) == told
        for name in ("status", "started_at", "ended_at", "usage", "due_at"):
            assert known[name] == now.get(name), name
    assert known == state_of(run)


def past_is_what_was_live(run: Run, events: list[Event]) -> None:
    """At each time, the timeline has what the events up to then say; a pure step has an event only at its end."""
    line = timeline(run)
    state, loops = line["first"], {in_workflow(step["path"]) for step in run["steps"] if "items" in step}
    for frame in line["frames"]:
        state = changed(state, frame["change"])
        then = by_document(document(cast("Acceptance", run), [one for one in events if one.at <= frame["at"]]))
        for path, one in then.items():
            now = state["steps"][path]
            for status in ("succeeded", "failed", "skipped", "cancelled", "waiting"):
                assert now["counts"].get(status, 0) == one["counts"].get(status, 0), (frame["at"], path, run)
            assert one["status"] != "running" or now["status"] == "running", (frame["at"], path, run)
            if path not in loops:
                assert now["counts"].get("running", 0) >= one["counts"].get("running", 0), (frame["at"], path, run)
            assert now["attempts"] >= one["attempts"]
    assert state == state_of(run)
