"""Follows a run to its end: a line for each item as it ends, then what happened, in words or as one document."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from commands.failures import DONE, FAILED, WAITS, Stop
from commands.opened import Look, Session
from commands.screen import document, note, say

_LOOK_SECONDS = 0.5
_INTERRUPT_SECONDS = 10.0
_SHOWN = 50
_OPEN = ("queued", "running")
_ENDED = ("succeeded", "failed", "skipped", "cancelled")
_EXIT_CODES = {"succeeded": DONE, "failed": FAILED, "cancelled": FAILED, "waiting": WAITS}


def follow(session: Session, run_id: str, *, quiet: bool) -> tuple[dict[str, Any], int]:
    """Return the document of a run of this process once it has ended or waits, and the exit code that this means.

    At Ctrl-C or SIGTERM the run is interrupted, and can be resumed. Raises StorageError.
    """
    runs, p = session.orchestra.runs, session.principal
    progress = Progress(session.began_at)
    try:
        run = _end(session, run_id, None if quiet else progress)
    except Stop as stop:
        runs.interrupt(p, run_id)
        run = runs.wait(p, run_id, _INTERRUPT_SECONDS)
        if run["status"] not in _EXIT_CODES:
            note(f"Interrupted. Nothing is lost: `orchestra runs resume {run_id}` goes on with it.")
        return run, stop.exit_code
    return run, _EXIT_CODES.get(run["status"], FAILED)


def _end(session: Session, run_id: str, progress: Progress | None) -> dict[str, Any]:
    """Look at the run until this process has nothing more to do for it."""
    runs, p = session.orchestra.runs, session.principal
    if progress is None:
        return runs.wait(p, run_id)
    pause = _LOOK_SECONDS
    while True:
        begun = time.monotonic()
        run = runs.wait(p, run_id, pause)
        progress.show(run)
        spent = time.monotonic() - begun
        if run["status"] not in _OPEN or spent < pause:
            return run
        pause = max(_LOOK_SECONDS, 5 * (spent - pause))  # a run of thousands of items takes long to look at


class Progress:
    """Writes a line for every item of a loop, or plain step, that has ended since the last look."""

    def __init__(self, since: str) -> None:
        self._since = since
        self._told: set[str] = set()

    def show(self, run: Mapping[str, Any]) -> None:
        """Write what is new in the document."""
        totals = {step["path"]: len(step["items"]) for step in run["steps"] if "items" in step}
        writes = _writes(run)
        for step in run["steps"]:
            path = step["path"]
            is_new = path not in self._told and (step["ended_at"] or self._since) >= self._since
            if step["status"] in _ENDED and is_new and "." not in path and path not in totals:
                self._told.add(path)
                say(_line(step, totals.get(path.partition("[")[0]), writes.get(path, [])))


def _writes(run: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return {path of an item: ids of the steps that wrote something for it}."""
    found: dict[str, list[str]] = {}
    for step in run["steps"]:
        if step["effect"]:
            word = f"{step['id']} (already done)" if step["effect"]["reused"] else step["id"]
            found.setdefault(step["path"].partition(".")[0], []).append(word)
    return found


def _line(step: Mapping[str, Any], total: int | None, writes: list[str]) -> str:
    title = step["title"] or step["key"] or step["id"]
    if total is not None:
        position = int(step["path"].partition("[")[2].partition("]")[0]) + 1
        title = f"{position:>{len(str(total))}}/{total}  {title}"
    what = [step["error"]["message"]] if step["error"] else [", ".join(writes)] if writes else []
    return f"  {step['status']:<9}  {': '.join([title, *what])}".replace("\n", " ")


def report(session: Look, run: Mapping[str, Any]) -> None:
    """Write what happened for a person: the sentence, what was created, whose accounts; what went wrong to stderr."""
    say(f"{run['sentence']}")
    created = list(_created(run))
    for line in created[:_SHOWN]:
        say(line)
    if len(created) > _SHOWN:
        say(f"  … and {len(created) - _SHOWN} more")
    if run["accounts"]:
        say(f"Accounts: {', '.join(badges(session, run))}")
    for line in _went_wrong(run):
        note(line)
    say(f"Run {run['run_id']}: {run['status']}. `orchestra runs show {run['run_id']}` shows every step.")


def _created(run: Mapping[str, Any]) -> Iterator[str]:
    """Give a line for everything that this run has made (not for what it only marked), with its address."""
    titles = {step["path"]: step["title"] for step in run["steps"]}
    for step in run["steps"]:
        effect = step["effect"]
        if effect and effect["receipt"] and not effect["reused"] and _makes_something(step["uses"]):
            item = titles.get(step["path"].rpartition(".")[0]) or step["title"]
            taken_back = "  (taken back)" if effect.get("undone") else ""
            yield f"  {step['id']}: {item}  {effect['receipt']['url'] or effect['receipt']['id']}{taken_back}"


def _makes_something(uses: str) -> bool:
    from engine.errors import OrchestraError
    from engine.registry import step_type
    from engine.step import Repeat

    try:
        return step_type(uses).repeat is not Repeat.SAFE
    except OrchestraError:  # a step type of an older release
        return True


def badges(session: Look, run: Mapping[str, Any]) -> Iterator[str]:
    """Give whose account stood behind each connection of a run, e.g. "gmail: demo-1"."""
    known = {one.name: one.account for one in session.orchestra.connections.list(session.principal)}
    for name, account in run["accounts"].items():
        if account["mode"] == "demo" and account["service"] != "http":
            yield f"{name}: {account.get('account') or 'demo'}"
        else:
            yield f"{name}: {known.get(name) or 'your account'}"


def _went_wrong(run: Mapping[str, Any]) -> Iterator[str]:
    if run["status"] == "waiting":
        yield _waits_for(run)
    if run["status"] in _OPEN:
        yield f"It stopped where it should not have; .orchestra/commands.log says why. {_resume(run)}"
    error = run["error"]
    if error is None:
        return
    place = f" (step {error['step']})" if error.get("step") else ""
    yield f"{error['message']}{place} {error.get('remedy') or ''}".strip()
    if run["status"] == "failed":
        yield _resume(run)


def _waits_for(run: Mapping[str, Any]) -> str:
    waiting = [step for step in run["steps"] if step["status"] == "waiting"]
    questions = [step["approval"] for step in waiting if step.get("approval")]
    if questions:
        return f"It waits for an answer: `orchestra approvals approve {questions[0]}` or `reject`."
    called = [step["child_run_id"] for step in waiting if step.get("child_run_id")]
    if called:
        return f"It waits for a run that it called: `orchestra runs show {called[0]}` says what that waits for."
    until = f" until {run['due_at']}" if run["due_at"] else ""
    held = sorted({step["held"]["by"] for step in waiting if step.get("held")})
    if held:
        return (
            f"{' and '.join(held)} asked it to wait{until}; nothing has failed. "
            f"`orchestra serve` or `orchestra runs resume {run['run_id']}` goes on."
        )
    return f"It waits{until}; `orchestra serve` or `orchestra runs resume {run['run_id']}` goes on."


def _resume(run: Mapping[str, Any]) -> str:
    return f"`orchestra runs resume {run['run_id']}` tries again what is not done."


def finish(session: Session, run_id: str, *, as_json: bool) -> int:
    """Follow a run, tell what happened and return the exit code."""
    run, code = follow(session, run_id, quiet=as_json)
    if as_json:
        document(run)
    else:
        report(session, run)
    return code
