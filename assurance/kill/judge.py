"""Says what is wrong after kills: lost runs, steps that ran again, doubles, a list that differs from the logs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assurance.kill.job import STEPS, WRITES
from assurance.kill.storm import Killed, Storm

_TOLD = ("status", "ended_at", "duration_seconds", "sentence")


def verdict(place: Storm, kills: Sequence[Killed]) -> list[str]:
    """Return everything that is wrong after these kills, each as a line."""
    shown = place.place.shown()
    issues = Counter(issue["title"] for issue in shown["github"]["issues"])
    pages = Counter(_title(page) for page in shown["notion"]["pages"])
    found = []
    for killed in kills:
        wrong = [*_of_run(place, killed), *_of_steps(place, killed), *_of_world(place, killed, issues, pages)]
        found += [f"job {killed.n}, killed {killed.how}: {one}" for one in wrong]
    return found


def _of_run(place: Storm, killed: Killed) -> Iterator[str]:
    """Tell whether the run was lost, and whether the list, the ledger and the log agree."""
    rows = place.query(
        f"SELECT {', '.join(_TOLD)}, counts, owner, acceptance FROM runs WHERE run_id = ?", killed.run_id
    )
    if not rows or rows[0][0] != "succeeded":
        yield f"the run is lost: {rows[0][0] if rows else 'nothing tells of it'}"
        return
    log = place.log(killed.run_id)
    if rows[0][:4] != tuple(log[key] for key in _TOLD) or json.loads(rows[0][4]) != log["counts"]:
        yield "list and log differ"
    if rows[0][5:] != (None, None) or place.query("SELECT 1 FROM events WHERE run_id = ?", killed.run_id):
        yield "it has ended, and its events or its owner are left"
    states = Counter(state for (state,) in place.query("SELECT state FROM effects WHERE run_id = ?", killed.run_id))
    if states != Counter({"done": len(WRITES)}):
        yield f"receipts: {dict(states)}"


def _of_steps(place: Storm, killed: Killed) -> Iterator[str]:
    """Tell which finished steps ran again, or were forgotten."""
    finished: set[str] = set()
    for era in place.eras(killed.run_id):
        before, finished = finished, set()
        for event in era:
            path = event.get("path", "")
            if path in finished and event["type"] in ("step_started", "step_finished"):
                yield f"{path} ran again although it had finished"
            if event["type"] == "step_finished" and event["status"] == "succeeded":
                finished.add(path)
        yield from (f"{path} had finished, and nothing tells of it" for path in before - finished)
    if len(finished) != STEPS:
        yield f"{len(finished)} of {STEPS} steps have finished"
    if killed.is_application:
        return
    again = {n: place.web.seen[f"GET /read-{n}?n={killed.n}"] - 1 for n in (1, 2, 3)}
    if sum(again.values()) > 1:  # the one that was on its way when its process was killed
        yield f"more than one read was asked again: {again}"


def _of_world(place: Storm, killed: Killed, issues: Mapping[str, int], pages: Mapping[str, int]) -> Iterator[str]:
    """Tell what is there twice, or not at all."""
    name, posts = f"job {killed.n}", place.web.seen[f"POST /post?n={killed.n}"]
    if issues.get(name) != 1 or pages.get(name) != 1:
        yield f"{issues.get(name, 0)} issues and {pages.get(name, 0)} pages"
    if posts != 1 and (posts != 2 or not killed.asked):
        yield f"{posts} posts, a person was asked {killed.asked} times"
    if killed.asked > 1:
        yield f"a person was asked {killed.asked} times about one write: {killed.failed_with}"


def _title(page: Mapping[str, Any]) -> str:
    """Return the title of a Notion page."""
    texts = [part for value in page["properties"].values() for part in value.get("title") or []]
    return "".join(part["plain_text"] for part in texts)
