"""A trigger that watches the lines of a file, in servers that are killed or stopped: each line starts one run.

Every look lists three lines before its cursor again, as services do that may answer out of order.
"""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from assurance.kill.storm import Job, Storm, storm

_PATIENCE_SECONDS = 60
_TRIGGER = "line"


def each_item(uses: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A workflow that starts for each item of a trigger."""
    trigger = {
        "id": _TRIGGER,
        "uses": uses,
        "poll_seconds": 1,
        "with": fields,
        "inputs": {"id": "{{ item.id }}"},
    }
    return {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": {"id": {"type": "string"}}},
        "triggers": [trigger],
        "concurrency": {"parallel": 4},
        "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"id": "{{ inputs.id }}"}}}],
    }


@dataclass
class LineStorm:
    """One file and its workflow, in a workspace that several share."""

    storm: Storm
    name: str
    written: list[str] = field(default_factory=list)
    kept: ClassVar[str] = "/trigger/item"
    """What a run says of the line that started it."""

    def workflow(self) -> dict[str, Any]:
        """Return the workflow that starts for each new line."""
        return each_item("feed.line", {"path": self.path.name, "overlap": 3})

    @property
    def path(self) -> Path:
        """The file."""
        return self.storm.place.root / f"{self.name}.jsonl"

    def begin(self) -> None:
        """Turn the trigger on, and let it see where the file stands."""
        self.path.touch()
        self.storm.write(self.name, self.workflow())
        server = self.served()
        self.until("SELECT count(*) FROM triggers WHERE is_on = 1 AND cursor IS NOT NULL", 1)
        self.storm.place.rows.keep("kept_starts", "runs", run_id="NEW.run_id", item=self.kept)
        self.kill(server)

    def write(self, count: int) -> None:
        """Add lines."""
        new = [f"{self.name}-{len(self.written) + number}" for number in range(count)]
        self.written += new
        with self.path.open("a") as file:
            file.write("".join(json.dumps({"id": one}) + "\n" for one in new))

    def served(self, **more: Any) -> Job:
        """Start a server; it may die before it can say that it is ready."""
        server = self.storm.fork("watch", workflow=self.name, trigger=_TRIGGER, **more)
        said = server.said()
        assert said in ("ready", ""), said
        return server

    def kill(self, server: Job) -> None:
        """Kill a server, and wait until it is dead: its lock is free then."""
        server.signal(signal.SIGKILL)
        while server.said():
            pass
        server.close()

    def settle(self, **more: Any) -> None:
        """Serve until every line has had its time, and a look more: what would come a second time, comes then."""
        server = self.served(**more)
        self.until("SELECT count(DISTINCT item) FROM kept_starts", len(self.written), give_up=5)
        looked_at = self._looked_at()
        self._wait(lambda: self._looked_at() != looked_at, 30)
        self.until("SELECT count(*) = 0 FROM runs WHERE ended_at IS NULL", 1)
        self.kill(server)

    def wrongs(self) -> list[str]:
        """What is not as it should be: each line has started one run, and each of those has succeeded."""
        starts = Counter(item for (item,) in self.storm.query("SELECT item FROM kept_starts"))
        lost = [f"lost: {line}" for line in self.written if line not in starts]
        twice = [f"{count} runs: {line}" for line, count in starts.items() if count != 1 or line not in self.written]
        failed = self.storm.query("SELECT run_id, status FROM runs WHERE status != 'succeeded'")
        return [*lost, *twice, *(f"{status}: {run_id}" for run_id, status in failed)]

    def end(self) -> None:
        """Leave nothing behind for the next that uses the workspace."""
        self.storm.place.rows.execute("DELETE FROM triggers; DELETE FROM kept_starts; DELETE FROM runs;")
        for day in (self.storm.place.root / "logs").glob("2*"):
            shutil.rmtree(day)  # logs of runs that are not in the state make it an older one

    def until(self, statement: str, wanted: int, give_up: float = _PATIENCE_SECONDS) -> None:
        """Wait until a count is reached; who asks for the verdict sees what is missing."""
        self._wait(lambda: self.storm.query(statement)[0][0] >= wanted, give_up)

    def _wait(self, is_true: Callable[[], bool], seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while not is_true() and time.monotonic() < ends_at:
            time.sleep(0.05)

    def _looked_at(self) -> Any:
        return self.storm.query("SELECT looked_at FROM triggers WHERE workflow = ?", self.name)


@contextmanager
def line_storms(root: Path) -> Iterator[Callable[[str], LineStorm]]:
    """Make a workspace in which one file after the other is watched."""
    with storm(root, settings="limits: {lease_seconds: 1}") as made:
        yield lambda name: LineStorm(made, name)
