"""A workspace whose co-pilot talks to a scripted model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.copilot.talking.records import About, Turn
from engine.copilot.talking.working import TurnFeed
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.patience import until
from tests.scripted_model.scripted import MODEL, Script, Scripted, scripted
from tests.workspaces import init

ADA = Principal("ada", "editor")
OPEN_ISSUES = {
    "schema_version": 1,
    "title": "Issues",
    "steps": [
        {
            "id": "mails",
            "uses": "gmail.search_messages",
            "connection": "gmail",
            "with": {"query": "in:inbox", "limit": 5},
        },
        {
            "id": "each",
            "foreach": "{{ steps.mails.output.messages }}",
            "as": "mail",
            "key": "{{ mail.id }}",
            "steps": [
                {
                    "id": "issue",
                    "uses": "github.create_issue",
                    "connection": "github",
                    "with": {"repository": "acme/app", "title": "{{ mail.subject }}", "body": "{{ mail.text }}"},
                }
            ],
        },
    ],
}


@dataclass
class Talk:
    """A workspace, and the model of its co-pilot."""

    orchestra: Orchestra
    model: Scripted
    root: Path

    def start(self, asked: str, p: Principal = ADA, workflow: str = "issues", **about: Any) -> tuple[Turn, TurnFeed]:
        return self.orchestra.copilot.talking.start(p, workflow, asked, About(**about))

    def ask(self, asked: str, p: Principal = ADA, workflow: str = "issues", **about: Any) -> Turn:
        turn, feed = self.start(asked, p, workflow, **about)
        until(lambda: feed.is_over, "the end of the turn")
        return self.turn(turn.id, p, workflow)

    def ended(self, id_: str, feed: TurnFeed) -> Turn:
        until(lambda: feed.is_over, "the end of the turn")
        return self.turn(id_)

    def turn(self, id_: str, p: Principal = ADA, workflow: str = "issues") -> Turn:
        turns = self.orchestra.copilot.talking.conversation(p, workflow).turns
        return next(one for one in turns if one.id == id_)

    def agree(self, p: Principal = ADA) -> None:
        found = self.orchestra.copilot.talking.setup(p)
        self.orchestra.copilot.talking.agree(p, found.host, found.model)


Opened = Callable[..., Talk]


@pytest.fixture
def talking(tmp_path: Path) -> Iterator[Opened]:
    """Open a workspace with a script.

    `agreed`: whether Ada lets her words go to the model; `context`: how many tokens it says that it reads at once.
    """
    with ExitStack() as stack:

        def opened(
            script: Script, *, agreed: bool = True, service: str = "openai", context: int | None = None, **settings: Any
        ) -> Talk:
            made = _talk(tmp_path / "workspace", script, agreed=agreed, service=service, settings=settings)
            talk = stack.enter_context(made)
            talk.model.context = context
            return talk

        yield opened


@contextmanager
def _talk(root: Path, script: Script, *, agreed: bool, service: str, settings: dict[str, Any]) -> Iterator[Talk]:
    init(root)
    (root / "workflows" / "issues.json").write_text(json.dumps(OPEN_ISSUES, indent=2) + "\n")
    with scripted(script) as model:
        config = yaml.safe_load((root / "config.yaml").read_text())
        config["connections"]["llm"] = {
            "service": service,
            "api_key": "env:CANARY_KEY",
            "base_url": model.base_url if service == "openai" else model.base_url.removesuffix("/v1"),
            "model": MODEL,
        }
        (root / "config.yaml").write_text(yaml.safe_dump({**config, **settings}))
        (root / ".env").write_text("CANARY_KEY=sk-canary-4711\nGITHUB_TOKEN=ghp-canary-4711\n")
        orchestra = Orchestra.open(root)
        talk = Talk(orchestra, model, root)
        try:
            if agreed:
                talk.agree()
            yield talk
        finally:
            orchestra.close()
