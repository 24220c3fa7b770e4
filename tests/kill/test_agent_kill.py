"""Kills in the middle of an agent: each of its writes is there once, and the conversation goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.kill.storm import Storm, storm

pytestmark = pytest.mark.slow

WRITES = 3
_numbers = count(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with storm(tmp_path_factory.mktemp("agent") / "workspace") as made:
        prepare(made)
        yield made


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
    fields = {"agent": "writer", "task": "{{ inputs.task }}"}
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}, "task": {"type": "string"}}}
    steps = [{"id": "ask", "uses": "agent.run", "with": fields}]
    place.write("agent", {"schema_version": 1, "title": "Agent", "inputs": inputs, "steps": steps})


def subjects(number: int) -> list[str]:
    return [f"draft-{number}-{turn}." for turn in range(WRITES)]


def kill(place: Storm, point: str, time_of_it: int, **more: Any) -> int:
    """Let a run kill itself at a point, and go on with it; return its number."""
    number = next(_numbers)
    calls = [f"CALL draft {json.dumps({'subject': one, 'text': 'x'})}" for one in subjects(number)]
    given = {"n": number, "task": "\n".join([*calls, 'CALL finish {"output": "done"}'])}
    killed = place.fork("run", workflow="agent", inputs=[given], signal_at=(point, time_of_it, "SIGKILL"), **more)
    while killed.said():
        pass
    killed.close()
    place.resume_all(**more)
    return number


def written(place: Storm, number: int) -> list[int]:
    """Return how many drafts of each turn there are."""
    drafts = [json.dumps(one) for one in place.place.shown()["gmail"]["drafts"]]
    return [sum(subject in one for one in drafts) for subject in subjects(number)]


@pytest.mark.parametrize("point", ["before effect", "after effect"])
@pytest.mark.parametrize("time_of_it", range(1, WRITES + 1))
def test_each_write_of_a_killed_agent_is_there_once(place: Storm, point: str, time_of_it: int) -> None:
    assert written(place, kill(place, point, time_of_it)) == [1] * WRITES


@pytest.mark.control
def test_the_harness_finds_a_write_that_is_not_looked_for(tmp_path: Path) -> None:
    with storm(tmp_path / "workspace") as place:
        prepare(place)
        number = kill(place, "after effect", 2, wrong=["no look-up"])
        assert written(place, number) == [1, 2, 1]
