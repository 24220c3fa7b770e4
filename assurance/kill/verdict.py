"""Judges what a crew has done: by the requests that reached the services, and by all events that were ever stored."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from assurance.kill.crew import STEPS, TICK_SECONDS, WORKFLOW, Crew

_EVENTS = (
    "SELECT run_id, number, event FROM kept JOIN kept_runs USING (run_id) WHERE n IS NOT NULL ORDER BY run_id, place"
)
_TICKS = "SELECT item FROM kept_runs WHERE item IS NOT NULL ORDER BY item"


@dataclass(frozen=True)
class Verdict:
    """What was found, and what is wrong with it, each as a line."""

    statuses: dict[str, int]
    wrongs: list[str]
    takeovers: int
    figures: str


def verdict(crew: Crew, runs: int) -> Verdict:
    """Judge so many runs."""
    statuses = dict(crew.query("SELECT status, count(*) FROM runs WHERE workflow = %s GROUP BY status", WORKFLOW))
    ticks = [datetime.fromisoformat(item) for (item,) in crew.query(_TICKS)]
    issues = Counter(one["title"] for one in crew.place.held("github")["issues"] if "orchestra:" in (one["body"] or ""))
    posts = crew.place.requests("github").get("POST /repos/acme/app/issues", 0)
    resumed = Counter(run_id for run_id, _, text in crew.query(_EVENTS) if json.loads(text)["type"] == "run_resumed")
    reads = sum(count for request, count in crew.web.seen.items() if request.startswith("GET /read"))
    set_aside = crew.query("SELECT count(*) FROM run_deaths WHERE in_a_row >= 3 AND in_all >= 3")[0][0]
    wrongs = [*_of_steps(crew), *_of_world(issues, posts, runs), *_of_ticks(ticks)]
    if reads - runs > sum(resumed.values()):
        wrongs.append(
            f"{reads - runs} reads were asked again, and only {sum(resumed.values())} times a run was taken over"
        )
    figures = (
        f"{statuses}, {len(issues)} issues by {posts} requests, {reads - runs} reads asked again that had not finished,"
        f" {sum(resumed.values())} takeovers of {len(resumed)} runs,"
        f" {set_aside} set aside, {len(ticks)} ticks, {len(wrongs)} wrong"
    )
    return Verdict(statuses, wrongs, resumed.total(), figures)


def _of_steps(crew: Crew) -> Iterator[str]:
    """Tell which finished steps began or finished again, and which runs have not finished each step once."""
    finished: dict[str, set[str]] = {}
    last: dict[str, int] = {}
    for run_id, number, text in crew.query(_EVENTS):
        event, mine = json.loads(text), finished.setdefault(run_id, set())
        if number != last.get(run_id, 0) + 1:
            yield f"{run_id}: event {number} follows {last.get(run_id, 0)}"
        last[run_id] = number
        path = event.get("path", "")
        if path in mine and event["type"] in ("step_started", "step_finished"):
            yield f"{run_id}: {path} ran again although it had finished"
        if event["type"] == "step_finished":
            mine.add(path)
    yield from (
        f"{run_id}: only {sorted(mine)} have finished" for run_id, mine in finished.items() if len(mine) != len(STEPS)
    )


def _of_ticks(ticks: Sequence[datetime]) -> Iterator[str]:
    """Tell which moments of the trigger have started two runs, or none."""
    for before, after in pairwise(ticks):
        if (after - before).total_seconds() != TICK_SECONDS:
            yield f"the tick after {before} is {after}"


def _of_world(issues: Counter[str], posts: int, runs: int) -> Iterator[str]:
    """Tell what was written twice, or not at all."""
    wanted = {f"{name} {n}" for name in ("first", "second") for n in range(runs)}
    yield from (f"{count} x {title}" for title, count in issues.items() if count > 1)
    yield from (f"missing: {title}" for title in sorted(wanted - set(issues)))
    if posts != len(issues):
        yield f"{posts} requests made {len(issues)} issues"
