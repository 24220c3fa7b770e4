"""Lets mail arrive in bursts at a mailbox at its worst, and kills the server that watches it, again and again.

A fifth of the calls fail, the latest changes are missing from answers now and then, and what is there is in no order;
twice Gmail forgets its history. Each mail has to start exactly one run all the same.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assurance.kill.storm import Job, Storm, storm

WORKFLOW = "each-mail"
TRIGGER = "new_mail"
_PATIENCE_SECONDS = 300.0
_WORK_SECONDS = 6.0


def each_mail() -> dict[str, Any]:
    """A workflow that starts for each new mail."""
    return {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": {"message": {"type": "string"}}},
        "triggers": [
            {
                "id": TRIGGER,
                "uses": "gmail.new_message",
                "poll_seconds": 1,
                "with": {"query": "in:inbox"},
                "inputs": {"message": "{{ item.id }}"},
            }
        ],
        "concurrency": {"parallel": 16},
        "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"message": "{{ inputs.message }}"}}}],
        "outputs": {"message": "{{ steps.note.output.message }}"},
    }


@dataclass
class MailStorm:
    """The storm, what has arrived, and how often the server was killed."""

    storm: Storm
    wrong: Sequence[str] = ()
    points: Sequence[str] = ("before items", "after items")
    """Where every second server kills itself, in turn, if it comes there before its time."""
    chance: random.Random = field(default_factory=lambda: random.Random(20261120))
    arrived: list[str] = field(default_factory=list)
    kills: int = 0

    def begin(self) -> None:
        """Turn the trigger on, and wait until it knows where the mailbox stands."""
        self.storm.write(WORKFLOW, each_mail())
        server = self._served()
        self._wait("SELECT count(*) FROM triggers WHERE cursor IS NOT NULL", 1, 60)
        self.storm.place.rows.keep("kept_starts", "runs", run_id="NEW.run_id", item="/trigger/item")
        kill_server(server)

    def rage(self, mails: int, kills: int) -> None:
        """Let so many mails arrive while the server is killed so often."""
        self._post("_demo/history", {"restless": 0.3})
        self._post("_demo/faults", {"match": "/gmail/v1/", "status": 503, "chance": 0.2, "until_seconds": 90_000})
        with ThreadPoolExecutor(1) as sender:
            sending = sender.submit(self._send, mails, kills)
            for number in range(kills):
                point = self.points[number // 2 % len(self.points)]
                server = self._served(**({"signal_at": (point, 1, "SIGKILL")} if number % 2 else {}))
                self._wait_for_work(server)
                time.sleep(self.chance.uniform(0, 0.5))
                if number in (kills // 3, 2 * kills // 3):
                    self._post("_demo/history", {"forget": True})
                kill_server(server)
                self.kills += 1
            sending.result()

    def _send(self, mails: int, kills: int) -> None:
        """Let mails arrive in bursts, for about as long as the kills take."""
        pause = kills * 1.5 / (mails / 6)
        while len(self.arrived) < mails:
            burst = min(mails - len(self.arrived), self.chance.choice((1, 1, 2, 5, 20)))
            self.arrived += [self._arrive() for _ in range(burst)]
            time.sleep(pause)

    def _wait_for_work(self, server: Job) -> None:
        """Wait until the server has queued a run, or is dead, or has found nothing for some seconds."""
        before = self.started
        ends_at = time.monotonic() + _WORK_SECONDS
        while self.started == before and time.monotonic() < ends_at and _is_alive(server.pid):
            time.sleep(0.02)

    @property
    def started(self) -> int:
        """How many runs were queued so far."""
        return int(self.storm.query("SELECT count(*) FROM kept_starts")[0][0])

    def calm_down(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Let the services recover, and wait until every mail has had its time."""
        self._post("_demo/history", {"restless": 0.0})
        httpx.delete(f"{self._origin}/_demo/faults", trust_env=False).raise_for_status()
        server = self._served()
        self._wait("SELECT count(DISTINCT item) FROM kept_starts", len(self.arrived), patience_seconds)
        polled = self.storm.query("SELECT max(looked_at) FROM triggers")
        for _ in range(2):  # what would come a second time, comes now
            self._wait_for_another_look(polled)
            polled = self.storm.query("SELECT max(looked_at) FROM triggers")
        self._wait("SELECT count(*) = 0 FROM runs WHERE ended_at IS NULL", 1, _PATIENCE_SECONDS)
        server.close()

    def wrongs(self) -> list[str]:
        """What is not as it should be: each mail has started one run, and each of those has succeeded."""
        starts = Counter(item for (item,) in self.storm.query("SELECT item FROM kept_starts"))
        lost = [f"lost: {mail}" for mail in self.arrived if mail not in starts]
        twice = [f"{count} runs: {mail}" for mail, count in starts.items() if count != 1]
        strange = [f"nobody sent: {mail}" for mail in starts if mail not in set(self.arrived)]
        ended = self.storm.query("SELECT run_id, status FROM runs WHERE status != 'succeeded'")
        return [*lost, *twice, *strange, *(f"{status}: {run_id}" for run_id, status in ended)]

    def _served(self, **more: Any) -> Job:
        server = self.storm.fork("watch", workflow=WORKFLOW, trigger=TRIGGER, wrong=list(self.wrong), **more)
        said = server.said()
        assert said == "ready", said
        return server

    def _arrive(self) -> str:
        number = len(self.arrived)
        mail = {"from": "ada@example.com", "subject": f"Mail {number}", "text": f"This is mail {number}."}
        return str(self._post("_demo/mail", mail)["id"])

    @property
    def _origin(self) -> str:
        return str(self.storm.place.endpoints["gmail"]["base_url"])

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self._origin}/{path}", json=body, trust_env=False, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _wait(self, statement: str, wanted: int, seconds: float) -> None:
        """Wait until a count is reached; who asks for the verdict sees what is missing."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            if self.storm.query(statement)[0][0] >= wanted:
                return
            time.sleep(0.1)

    def _wait_for_another_look(self, before: Any) -> None:
        ends_at = time.monotonic() + 30
        while self.storm.query("SELECT max(looked_at) FROM triggers") == before and time.monotonic() < ends_at:
            time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill_server(server: Job) -> None:
    """Kill the server, and wait until it is gone."""
    server.signal(signal.SIGKILL)
    while server.said():
        pass
    server.close()


@contextmanager
def mail_storm(root: Path, wrong: str = "", point: str = "") -> Iterator[MailStorm]:
    """Make a mail storm over an engine that may be wrong on purpose, and clear it away."""
    with storm(root) as made:
        mails = MailStorm(made, [wrong] if wrong else [])
        if point:
            mails.points = [point]
        mails.begin()
        yield mails
