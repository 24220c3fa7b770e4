"""Kills amid agents: each of their writes is there once, answers are paid once more at most, the conversation goes on.

`make assurance` kills 40 agents 500 times (assurance/kill/chaos.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest

from assurance.kill.agent_storm import KINDS, POINTS, AgentStorm, Killed, agent_storm, expected, random_moments

pytestmark = pytest.mark.slow

_CHANCE = random.Random(20261123)


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentStorm]:
    with agent_storm(tmp_path_factory.mktemp("agents") / "workspace") as made:
        yield made


@pytest.mark.chaos
def test_agents_that_are_killed_again_and_again(agents: AgentStorm) -> None:
    killed = agents.kill(["sub-agent"], [(point, 2) for point in POINTS])
    assert agents.wrong(killed) == []
    assert sum(one.kills for one in killed) >= 2 * len(killed)


def many_kills(agents: AgentStorm, number: int, kills: int) -> list[Killed]:
    """Kill so many agents so often, five of them side by side in a process; at least one more for each kill missing."""
    kinds, killed = cycle(KINDS), list[Killed]()
    while len(killed) < number or sum(one.kills for one in killed) < kills:
        killed += agents.kill([*islice(kinds, len(KINDS))], random_moments(_CHANCE, kills // number + 3))
    return killed


def figures(agents: AgentStorm, killed: Sequence[Killed]) -> str:
    """Return the figures of many kills in a line."""
    there = agents.written()
    writes = [there.get(title, 0) for one in killed for title in expected(one)]
    return (
        f"{len(killed)} agents, {sum(one.kills for one in killed)} kills of an agent"
        f" ({agents.lives} of a process); {len(writes)} writes, {writes.count(0)} lost,"
        f" {sum(count > 1 for count in writes)} doubled;"
        f" {sum(agents.asked_again(one) for one in killed)} answers asked for again;"
        f" {sum(one.resumed for one in killed)} times a person resumed one that was set aside"
    )


@pytest.mark.control
def test_the_harness_finds_a_write_that_is_not_looked_for(tmp_path: Path) -> None:
    with agent_storm(tmp_path / "workspace") as place:
        killed = place.kill(["drafts", "issues"], [("after effect", 2)], wrong=["no look-up"])
        assert any("2 x agent" in one for one in place.wrong(killed))


@pytest.mark.control
def test_the_harness_finds_answers_that_are_lost(tmp_path: Path) -> None:
    with agent_storm(tmp_path / "workspace") as place:
        killed = place.kill(["drafts", "issues"], [("before effect", 4)], wrong=["late events"])
        assert any("asked for again" in one or "has changed" in one for one in place.wrong(killed))
