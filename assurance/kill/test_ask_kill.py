"""Kills while an agent waits for a person: the question stays, and its answer is used once."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from pathlib import Path

import pytest

from assurance.kill.storm import Storm, storm
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER
from tests.patience import until

pytestmark = pytest.mark.slow

SUBJECTS = ["before.", "after."]


def prepare(place: Storm) -> None:
    """Write an agent that drafts mails, and a workflow that runs it with the calls of its model as the task."""
    root, model = place.place.root, place.place.endpoints["openai"]
    config, variables = root / "config.yaml", root / ".env"
    llm = f"  llm: {{service: openai, base_url: '{model['base_url']}', api_key: 'env:MODEL_KEY', model: m}}\n"
    config.write_text(config.read_text().replace("connections:\n", f"connections:\n{llm}"))
    variables.write_text(f"{variables.read_text()}MODEL_KEY={model['token']}\n")
    draft = {"name": "draft", "uses": "gmail.create_draft", "with": {"to": ["me@example.com"]}}
    agent = {"schema_version": 1, "instructions": "Draft.", "tools": [{**draft, "give": ["subject", "text"]}]}
    (root / "agents").mkdir()
    (root / "agents" / "writer.json").write_text(json.dumps(agent))
    first, last = (f"CALL draft {json.dumps({'subject': one, 'text': 'x'})}" for one in SUBJECTS)
    task = [first, 'CALL ask {"question": "Go on?"}', last, 'CALL finish {"output": "done"}']
    steps = [{"id": "ask", "uses": "agent.run", "with": {"agent": "writer", "task": "\n".join(task)}}]
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}}
    place.write("agent", {"schema_version": 1, "title": "Agent", "inputs": inputs, "steps": steps})


def test_a_question_outlives_a_kill_and_its_answer_is_used_once(tmp_path: Path) -> None:
    """Killed while it waits for a person, answered by another process, resumed by a third one."""
    with storm(tmp_path / "workspace") as place:
        prepare(place)
        job = place.fork("run", workflow="agent", inputs=[{"n": 1}])
        job.said()
        asked = until(lambda: place.query("SELECT id FROM approvals WHERE state = 'open'"), "the question")
        job.signal(signal.SIGKILL)
        job.close()
        with closing(Orchestra.open(place.place.root)) as orchestra:
            orchestra.approvals.approve(OWNER, asked[0][0], "Yes.")
        place.resume_all()
        drafts = [json.dumps(one) for one in place.place.shown()["gmail"]["drafts"]]
        assert [sum(subject in one for one in drafts) for subject in SUBJECTS] == [1, 1]
        assert place.query("SELECT state, comment FROM approvals") == [("approved", "Yes.")]
