"""Deliveries under load to a server that is killed again and again; each that was accepted must be one run."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assurance.kill.test_form_kill import served
from assurance.processes.test_served import Served
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.hook_signing import KEY, github
from tests.workspaces import init

SENDERS = 8
_WORKFLOW: dict[str, Any] = {
    "schema_version": 1,
    "inputs": {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}},
    "triggers": [
        {
            "id": "hook",
            "uses": "webhook.received",
            "with": {"verify": "github", "per_minute": 20_000},
            "inputs": {"number": "{{ item.body.number }}"},
        }
    ],
    "concurrency": {"parallel": 16},
    "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"number": "{{ inputs.number }}"}}}],
    "outputs": {"number": "{{ steps.note.output.number }}"},
}


@dataclass
class HookStorm:
    """What was sent, and what was answered."""

    root: Path
    logs: Path
    path: str = ""
    accepted: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)
    """Sent while the server died: each may be a run, or none."""
    refused: dict[int, int] = field(default_factory=dict)
    """Answered otherwise than with 200: how often, by status."""
    seconds: list[float] = field(default_factory=list)
    """Until each answer."""
    server: Served | None = None
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self) -> None:
        """Make the workspace, with the trigger on."""
        init(self.root)
        (self.root / "workflows" / "orders.json").write_text(json.dumps(_WORKFLOW))
        with closing(Orchestra.open(self.root)) as orchestra:
            orchestra.hooks.set_key(LOCAL, "orders", "hook", KEY)
            orchestra.triggers.turn_on(LOCAL, "orders", "hook")
            url = orchestra.hooks.get(LOCAL, "orders", "hook").url
            self.path = url[url.index("/hooks/") :]

    def run(self, seconds: float, per_minute: int, kills: int, chance: random.Random) -> None:
        """Send for some seconds while the server answers, and kill it so often, at random moments."""
        left, pause = seconds, SENDERS * 60 / per_minute
        for number in range(kills + 1):
            self.server = served(self.root, self.logs / f"{number}.log")
            part = left if number == kills else min(left, chance.uniform(0.5, 1.5) * seconds / (kills + 1))
            left -= part
            self._send_for(part, pause, kills=number < kills)
        assert self.server is not None
        self.server.process.terminate()
        self.server.process.wait()

    def _send_for(self, seconds: float, pause: float, *, kills: bool) -> None:
        assert self.server is not None
        ends_at = time.monotonic() + seconds
        senders = [
            threading.Thread(target=self._sender, args=(self.server.base, ends_at, pause)) for _ in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        time.sleep(max(0.0, ends_at - time.monotonic() - 0.2))
        if kills:
            self.server.process.send_signal(signal.SIGKILL)
            self.server.process.wait()
        for sender in senders:
            sender.join()

    def _sender(self, base: str, ends_at: float, pause: float) -> None:
        with httpx.Client(base_url=base, timeout=30) as client:
            due = time.monotonic()
            while (now := time.monotonic()) < ends_at:
                due += pause
                if not self._sent(client):
                    return
                time.sleep(max(0.0, due - time.monotonic()))
                due = max(due, now - 1)  # what the server could not keep up with is not made up for

    def _sent(self, client: httpx.Client) -> bool:
        """Deliver the next one; return whether the server lives."""
        with self._lock:
            number = self._next
            self._next += 1
        body = json.dumps({"number": number}).encode()
        headers = {"Content-Type": "application/json", **github(body, 0, f"delivery-{number}")}
        began = time.monotonic()
        try:
            answer = client.post(self.path, content=body, headers=headers)
        except httpx.HTTPError:
            self.unanswered.add(number)
            return False
        with self._lock:
            self.seconds.append(time.monotonic() - began)
            if answer.status_code == 200:
                self.accepted.add(number)
            else:
                self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
        return True

    def judge(self, patience_seconds: float) -> dict[str, Any]:
        """Let a server drain what waits; return the figures. Raises AssertionError for a lost or doubled delivery."""
        self.server = served(self.root, self.logs / "drain.log")
        ends_at = time.monotonic() + patience_seconds
        with closing(Orchestra.open(self.root)) as orchestra:
            while self._is_busy(orchestra):
                assert time.monotonic() < ends_at, "not drained"
                time.sleep(1.0)
            numbers = self._numbers(orchestra)
        self.server.process.terminate()
        self.server.process.wait()
        doubled = len(numbers) - len(set(numbers))
        lost = self.accepted - set(numbers)
        made_up = set(numbers) - self.accepted - self.unanswered
        assert (doubled, lost, made_up) == (0, set(), set())
        times = sorted(self.seconds)
        return {
            "accepted": len(self.accepted),
            "runs": len(numbers),
            "unanswered": len(self.unanswered),
            "refused": self.refused,
            "median_ms": round(times[len(times) // 2] * 1000),
            "p95_ms": round(times[int(len(times) * 0.95)] * 1000),
            "slowest_ms": round(times[-1] * 1000),
        }

    def _is_busy(self, orchestra: Orchestra) -> bool:
        [status] = orchestra.triggers.list(LOCAL, "orders")
        waiting = orchestra.hooks.get(LOCAL, "orders", "hook").waiting
        return bool(waiting or status.queued or status.running)

    def _numbers(self, orchestra: Orchestra) -> list[int]:
        found: list[int] = []
        before: str | None = None
        while True:
            page = orchestra.runs.list(LOCAL, limit=500, before=before)
            found += [orchestra.runs.get(LOCAL, row.run_id)["inputs"]["number"] for row in page.rows]
            assert all(str(row.status) == "succeeded" for row in page.rows)
            if not page.rows or page.next is None:
                return found
            before = page.next
