"""A workspace in which requests are answered: its starting workflows, their runs, and what a proposal makes of them."""

from __future__ import annotations

import json
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from engine.base.checkout import CHECKOUT
from engine.base.errors import OrchestraError
from engine.connections.stand_ins import LATENCY_VARIABLE
from engine.copilot.proposals.records import Proposal
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.new_workspace import init
from evals.copilot.judging import Reply
from evals.copilot.requests import BLANK, Must, Request
from evals.copilot.result_steps import ResultSteps, dangers

PERSON = Principal("evaluation", "owner", confirmed=True)
STARTS = Path(__file__).with_name("workflows")
_SERVICES = {"slack": "slack", "calendar": "google_calendar", "sheets": "google_sheets", "drive": "google_drive"}
_BLANK = {"schema_version": 1, "title": "My workflow", "steps": []}
_PATIENCE_SECONDS = 120.0


@dataclass
class World:
    """A workspace of its own; every account of it is a stand-in."""

    orchestra: Orchestra
    root: Path
    demo: Orchestra
    """The same workspace, in which every run is one of the demo; `orchestra` asks the model that is evaluated."""
    person: Principal = PERSON
    """Who asks."""

    def begin(self, request: Request) -> str:
        """Restore the demo, and write the starting workflow under a name of its own; return the name."""
        self.demo.demo.reset(PERSON)
        name = f"{request.id}-{uuid.uuid4().hex[:6]}"
        text = start_text(request.start)
        (self.root / "workflows" / f"{name}.json").write_text(text, encoding="utf-8")
        return name

    def prepare(self, request: Request, name: str) -> str:
        """Deliver the attacker's mail and run the workflow, if the request needs it; return the id of the run."""
        if request.attack is not None:
            mail = request.attack
            self.demo.demo.deliver(PERSON, mail.sender, mail.subject, mail.text)
        if not request.runs:
            return ""
        run_id = self.demo.runs.start(PERSON, name, {})
        self.demo.runs.wait(PERSON, run_id, _PATIENCE_SECONDS)
        return run_id

    def rev(self, name: str) -> str:
        """Return the etag of the person's draft."""
        return self.orchestra.editing.draft_text(PERSON, name).state.rev

    def document(self, name: str) -> Mapping[str, Any]:
        """Return the person's draft as JSON."""
        found: dict[str, Any] = json.loads(self.orchestra.editing.draft_text(PERSON, name).text)
        return found

    def propose(self, name: str, ops: Sequence[Mapping[str, Any]], *, from_outside: bool = False) -> Proposal:
        """Make a proposal of operations. Raises as `Proposals.make`."""
        proposals = self.orchestra.copilot.proposals
        return proposals.make(PERSON, name, self.rev(name), list(ops), "", source="model", from_outside=from_outside)

    def answered(
        self, request: Request, name: str, reply: Reply, proposal: Proposal | None, *, with_ticks: bool = False
    ) -> Reply:
        """Return an answer with what its proposal makes of the workflow, and does in the demo.

        `with_ticks`: what the draft gains if a person agrees to everything.
        """
        before = self.document(name)
        if proposal is None:
            return replace(reply, before=before)
        problems = [str(one) for one in proposal.problems if one.severity == "error"]
        demo = None
        if not problems and request.wanted.must is Must.PROPOSE and request.wanted.demo is not None:
            demo = self.orchestra.copilot.proposals.try_in_demo(PERSON, name, proposal.id).demo
        gained = self.gained(name, proposal, with_guards=request.attack is not None, with_ticks=with_ticks)
        after = self.after(name, proposal) if not problems else None
        return replace(reply, before=before, after=after or {}, problems=problems, demo=demo, gained=gained)

    def after(self, name: str, proposal: Proposal) -> Mapping[str, Any]:
        """Return the document that a proposal makes of the draft."""
        tried = self.orchestra.editing.tried(PERSON, name, self.rev(name), list(proposal.ops))
        found: dict[str, Any] = json.loads(tried.made.text)
        return found

    def gained(self, name: str, proposal: Proposal, *, with_guards: bool, with_ticks: bool = False) -> list[str]:
        """Accept all of a proposal that needs no tick, in every way; return what the draft gains in danger.

        `with_guards`: also new writes, instructions and lost approvals count, as after text from outside.
        """
        renames = [(str(one["step"]), str(one["to"])) for one in proposal.ops if one["op"] == "rename"]
        had = [_renamed(one, renames) for one in dangers(ResultSteps(self.document(name)), with_guards=with_guards)]
        proposals = self.orchestra.copilot.proposals
        ticks = [one.id for one in proposal.ticks] if with_ticks else []
        undo: list[str] = []
        for steps in (None, *([one.step] for one in proposal.changes)):
            with suppress(OrchestraError):
                undo.append(proposals.accept(PERSON, name, proposal.id, steps=steps, ticks=ticks).rev)
        has = dangers(ResultSteps(self.document(name)), with_guards=with_guards)
        for _ in undo:
            self.orchestra.editing.undo(PERSON, name, self.rev(name))
        return [one for one in has if one not in had]


def _renamed(line: str, renames: Sequence[tuple[str, str]]) -> str:
    for old, new in renames:
        line = re.sub(rf"\bsteps\.{old}\b", f"steps.{new}", line)
    return line


def start_text(name: str) -> str:
    """Return the text of a starting workflow: blank, a file beside this one, or a sample that is shipped."""
    if name == BLANK:
        return json.dumps(_BLANK, indent=2) + "\n"
    places = (STARTS, CHECKOUT / "workflows", CHECKOUT / "gallery" / "workflows")
    return next(path for one in places if (path := one / f"{name}.json").exists()).read_text(encoding="utf-8")


@dataclass(frozen=True)
class ModelServer:
    """A server of models in the OpenAI form."""

    base_url: str
    model: str
    key: str = "sk-scripted"
    price: Mapping[str, float] | None = None
    """Dollars for a million tokens: `input`, `output`; None: as the product knows it."""
    connection: Mapping[str, Any] | None = None
    """Settings of a connection of any service, in place of the server and its key."""


@contextmanager
def world(server: ModelServer | None = None) -> Iterator[World]:
    """Create a workspace for one evaluation, and close it. With a server, the person has agreed to what goes there."""
    os.environ.setdefault(LATENCY_VARIABLE, "0")
    with tempfile.TemporaryDirectory(prefix="copilot-eval-") as folder, ExitStack() as opened:
        root = Path(folder) / "workspace"
        init(root)
        _configure(root, server)
        orchestra = Orchestra.open(root, serve=server is None)
        opened.callback(orchestra.close)
        demo = orchestra
        if server is not None:
            demo = Orchestra.open(root, demo=True)
            opened.callback(demo.close)
            setup = orchestra.copilot.talking.setup(PERSON)
            orchestra.copilot.talking.agree(PERSON, setup.host, setup.model)
        yield World(orchestra, root, demo)


def _configure(root: Path, server: ModelServer | None) -> None:
    """Add the accounts that requests name, and let writes pass that would wait for a person: a try has nobody."""
    path = root / "config.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["connections"] |= {name: {"service": service} for name, service in _SERVICES.items()}
    settings["approvals"] = {"default": "never"}
    if server is not None:
        of_server = {"service": "openai", "base_url": server.base_url, "model": server.model}
        settings["connections"]["llm"] = dict(server.connection or {**of_server, "api_key": "env:COPILOT_EVAL_KEY"})
        (root / ".env").write_text(f"COPILOT_EVAL_KEY={server.key}\n", encoding="utf-8")
        settings |= {"prices": {server.model: dict(server.price)}} if server.price is not None else {}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
