"""One whole run on a disk that may fail: what lay there before, what the run must do, and what must never be seen."""

from __future__ import annotations

import copy
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assurance.faults.disk import Disk
from assurance.semantics.service import ScriptedService
from engine.base.errors import StorageError
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runner.effects import retry as attempts
from engine.runner.worker import worker
from engine.store.write_list import NAME as WRITE_LIST

OWNER = Principal("tester", "owner", confirmed=True)
LARGE = "x" * 300_000
_PATIENCE_SECONDS = 30.0


class Story:
    """A workspace in which a run has succeeded, and in which the same workflow is about to run again."""

    def __init__(self, root: Path, service: ScriptedService) -> None:
        self.root, self.service = root, service
        self.disk = Disk(root)
        for name in ("workflows", "prompts", "logs"):
            (root / name).mkdir(parents=True)
        config = f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"
        config += "approvals:\n  default: never\n"
        (root / "config.yaml").write_text(config)
        (root / "workflows" / "work.json").write_text(json.dumps(_workflow(), indent=2) + "\n")
        self.name = "earlier"
        orchestra = Orchestra.open(root)
        try:
            self.earlier = self.finished(orchestra, self.start(orchestra))
        finally:
            orchestra.close()
        self.check_done(self.earlier)
        self.kept = self._files()
        self.receipts = self._receipts()

    def copied(self, root: Path) -> Story:
        """Return the same workspace in another folder."""
        shutil.copytree(self.root, root)
        other = copy.copy(self)
        other.root, other.disk, other.name = root, Disk(root), root.name
        return other

    def start(self, orchestra: Orchestra) -> str:
        """Start the run, or get its id where it was accepted before: a person who got an error asks once more."""
        inputs = {"base": f"http://127.0.0.1:{self.service.port}/{self.name}", "text": LARGE}
        return orchestra.runs.start(OWNER, "work", inputs, request_key=self.name)

    def finished(self, orchestra: Orchestra, run_id: str) -> Any:
        """Wait until the run has ended; the engine takes a run up again by itself once its disk is sound."""
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            try:
                run = orchestra.runs.wait(OWNER, run_id, 5)
            except StorageError:
                time.sleep(0.01)
                continue
            if run["ended_at"] is not None and not _could_not_read(run):
                return run
            if run["ended_at"] is not None:
                orchestra.runs.resume(OWNER, run_id)
            time.sleep(0.01)
        raise AssertionError(f"run {run_id} did not end: {orchestra.runs.get(OWNER, run_id)['status']}")

    def check_kept(self) -> None:
        """What was there before is there, byte for byte, and nothing half written lies beside it."""
        now = self._files()
        for name, data in self.kept.items():
            found = now.get(name, b"")
            if Path(name).name == WRITE_LIST:  # lines are only ever added to it
                found = found[: len(data)]
            assert found == data, f"{name} was changed or lost"
        assert not [name for name in now if name.endswith(".tmp")], "a temporary file was left"
        assert self.receipts.items() <= self._receipts().items()

    def check_whole(self) -> None:
        """Every log is whole, or not there at all."""
        for path in (self.root / "logs").glob("*/*.json"):
            assert json.loads(path.read_text())["run_id"] == path.stem

    def check_done(self, run: Mapping[str, Any]) -> None:
        """The run has done all of its steps, and its write once."""
        assert run["status"] == "succeeded", run["error"]
        assert {step["path"]: step["status"] for step in run["steps"]} == dict.fromkeys("abcde", "succeeded")
        assert run["outputs"] == {"size": len(LARGE)}
        assert self.service.made[f"/{self.name}/c"] == 1

    def check_error(self, error: StorageError) -> None:
        """A refusal names a place and a reason, and says what to do."""
        assert str(self.root) in error.message, error.message
        assert any(reason in error.message for reason in _REASONS), error.message
        assert error.remedy
        assert "\n" not in error.message

    def _files(self) -> dict[str, bytes]:
        kept = [path for name in ("workflows", "logs") for path in (self.root / name).rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in kept}

    def _receipts(self) -> dict[str, tuple[Any, ...]]:
        connection = sqlite3.connect(self.root / ".orchestra" / "state.db")
        try:
            rows = connection.execute("SELECT identity, receipt, output FROM effects WHERE state = 'done'").fetchall()
        finally:
            connection.close()
        return {row[0]: row for row in rows}


def _could_not_read(run: Mapping[str, Any]) -> bool:
    """Tell whether a run failed because a value of it could not be read at that moment; a person resumes it."""
    return run["status"] == "failed" and "cannot be read: " in run["error"]["message"]


_REASONS = (
    "No space left on device",
    "Read-only file system",
    "Input/output error",
    "Too many open files",
    "database or disk is full",
    "readonly database",
    "disk I/O error",
    "unable to open database file",
    "File too large",
    "Permission denied",
)


def _workflow() -> dict[str, Any]:
    properties = {"base": {"type": "string"}, "text": {"type": "string"}}
    web = {"connection": "web"}
    return {
        "schema_version": 1,
        "title": "work",
        "inputs": {"type": "object", "properties": properties, "required": ["base", "text"]},
        "steps": [
            {"id": "a", "uses": "flow.set", "with": {"values": {"n": 1}}},
            {"id": "b", "uses": "http.request", **web, "with": {"method": "GET", "url": "{{ inputs.base }}/b"}},
            {"id": "c", "uses": "counter.add", **web, "with": {"url": "{{ inputs.base }}/c"}},
            {"id": "d", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}!"}}},
            {"id": "e", "uses": "flow.set", "with": {"values": {"n": "{{ size(steps.d.output.text) - 1 }}"}}},
        ],
        "outputs": {"size": "{{ steps.e.output.n }}"},
    }


def quickly(patch: Callable[..., None]) -> None:
    """Try again at once what is otherwise tried again after seconds."""
    patch(attempts, "_backoff", lambda *_: 0.0)
    patch(worker, "_STALLED_SECONDS", 0.02)
