"""What a session works with: a workspace, a service, and a file that it tells what the outside may rely on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.orchestra import Orchestra
from engine.people.access import Principal

OWNER = Principal("tester", "owner", confirmed=True)
WORKSPACE = "workspace"
WORKFLOW = "work"
_SECONDS = 60.0
_WITHOUT_PERSON = frozenset({"users.session", "users.principal_of_token", "users.has_password"})


class Scene:
    """One session. `holds` says what is promised from now on, `void` that it is just being changed."""

    def __init__(self, name: str, base: Path, port: int, marks: int) -> None:
        self.name, self.root, self._marks = name, base / name / WORKSPACE, marks
        self.url = f"http://127.0.0.1:{port}/{name}"
        self.port = port
        self.input_text = ""

    # --- what is told

    def begin(self) -> None:
        """From now on the power may go; what was done before lies safe on the disk."""
        self._tell(told="begin")

    def holds(self, key: str, fact: str, **about: Any) -> None:
        """Promise something; the same key again replaces it. `assurance/faults/power/judge.py` knows the facts."""
        self._tell(told="holds", key=key, fact=fact, **about)

    def void(self, *keys: str) -> None:
        """Take promises back: they are about to be replaced."""
        for key in keys:
            self._tell(told="void", key=key)

    def answers(self, call: str, *arguments: Any) -> None:
        """Promise that a method of the engine gives from now on what it gives now."""
        with_hash = hash_of_answer(self.orchestra, call, arguments)
        self.holds(f"{call} {arguments}", "answer", call=call, arguments=list(arguments), hash=with_hash)

    def unsure(self, call: str, *arguments: Any) -> None:
        """Take back what `answers` promised."""
        self.void(f"{call} {arguments}")

    def has_file(self, path: str) -> None:
        """Promise a file as it is now."""
        content = (self.root / path).read_bytes()
        self.holds(f"file {path}", "file", path=path, hash=hashlib.sha256(content).hexdigest())

    def _tell(self, **what: Any) -> None:
        os.write(self._marks, json.dumps({"session": self.name, **what}).encode() + b"\n")

    # --- the workspace

    def make(self) -> None:
        """Make a workspace whose one connection may reach the service."""
        for name in ("workflows", "prompts", "logs"):
            (self.root / name).mkdir(parents=True)
        host = f"127.0.0.1:{self.port}"
        text = "approvals:\n  default: never\n"
        text += f"connections:\n  web:\n    service: http\n    allow_hosts: ['{host}']\n"  # some sessions append more
        (self.root / "config.yaml").write_text(text)

    def workflow(self, steps: Sequence[Mapping[str, Any]], name: str = WORKFLOW, **more: Any) -> None:
        """Put a workflow there as an editor would, outside the engine."""
        (self.root / "workflows" / f"{name}.json").write_text(self.text(steps, name, **more))

    def text(self, steps: Sequence[Mapping[str, Any]], name: str = WORKFLOW, **more: Any) -> str:
        """Return the text of a workflow; its input `lane` keeps the requests of runs apart."""
        text = {"type": "string", "default": ""}
        inputs = {"type": "object", "properties": {"lane": text, "text": text}}
        document = {"schema_version": 1, "title": name, "inputs": inputs, **more, "steps": list(steps)}
        return json.dumps(document, indent=2) + "\n"

    def open(self, **how: Any) -> Orchestra:
        """Open the workspace."""
        self.orchestra = Orchestra.open(self.root, **how)
        return self.orchestra

    def close(self) -> None:
        """Close it."""
        self.orchestra.close()

    # --- runs

    def start(self, lane: str = "a", workflow: str = WORKFLOW, ends: str = "succeeded", **more: Any) -> str:
        """Start a run; promise that it is known, and how it will end."""
        run_id = self.orchestra.runs.start(OWNER, workflow, {"lane": lane, "text": self.input_text}, **more)
        self.accepted(run_id, ends)
        return run_id

    def accepted(self, run_id: str, ends: str = "succeeded") -> None:
        """Promise a run that was started."""
        self.holds(f"run {run_id}", "run", id=run_id, ends=ends)

    def ended(self, run_id: str) -> Any:
        """Wait for the end of a run; promise its document."""
        run = self.orchestra.runs.wait(OWNER, run_id, _SECONDS)
        assert run["ended_at"] is not None, run["status"]
        self.answers("runs.get", run_id)
        return run

    def whole_run(self, lane: str = "a", workflow: str = WORKFLOW, ends: str = "succeeded") -> str:
        """Run a workflow to its end."""
        run_id = self.start(lane, workflow, ends)
        run = self.ended(run_id)
        assert run["status"] == ends, run["error"]
        return run_id

    # --- steps; requests of one lane come in the order of their letters

    def step(self, kind: str, letter: str, **more: Any) -> dict[str, Any]:
        """Return a step: `get`, `file`, `add` (a write that can be found), `post` (one that cannot), `set`, `large`."""
        url = f"{self.url}/{{{{ inputs.lane }}}}/{letter}"
        uses, fields = _KINDS[kind]
        if uses == "flow.set":
            return {"id": letter, "uses": uses, "with": {"values": fields}, **more}
        to = {"with": {**fields, "url": url}, "allow": {"url": [f"{self.url}/*"]}}
        return {"id": letter, "uses": uses, "connection": "web", **to, **more}

    def chain(self, *kinds: str) -> list[dict[str, Any]]:
        """Return steps, each after the one before."""
        steps = [self.step(kind, chr(ord("a") + number)) for number, kind in enumerate(kinds)]
        for number, step in enumerate(steps[1:]):
            step["needs"] = [steps[number]["id"]]
        return steps


_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "get": ("http.request", {"method": "GET"}),
    "file": ("http.request", {"method": "GET", "as_file": True}),
    "post": ("http.request", {"method": "POST"}),
    "add": ("counter.add", {}),
    "lend": ("counter.lend", {}),
    "set": ("flow.set", {"done": True}),
    "large": ("flow.set", {"text": "{{ inputs.text }}!"}),
    "list": ("flow.set", {"texts": ["{{ inputs.text }}?", "{{ inputs.text }}"]}),
}


def hash_of_answer(orchestra: Orchestra, call: str, arguments: Sequence[Any]) -> str:
    """Return what two answers of a method (`area.method`) share only where they are the same."""
    area, method = call.split(".")
    person = () if call in _WITHOUT_PERSON else (OWNER,)
    answer = getattr(getattr(orchestra, area), method)(*person, *arguments)
    return hashlib.sha256(_text(answer).encode()).hexdigest()


def _text(answer: Any) -> str:
    return json.dumps(answer, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return str(value)


Session = Callable[[Scene], None]


def lister(sessions: dict[str, Session]) -> Callable[[Session], Session]:
    """Return what lists a session under the name of its function."""

    def listed(play: Session) -> Session:
        sessions[play.__name__.replace("_", "-")] = play
        return play

    return listed
