"""Agents whose processes are killed again and again: their writes, and their questions to the model, are counted.

The model never answers a question the same way twice: every answer carries its number. So a conversation that had lost
an answer after acting on it would go on differently, and its next question would be another one than before.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any

from assurance.injection.obedient import serving
from assurance.kill.storm import Job, Storm, storm
from tests.patience import PATIENCE_SECONDS

POINTS = ("before effect", "after effect", "after record")
KINDS: Mapping[str, tuple[str, ...]] = {
    "drafts": ("draft",) * 6,
    "issues": ("issue",) * 6,
    "pages": ("page",) * 6,
    "all": ("draft", "issue", "page", "issue", "draft", "page"),
    "sub-agent": ("issue", "sub", "page", "sub", "draft"),
}
"""The calls of each kind of agent; `sub` lets another agent write a draft, an issue and a page."""
SUB = ("draft", "issue", "page")
_TOOLS: Mapping[str, tuple[str, dict[str, Any], list[str]]] = {
    "draft": ("gmail.create_draft", {"to": ["me@example.com"]}, ["subject", "text"]),
    "issue": ("github.create_issue", {"repository": "acme/app"}, ["title", "body"]),
    "page": ("notion.create_item", {"database": "Tasks"}, ["title"]),
    "sub": ("agent.run", {"agent": "writer"}, ["task"]),
}
_TURNS = 8
"""Of an agent: one more than it needs. Each is compiled anew in every process."""
_THINKING_SECONDS = 0.02
_SECONDS_OF_A_LIFE = 0.2
"""At most, since the model was first asked: time for a few turns."""
_numbers = count(1)


@dataclass
class Model:
    """A server that plays the plans in the tasks, and keeps each question: how often it was asked."""

    base_url: str = ""
    asked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By agent: each question as JSON, and how often it was asked."""
    questions: int = 0
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, before: int) -> None:
        """Return once there are more questions than before, or nobody has asked for a while."""
        with self._arrived:
            self._arrived.wait_for(lambda: self.questions > before, PATIENCE_SECONDS)

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return the next call of the plan in the task, as JSON; its texts carry the number of the answer."""
        name, *tools = str(messages[1]["content"]).removeprefix("Task:\n").split()
        turn, question = sum(one["role"] == "assistant" for one in messages), json.dumps(messages)
        with self._arrived:
            self.questions += 1
            self._arrived.notify_all()
            self.asked[name][question] += 1
            number = sum(self.asked[name].values())
        if turn == len(tools):
            return json.dumps({"tool": "finish", "arguments": {"output": f"done, answer {number}"}})
        title = f"{name}-{turn}."
        texts = {"subject": title, "title": title, "text": f"answer {number}", "body": f"answer {number}"}
        texts["task"] = " ".join([f"{name}-{turn}", *SUB])
        return json.dumps({"tool": tools[turn], "arguments": {key: texts[key] for key in _TOOLS[tools[turn]][2]}})


@contextmanager
def model() -> Iterator[Model]:
    """Start the model's server."""
    made = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError, json.JSONDecodeError):  # whoever asks is dead, perhaps amid the question
                super().handle()

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = made.answer(asked["messages"])
            time.sleep(_THINKING_SECONDS)
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            told = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            body = json.dumps({**told, "usage": usage}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as origin:
        made.base_url = f"{origin}/v1"
        yield made


@dataclass
class Killed:
    """An agent, and what became of it."""

    name: str
    kind: str
    run_id: str = ""
    kills: int = 0
    """How often the process that worked on it was killed before its end."""
    resumed: int = 0
    """How often a person has resumed it, after it was set aside for too many deaths."""
    status: str = ""


Moment = tuple[str, int] | float
"""When a process is killed: when it comes to a named point for the n-th time, or so many seconds after one of its
agents first asked the model; a negative number: after it has taken them over.
"""


@dataclass
class AgentStorm:
    """A workspace with two agents, one a tool of the other, and their model."""

    place: Storm
    model: Model
    lives: int = 0
    """How many processes were killed."""

    def kill(self, kinds: Sequence[str], moments: Iterable[Moment], **more: Any) -> list[Killed]:
        """Let agents work side by side in one process, kill one process after the other, and let the last one end."""
        killed = [Killed(f"agent{next(_numbers)}", kind) for kind in kinds]
        for moment in [*moments, None, None]:
            self._live(killed, moment, more)
            for one in killed:
                one.run_id = one.run_id or self._accepted(one)
                one.kills += bool(one.run_id) and one.status != "succeeded" and moment is not None
                one.status = self._status(one)
            if all(one.status == "succeeded" for one in killed):
                break
        return killed

    def _live(self, killed: Sequence[Killed], moment: Moment | None, more: Mapping[str, Any]) -> None:
        """Let a process begin the runs or go on with them; kill it at a moment, None: never."""
        self.lives += moment is not None
        before = self.model.questions
        process = self._process(killed, {"signal_at": (*moment, "SIGKILL")} if isinstance(moment, tuple) else {}, more)
        if isinstance(moment, float):
            if moment > 0:
                self.model.wait_for(before)
            time.sleep(abs(moment))
            process.signal(signal.SIGKILL)
        while process.said():
            pass
        process.close()

    def _process(self, killed: Sequence[Killed], at: dict[str, Any], more: Mapping[str, Any]) -> Job:
        """Begin a process that begins the runs which are not accepted yet, and takes the others over."""
        failed = [one for one in killed if one.status == "failed"]
        for one in failed:
            one.resumed += 1
        given = [{"task": _task(one)} for one in killed if not one.run_id]
        process = self.place.fork(
            "go_on", workflow="agent", inputs=given, by_a_person=[one.run_id for one in failed], **at, **more
        )
        process.said()  # nothing, if it was killed before it could: its first effect may come at any time
        return process

    def _accepted(self, killed: Killed) -> str:
        """Return the id of the run that has an agent's task, "" if none was accepted before the process was killed."""
        asked = "SELECT run_id FROM runs WHERE parent_run_id IS NULL AND acceptance LIKE ?"
        found = self.place.query(asked, f'%"{_task(killed)}"%')
        assert len(found) <= 1, f"{killed.name} was begun {len(found)} times"
        return "".join(run_id for (run_id,) in found)

    def _status(self, killed: Killed) -> str:
        """Return how a run has ended, "" if it has not."""
        asked = "SELECT status FROM runs WHERE run_id = ? AND ended_at IS NOT NULL"
        return "".join(status for (status,) in self.place.query(asked, killed.run_id))

    def wrong(self, killed: Sequence[Killed]) -> list[str]:
        """Return what is wrong after kills, each as a line: lost and doubled writes, answers, conversations."""
        there = self.written()
        return [
            f"{one.name} ({one.kind}, {one.kills} kills): {line}" for one in killed for line in self._of(one, there)
        ]

    def _of(self, killed: Killed, there: Mapping[str, int]) -> Iterator[str]:
        if killed.status != "succeeded":
            yield f"the run is {killed.status or 'lost'}"
        yield from (f"{there.get(one, 0)} x {one}" for one in expected(killed) if there.get(one, 0) != 1)
        mine = [name for name in self.model.asked if name == killed.name or name.startswith(f"{killed.name}-")]
        for name in mine:
            questions = Counter(len(json.loads(one)) for one in self.model.asked[name])
            if set(questions.values()) != {1}:
                yield f"the conversation of {name} has changed: {dict(questions)} questions by length"
        if (again := self.asked_again(killed)) > killed.kills:
            yield f"{again} answers were asked for again"

    def asked_again(self, killed: Killed) -> int:
        """Return how many answers the model has given more than once to an agent and the agents that it called."""
        mine = [one for name, one in self.model.asked.items() if f"{name}-".startswith(f"{killed.name}-")]
        return sum(one.total() - len(one) for one in mine)

    def written(self) -> Counter[str]:
        """Return how often each title is there, in the three services."""
        shown = self.place.place.shown()
        mails = [one["message"]["payload"]["headers"] for one in shown["gmail"]["drafts"]]
        found = [header["value"] for headers in mails for header in headers if header["name"].lower() == "subject"]
        found += [one["title"] for one in shown["github"]["issues"]]
        texts = [value.get("title") or [] for page in shown["notion"]["pages"] for value in page["properties"].values()]
        return Counter([*found, *("".join(part["plain_text"] for part in one) for one in texts)])


def expected(killed: Killed) -> list[str]:
    """Return the titles of the writes of an agent, and of the agents that it calls."""
    titles: list[str] = []
    for turn, tool in enumerate(KINDS[killed.kind]):
        name = f"{killed.name}-{turn}"
        titles += [f"{name}-{one}." for one in range(len(SUB))] if tool == "sub" else [f"{name}."]
    return titles


def random_moments(chance: random.Random, kills: int) -> Iterator[Moment]:
    """Yield so many moments: most at any time, some at named points."""
    for _ in range(kills):
        if chance.random() < 0.3:
            yield chance.choice(POINTS), 1
        else:
            yield chance.uniform(-_SECONDS_OF_A_LIFE / 8, _SECONDS_OF_A_LIFE)


def _task(killed: Killed) -> str:
    return " ".join([killed.name, *KINDS[killed.kind]])


@contextmanager
def agent_storm(root: Path) -> Iterator[AgentStorm]:
    """Make the workspace, with stand-ins and a model that live on."""
    with storm(root) as place, model() as served:
        config, variables = root / "config.yaml", root / ".env"
        llm = f"  llm: {{service: openai, base_url: '{served.base_url}', api_key: 'env:MODEL_KEY', model: m}}\n"
        config.write_text(config.read_text().replace("connections:\n", f"connections:\n{llm}"))
        variables.write_text(f"{variables.read_text()}MODEL_KEY=none\n")
        (root / "agents").mkdir()
        for name, tools in (("writer", SUB), ("boss", _TOOLS)):
            agent = {"schema_version": 1, "instructions": "Write.", "tools": [_tool(one) for one in tools]}
            agent["limits"] = {"turns": _TURNS}
            (root / "agents" / f"{name}.json").write_text(json.dumps(agent))
        inputs = {"type": "object", "properties": {"task": {"type": "string"}}}
        steps = [{"id": "ask", "uses": "agent.run", "with": {"agent": "boss", "task": "{{ inputs.task }}"}}]
        place.write("agent", {"schema_version": 1, "title": "Agent", "inputs": inputs, "steps": steps})
        yield AgentStorm(place, served)


def _tool(name: str) -> dict[str, Any]:
    uses, fixed, given = _TOOLS[name]
    return {"name": name, "uses": uses, "with": fixed, "give": given}
