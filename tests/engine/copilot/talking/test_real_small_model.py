"""Turns with a real small model on this machine: whatever it answers, they end well, and a stopped one costs nothing.

The model is far too small to answer well: what counts is that its context and its grammar hold.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from clients.local_model.server import RunningServer
from engine.copilot.talking import short_prompt
from engine.copilot.talking.records import About
from engine.orchestra import Orchestra
from tests.clients.local_model.conftest import cache, packages  # noqa: F401
from tests.engine.copilot.talking.conftest import ADA
from tests.engine.copilot.talking.test_short import workflow
from tests.patience import until
from tests.workspaces import init

pytestmark = pytest.mark.slow

_LONGEST_SECONDS = 600.0  # 2 busy cores


@pytest.fixture
def orchestra(tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:  # noqa: F811
    """A workspace whose co-pilot has the small model, which writes little, with a workflow of ten steps."""
    monkeypatch.setattr(short_prompt, "_MOST_ANSWER", 60)
    root = tmp_path / "workspace"
    init(root)
    (root / "workflows" / "issues.json").write_text(workflow(10) + "\n")
    config = yaml.safe_load((root / "config.yaml").read_text())
    config["connections"]["llm"] = {"service": "local_model", "model": "smollm2-135m"}
    (root / "config.yaml").write_text(yaml.safe_dump({**config, "copilot": {"connection": "llm"}}))
    opened = Orchestra.open(root)
    found = opened.copilot.talking.setup(ADA)
    opened.copilot.talking.agree(ADA, found.host, found.model)
    yield opened
    opened.close()


def test_a_turn_about_ten_steps_ends_with_words_or_a_proposal_and_a_stopped_one_ends_at_the_server(
    orchestra: Orchestra,
) -> None:
    talking = orchestra.copilot.talking
    started, feed = talking.start(ADA, "issues", "What does this workflow do?", About())
    ends_at = time.monotonic() + _LONGEST_SECONDS
    while not feed.is_over:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    [turn] = talking.conversation(ADA, "issues").turns
    assert turn.status in ("done", "limited"), turn.problem
    assert "context" not in turn.problem
    assert 0 < turn.usage.input_tokens < 2 * 3_000
    for part in turn.parts:
        if part.kind == "proposal" and turn.status == "done":
            assert orchestra.copilot.proposals.get(ADA, "issues", part.proposal_id).is_acceptable

    started, feed = talking.start(ADA, "issues", "Explain each step.", About(selection=["each"]))
    account = talking._setups.account()
    assert account is not None
    server: RunningServer = account.client.server.running()  # type: ignore[attr-defined]
    until(lambda: _requests_at_work(server) > 0, "the request at the server")
    talking.stop(ADA, "issues", started.id)
    until(lambda: feed.is_over, "the end of the turn")
    until(lambda: _requests_at_work(server) == 0, "the end of its work")
    assert talking.conversation(ADA, "issues").turns[-1].status == "stopped"


def _requests_at_work(server: RunningServer) -> float:
    address = server.base_url.replace("/v1", "/metrics")
    answer = httpx.get(address, headers={"Authorization": f"Bearer {server.key}"}, timeout=90)
    lines = (line.split() for line in answer.text.splitlines() if not line.startswith("#"))
    return sum(
        float(value) for name, value in lines if name in ("llamacpp:requests_processing", "llamacpp:requests_deferred")
    )
