"""Kills between a statement and its receipt: each row is there once, in every database that this machine has."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from assurance.kill.storm import Storm, storm
from tests.clients.sql.servers import DIALECTS, Target, target

pytestmark = pytest.mark.slow

POINTS = ("before effect", "after effect")
_WORKFLOW = "rows"
_numbers = count(1)
_CHANCE = random.Random(20261122)


@dataclass
class Databases:
    """A workspace with a job that writes a row to each database."""

    storm: Storm
    targets: Sequence[Target]

    def kill(self, point: str, time_of_it: int, **more: Any) -> int:
        """Let a job kill itself at a point, and go on with it; return its number."""
        number = next(_numbers)
        signal_at = (point, time_of_it, "SIGKILL")
        killed = self.storm.fork("run", workflow=_WORKFLOW, inputs=[{"n": number}], signal_at=signal_at, **more)
        while killed.said():
            pass
        killed.close()
        self.storm.resume_all(**more)
        return number

    def written(self, number: int) -> list[int]:
        """Return how often the row of a job is in each database."""
        return [int(one.run(f"select count(*) from item where n = {number}")[0][0]) for one in self.targets]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with opened(tmp_path_factory.mktemp("sql") / "workspace") as made:
        yield made


@contextlib.contextmanager
def opened(root: Path) -> Iterator[Databases]:
    """Make the workspace and the databases; those whose server does not answer are left out."""
    with contextlib.ExitStack() as opening:
        place = opening.enter_context(storm(root))
        targets = []
        for dialect in DIALECTS:
            with contextlib.suppress(pytest.skip.Exception):
                targets.append(opening.enter_context(target(dialect, root)))
        lines = [f"  {one.dialect}: {{service: sql, url: '{one.url}'}}\n" for one in targets]
        config = root / "config.yaml"
        config.write_text(config.read_text().replace("connections:\n", "connections:\n" + "".join(lines)))
        for one in targets:
            one.run("create table item (n int)")
        place.write(_WORKFLOW, _workflow(targets))
        yield Databases(place, targets)


def _workflow(targets: Sequence[Target]) -> dict[str, Any]:
    """Return a job with one write for each database, one after the other."""
    fields = {"statement": "insert into item values (:n)", "parameters": {"n": "{{ inputs.n }}"}}
    steps: list[dict[str, Any]] = []
    for one in targets:
        needs = {"needs": [steps[-1]["id"]]} if steps else {}
        steps.append(
            {"id": f"to_{one.dialect}", "uses": "sql.execute", "connection": one.dialect, "with": fields, **needs}
        )
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return {"schema_version": 1, "title": "Rows", "inputs": inputs, "steps": steps}


def random_kills(databases: Databases, kills: int) -> list[int]:
    """Kill so many jobs, each at a write and a point by chance; return their numbers."""
    times = range(1, len(databases.targets) + 1)
    return [databases.kill(_CHANCE.choice(POINTS), _CHANCE.choice(times)) for _ in range(kills)]


@pytest.mark.chaos
@pytest.mark.parametrize("point", POINTS)
def test_a_row_is_written_once_whenever_its_job_is_killed(databases: Databases, point: str) -> None:
    numbers = [databases.kill(point, nth + 1) for nth in range(len(databases.targets))]
    assert [databases.written(number) for number in numbers] == [[1] * len(databases.targets)] * len(numbers)


@pytest.mark.control
def test_the_harness_finds_statements_without_a_marker(databases: Databases) -> None:
    number = databases.kill("after effect", 1, wrong=["no marker in the database"])
    assert databases.written(number)[0] == 2
