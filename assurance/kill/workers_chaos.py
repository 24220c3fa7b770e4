"""Two servers and three workers on a PostgreSQL of their own, and all that can happen to them (`make assurance`).

Processes are killed and frozen, connections are cut, and PostgreSQL is restarted twice. `WORKER_RUNS=300` says how
many runs, `WORKER_SECONDS=240` for how long at most something happens.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assurance.kill.crew import Crew, Troubles, crew
from assurance.kill.verdict import verdict
from engine.base.statuses import RunStatus

RUNS = int(os.environ.get("WORKER_RUNS", "300"))
SECONDS = float(os.environ.get("WORKER_SECONDS", "240"))


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Crew]:
    with crew(tmp_path) as made:
        yield made


def test_nothing_is_lost_or_done_twice_whatever_happens(workers: Crew) -> None:
    began = time.monotonic()
    troubles = Troubles(workers, SECONDS, restarts=("immediate", "fast"))
    workers.command(RUNS - 1)
    workers.command(RUNS - 2)
    with ThreadPoolExecutor(1) as accepting:
        accepted = accepting.submit(workers.accept, RUNS - 2)
        troubles.rage(RUNS)
        accepted.result()
    workers.wait_for_all(RUNS)
    found = verdict(workers, RUNS)
    figures = f"{RUNS} runs in {time.monotonic() - began:.0f} s, {dict(troubles.done)}: {found.figures}"
    print(figures)  # noqa: T201 - the figures, for `pytest -s`
    assert found.statuses == {RunStatus.SUCCEEDED: RUNS}, figures
    assert found.wrongs == []
