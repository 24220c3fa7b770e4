"""A workspace whose workflow is started by the lines of a file, and a clock that tests move."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import engine.triggers
from engine.orchestra import Orchestra
from engine.plugins import registry
from engine.plugins.trigger import Start
from engine.store.sql.base.database import StateDatabase
from engine.triggering.polling import poll as looks
from engine.triggering.polling.status import PollResult, TriggerStatus
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS

WORKFLOW, TRIGGER = "work", "line"
INPUTS = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "text": {"type": "string", "maxLength": 20, "default": ""}},
    "required": ["id"],
}


@dataclass
class MovingClock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Feed:
    """The engine on the workspace, and the file that is watched."""

    root: Path
    orchestra: Orchestra
    clock: MovingClock

    @property
    def path(self) -> Path:
        """The file of lines."""
        return self.root / "feed.jsonl"

    @property
    def database(self) -> StateDatabase:
        """The state."""
        return self.orchestra._families.opened.database

    @property
    def sql(self) -> Any:
        """The engine of SQLAlchemy, to listen to its statements."""
        return self.database._engine  # type: ignore[attr-defined]

    def write(self, *lines: Mapping[str, Any] | str) -> None:
        """Add lines; a text is the id of a plain one."""
        with self.path.open("a") as file:
            for line in lines:
                file.write(json.dumps({"id": line} if isinstance(line, str) else dict(line)) + "\n")

    def rewrite(self, *lines: Mapping[str, Any] | str) -> None:
        """Begin the file anew."""
        self.path.write_text("")
        self.write(*lines)

    def fault(self, **fault: Any) -> None:
        """Let every look fail, until `well`."""
        self.path.with_suffix(".fault").write_text(json.dumps(fault))

    def well(self) -> None:
        """Let looks succeed again."""
        self.path.with_suffix(".fault").unlink()

    def workflow(self, steps: list[Mapping[str, Any]] | None = None, overlap: int = 0, **more: Any) -> None:
        """Put the workflow into the workspace."""
        fields = {"path": "feed.jsonl", "overlap": overlap, **more.pop("fields", {})}
        mapping = {"id": "{{ item.id }}", "text": "{{ item.text }}"}
        trigger = {"id": TRIGGER, "uses": "feed.line", "with": fields, "inputs": mapping}
        steps = steps or [{"id": "note", "uses": "flow.set", "with": {"values": {"id": "{{ inputs.id }}"}}}]
        document = {"inputs": INPUTS, "triggers": [trigger], **more}
        write_workflow(self.root, WORKFLOW, steps, **document)

    def on(self, start: Start | None = Start()) -> TriggerStatus:  # noqa: B008 - frozen
        """Turn the trigger on, and look once, so that it knows where it stands."""
        status = self.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, start)
        self.poll()
        return status

    def poll(self) -> PollResult:
        """Look now."""
        [result] = self.orchestra.triggers.poll(OWNER, WORKFLOW)
        return result

    def status(self) -> TriggerStatus:
        """How the trigger stands."""
        return self.orchestra.triggers.status(OWNER, WORKFLOW, TRIGGER)

    def ended(self, *run_ids: str) -> list[Any]:
        """Wait for the ends of runs; all that the trigger has started where none is named."""
        wanted = run_ids or [run.run_id for run in self.orchestra.runs.list(OWNER, trigger=TRIGGER, limit=200).rows]
        return [self.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS) for run_id in wanted]

    def starts(self) -> Counter[str]:
        """How many runs each thing has started, by the runs themselves."""
        return Counter(run["trigger"]["item"] for run in self.ended() if run["parent_run_id"] is None)


@pytest.fixture
def types() -> Iterator[None]:
    """Let the registry find the trigger types of these tests beside the engine's own."""
    folder = str(Path(__file__).parent / "trigger_types")
    engine.triggers.__path__.append(folder)
    registry.TRIGGERS.forget()
    yield
    engine.triggers.__path__.remove(folder)
    registry.TRIGGERS.forget()


@pytest.fixture
def feed(root: Path, types: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """A workspace with the workflow, its trigger not turned on yet; a call that fails is not made again at once."""
    monkeypatch.setattr(looks, "_PAUSES_SECONDS", ())
    clock = MovingClock()
    opened = Feed(root, Orchestra(root, clock=clock), clock)
    opened.path.touch()
    opened.workflow()
    yield opened
    opened.orchestra.close()
