"""Holds mails that go out later, stops some of them, and kills whoever holds, stops or sends them, again and again.

Each mail goes out once, unless somebody has stopped it: then never. A stop that was acknowledged is stored.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assurance.kill.mail_storm import kill_server
from assurance.kill.storm import Job, Storm, storm
from tests.patience import until

WORKFLOW = "later"
_AFTER = ("1s", "2s", "3s", "4s", "5s")
_PATIENCES = 5
"""How often it waits as long as other tests: runs that have died again and again are tried one at a time."""
_POINTS = ("after wait", "before effect", "after effect", "after record")
_ALL = "SELECT count(*) FROM runs"
_OPEN = "SELECT count(*) FROM runs WHERE ended_at IS NULL"


def later() -> dict[str, Any]:
    """A workflow that sends each of its mails later."""
    mail = {"type": "object", "properties": {"subject": {"type": "string"}, "after": {"type": "string"}}}
    letter = {"to": "ann@example.org", "text": "?", "subject": "{{ mail.subject }}", "send_after": "{{ mail.after }}"}
    send = {"id": "send", "uses": "gmail.send", "approve": "never", "with": letter, "on_error": "continue"}
    return {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": {"mails": {"type": "array", "items": mail}}},
        "steps": [
            {
                "id": "each",
                "foreach": "{{ inputs.mails }}",
                "as": "mail",
                "key": "{{ mail.subject }}",
                "parallel": 20,
                "steps": [send],
            }
        ],
    }


@dataclass
class ScheduledStorm:
    """The storm, the mails that were ordered, and what was said about them."""

    storm: Storm
    wrong: Sequence[str] = ()
    chance: random.Random = field(default_factory=lambda: random.Random(20261130))
    ordered: list[str] = field(default_factory=list)
    """The subjects of all mails."""
    stopped: set[str] = field(default_factory=set)
    """The subjects of those whose stop was acknowledged."""
    kills: int = 0
    killed_stops: int = 0
    """How many of the kills were of who stops a mail."""

    def rage(self, kills: int, mails: int = 5) -> None:
        """Let so many servers hold so many mails each, stop some, and kill every server."""
        for number in range(kills):
            point = self.chance.choice(_POINTS)
            at = {"signal_at": (point, self.chance.randint(1, mails), "SIGKILL")} if number % 2 else {}
            server = self._served(mails, **at)
            time.sleep(self.chance.uniform(0, 1.5))
            self._stop_some()
            time.sleep(self.chance.uniform(0, 1.5))
            kill_server(server)
            self.kills += 1

    def _served(self, mails: int, **more: Any) -> Job:
        """Start a server with a run of new mails; return it once the run is accepted."""
        names = [f"Mail {len(self.ordered) + number}" for number in range(mails)]
        given = {"mails": [{"subject": name, "after": self.chance.choice(_AFTER)} for name in names]}
        before = self.storm.query(_ALL)
        server = self.storm.fork("hold", workflow=WORKFLOW, inputs=[given], wrong=list(self.wrong), **more)
        if server.said() == "ready" or self.storm.query(_ALL) != before:  # it may be dead by now
            self.ordered += names
        return server

    def _stop_some(self) -> None:
        """Let somebody stop some of the mails that are held, who may be killed meanwhile."""
        held = self.questions("scheduled")
        chosen = self.chance.sample(sorted(held), min(len(held), 3))
        stopper = self.storm.fork("stop", questions=chosen, wrong=list(self.wrong))
        if self.chance.random() < 0.5:
            time.sleep(self.chance.uniform(0, 0.4))
            stopper.signal(signal.SIGKILL)
            self.killed_stops += 1
        while said := stopper.said():
            word, _, question = said.partition(" ")
            if word == "stopped":
                self.stopped.add(held[question])
        stopper.close()

    def questions(self, state: str) -> dict[str, str]:
        """The subjects of mails by the ids of their questions, of those in a state."""
        found = self.storm.query("SELECT id, call FROM approvals WHERE state = ?", state)
        return {question: json.loads(call)["arguments"]["subject"] for question, call in found}

    def calm_down(self) -> None:
        """Serve until every run has ended; those that were set aside, since they died too often, are resumed."""
        server = self.storm.fork("hold", workflow=WORKFLOW, inputs=[], wrong=list(self.wrong))
        assert server.said() == "ready"
        for _ in range(_PATIENCES):
            with suppress(AssertionError):
                until(lambda: self.storm.query(_OPEN) == [(0,)])
        assert self.storm.query(_OPEN) == [(0,)]
        server.close()
        for (run_id,) in self.storm.query("SELECT run_id FROM runs WHERE status = 'failed'"):
            self.storm.resume(run_id, wrong=list(self.wrong))

    @property
    def sent(self) -> Counter[str]:
        """How often each mail has left."""
        heads = (one["payload"]["headers"] for one in self.storm.place.held("gmail")["sent"])
        return Counter(one["value"] for head in heads for one in head if one["name"] == "Subject")

    def wrongs(self) -> list[str]:
        """What is not as it should be."""
        sent, rejected = self.sent, set(self.questions("rejected").values())
        found = [f"sent {sent[name]} times: {name}" for name in self.ordered if sent[name] > 1]
        found += [f"sent after its stop was acknowledged: {name}" for name in sorted(self.stopped) if sent[name]]
        found += [f"sent although it was stopped: {name}" for name in sorted(rejected) if sent[name]]
        found += [f"its stop was lost: {name}" for name in sorted(self.stopped - rejected)]
        found += [f"lost: {name}" for name in self.ordered if not sent[name] and name not in rejected]
        ended = self.storm.query("SELECT run_id, status FROM runs WHERE status != 'succeeded'")
        return [*found, *(f"{status}: {run_id}" for run_id, status in ended)]


@contextmanager
def scheduled_storm(root: Path, *wrong: str) -> Iterator[ScheduledStorm]:
    """Make such a storm over an engine that may be wrong on purpose, and clear it away."""
    with storm(root) as made:
        made.write(WORKFLOW, later())
        mails = ScheduledStorm(made, wrong)
        mails.calm_down()  # so that the state is there
        yield mails
