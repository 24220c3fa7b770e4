"""A workspace whose model is the stand-in, over HTTP, as an account of one's own: its requests are counted there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.base.clock import utc_now
from engine.orchestra import Orchestra
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS

CHAT = "POST /v1/chat/completions"
PRICED = {"big": {"input": 0, "output": 10_000}, "small": {"input": 0, "output": 1_000}}
"""USD for a million output tokens: an answer of `big` of 10 tokens costs 10 cents."""


def ask(step_id: str = "ask", **more: Any) -> dict[str, Any]:
    """A step that asks the model."""
    said = [{"role": "user", "content": "Sum up in one word: the meeting is on Friday."}]
    fields = {"messages": said, "max_tokens": 10, "model": "big", **more}
    return {"id": step_id, "uses": "llm.chat", "connection": "llm", "with": fields}


def loop(count: int, parallel: int = 1, **more: Any) -> dict[str, Any]:
    """A loop over that many questions."""
    items = list(range(count))
    return {"id": "each", "foreach": f"{{{{ {items} }}}}", "parallel": parallel, "steps": [ask(**more)]}


@dataclass
class Desk:
    """The workspace, and how often its model was asked."""

    root: Path
    standins: StandIns
    now: Callable[[], datetime] = utc_now
    opened: list[Orchestra] = field(default_factory=list)
    before: int = 0

    def config(self, **settings: Any) -> None:
        """Write config.yaml."""
        server = self.standins["openai"]
        llm = {"service": "openai", "base_url": server.base_url, "api_key": "env:BUDGET_KEY", "model": "big"}
        whole = {"connections": {"llm": llm}, "prices": PRICED, **settings}
        (self.root / "config.yaml").write_text(yaml.safe_dump(whole))

    def workflow(self, steps: Sequence[Mapping[str, Any]], name: str = "work", **more: Any) -> None:
        """Write a workflow."""
        write_workflow(self.root, name, steps, **more)

    def open(self, *, serve: bool = False) -> Orchestra:
        """Open the workspace; it is closed with the test."""
        self.opened.append(Orchestra(self.root, clock=self._clock, serve=serve))
        return self.opened[-1]

    def _clock(self) -> datetime:
        return self.now()

    @property
    def orchestra(self) -> Orchestra:
        """The workspace, opened once."""
        return self.opened[0] if self.opened else self.open()

    def run(self, name: str = "work") -> Any:
        """Run a workflow as far as it goes."""
        return self.wait(self.orchestra.runs.start(OWNER, name, {}))

    def wait(self, run_id: str) -> Any:
        """Wait until a run has ended or waits."""
        return self.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)

    @property
    def asked(self) -> int:
        """How often the model was asked over HTTP since the test began."""
        return self.standins.requests("openai").get(CHAT, 0) - self.before


@pytest.fixture
def desk(tmp_path: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A new workspace."""
    monkeypatch.setenv("BUDGET_KEY", standins["openai"].token)
    for name in ("workflows", "prompts", "logs"):
        (tmp_path / name).mkdir()
    desk = Desk(tmp_path, standins)
    desk.before = desk.asked
    yield desk
    for one in desk.opened:
        with closing(one):
            pass
