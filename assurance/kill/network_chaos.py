"""The link between a worker and the database is cut for 3, 30 and 90 seconds, in silence (`make assurance`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from assurance.kill.cluster import cluster
from assurance.kill.crew import WORKERS, Crew, crew
from assurance.kill.link import Link, links, within
from assurance.kill.verdict import verdict
from engine.base.statuses import RunStatus
from tests.patience import until

CUTS = (3, 30, 90)
CUT_TWICE, AGAIN = 30, 12
"""After this cut, another one follows while the worker begins anew."""
RUNS = 120
"""How many begin around each cut."""
AT_WORK = 5
STEP_SECONDS = 2.0
"""How long a step of each takes, so that each cut finds some of them at work."""


@dataclass
class Far:
    """A crew with one worker more, and the link by which that one reaches the database."""

    crew: Crew
    link: Link

    def begins_anew(self) -> bool:
        """Whether it has said so: others have taken over its runs."""
        return "It begins anew." in (self.crew.roots[0] / "workers.log").read_text()

    def cut(self, seconds: float) -> None:
        """Cut it off for so long."""
        self.link.cut()
        time.sleep(seconds)
        self.link.mend()

    def has_work(self) -> bool:
        """Whether it works on some runs."""
        mine = self.crew.workers[-1].pid
        found = self.crew.query("SELECT count(*) FROM runs JOIN owners USING (owner) WHERE pid = %s", mine)
        return int(found[0][0]) >= AT_WORK


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with ExitStack() as stack:
        near, other = stack.enter_context(links(2))
        database = stack.enter_context(cluster((near.far, other.far), within(near.space)))
        made = stack.enter_context(crew(tmp_path, database))
        made.web.delays = {f"GET /read?n={n}": STEP_SECONDS for n in range(len(CUTS) * RUNS)}
        made.work(database.url_by(other.far))
        made.wait_for_workers(WORKERS + 1)
        yield Far(made, other)


def test_a_worker_that_is_cut_off_loses_and_repeats_nothing(far: Far) -> None:
    began, crew = time.monotonic(), far.crew
    for number, seconds in enumerate(CUTS):
        with ThreadPoolExecutor(1) as accepting:
            accepted = accepting.submit(crew.accept, RUNS, number * RUNS)
            until(far.has_work, "a run of the worker that is cut off")
            far.cut(seconds)
            if seconds == CUT_TWICE:
                until(far.begins_anew, "a worker that begins anew")
                far.cut(AGAIN)
            accepted.result()
        crew.wait_for_all((number + 1) * RUNS)
        crew.wait_for_workers(WORKERS + 1)
        assert crew.workers[-1].poll() is None
    found = verdict(crew, len(CUTS) * RUNS)
    figures = f"{len(CUTS)} cuts in {time.monotonic() - began:.0f} s: {found.figures}"
    print(figures)  # noqa: T201 - the figures, for `pytest -s`
    assert found.statuses == {RunStatus.SUCCEEDED: len(CUTS) * RUNS}, figures
    assert found.wrongs == []
    assert found.takeovers
