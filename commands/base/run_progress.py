"""Follows a run to its end: prints a line for each item as it ends, then the result, as text or one JSON document."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from commands.base.failures import DONE, FAILED, WAITS, Terminated
from commands.base.screen import document, note, say
from engine.base.services import service_of
from engine.base.statuses import ACTIVE_RUNS, ENDED_RUNS, ENDED_STEPS, AccountMode, RunStatus, StepStatus
from engine.base.step_path import StepPath, in_workflow, outermost
from engine.record.types.run import Run
from engine.record.types.step import AwaitedMail, StepRecord, refusal_of, refusal_words

if TYPE_CHECKING:
    from commands.base.session import CommandSession
    from engine.runs.usage import RunUsage

_LOOK_SECONDS = 0.5
_INTERRUPT_SECONDS = 10.0
"""For a write that is being sent: its outcome is recorded before the command ends."""
_SHOWN = 50
_EXIT_CODES = {
    RunStatus.SUCCEEDED: DONE,
    RunStatus.FAILED: FAILED,
    RunStatus.CANCELLED: FAILED,
    RunStatus.WAITING: WAITS,
}


def follow(session: CommandSession, run_id: str, *, quiet: bool) -> tuple[Run, int]:
    """Return the document of a run of this process once it has ended or waits, and the exit code for it.

    At Ctrl-C or SIGTERM, or if standard output cannot be written (`| head -1`), the run is interrupted, and can be
    resumed. Raises StorageError, and OSError for standard output.
    """
    progress = ProgressLines(session.began_at)
    try:
        run = _end(session, run_id, None if quiet else progress)
    except Terminated as stop:
        return _interrupted(session, run_id), stop.exit_code
    except OSError:
        _interrupted(session, run_id)
        raise
    return run, _EXIT_CODES.get(run["status"], FAILED)


def _interrupted(session: CommandSession, run_id: str) -> Run:
    """Interrupt a run unless it has ended, and say how to resume it."""
    runs, p = session.orchestra.runs, session.principal
    runs.interrupt(p, run_id)
    run = runs.wait(p, run_id, _INTERRUPT_SECONDS)
    if run["status"] not in _EXIT_CODES:
        note(f"Interrupted. Nothing is lost: `orchestra runs resume {run_id}` continues it.")
    return run


def _end(session: CommandSession, run_id: str, progress: ProgressLines | None) -> Run:
    """Watch the run until this process has nothing more to do for it."""
    runs, p = session.orchestra.runs, session.principal
    if progress is None:
        return runs.wait(p, run_id)
    pause = _LOOK_SECONDS
    while True:
        begun = time.monotonic()
        run = runs.wait(p, run_id, pause)
        progress.show(run)
        spent = time.monotonic() - begun
        if run["status"] not in ACTIVE_RUNS or spent < pause:
            return run  # `wait` returned early: the run waits, or another process works on it
        pause = max(_LOOK_SECONDS, 5 * (spent - pause))  # reading a run of thousands of items takes long


class ProgressLines:
    """Writes a line for every loop item, or step outside of loops, that has ended since the last call."""

    def __init__(self, since: str) -> None:
        self._since = since
        self._shown_paths: set[str] = set()

    def show(self, run: Run) -> None:
        """Write the lines that are new in the document."""
        totals = {step["path"]: len(step["items"]) for step in run["steps"] if "items" in step}
        writes = _writes(run)
        for step in run["steps"]:
            path = step["path"]
            is_new = path not in self._shown_paths and (step["ended_at"] or self._since) >= self._since
            if step["status"] in ENDED_STEPS and is_new and "." not in path and path not in totals:
                self._shown_paths.add(path)
                say(_line(step, totals.get(in_workflow(path)), writes.get(path, [])))


def _writes(run: Run) -> dict[str, list[str]]:
    """Return {path of an item: ids of the steps that wrote something for it, or that nobody approved}."""
    found: dict[str, list[str]] = {}
    for step in run["steps"]:
        if step["effect"]:
            word = f"{step['id']} (already done)" if step["effect"]["reused"] else step["id"]
            found.setdefault(outermost(step["path"]), []).append(word)
        elif step["error"] and step["uses"] and refusal_of(step):
            found.setdefault(outermost(step["path"]), []).append(f"{step['id']} ({refusal_words(step['error'])})")
    return found


def _line(step: StepRecord, total: int | None, writes: list[str]) -> str:
    title = step["title"] or step["key"] or step["id"]
    if total is not None:
        position = (StepPath.parse(step["path"]).index or 0) + 1
        title = f"{position:>{len(str(total))}}/{total}  {title}"
    what = [step["error"]["message"]] if step["error"] else [", ".join(writes)] if writes else []
    return f"  {step['status']:<9}  {': '.join([title, *what])}".replace("\n", " ")


def report(session: CommandSession, run: Run, *, is_followed: bool = True) -> None:
    """Print the result of a run: the sentence, what was created, the accounts used; errors go to stderr.

    `is_followed`: this process has worked on it, so that it should have come to an end.
    """
    say(f"{run['sentence']}")
    created = list(_created(run))
    for line in created[:_SHOWN]:
        say(line)
    if len(created) > _SHOWN:
        say(f"  … and {len(created) - _SHOWN} more")
    if run["accounts"]:
        say(f"Accounts: {', '.join(badges(session, run))}")
    for line in (*_cost(session, run), *_went_wrong(session, run, is_followed=is_followed)):
        note(line)
    say(f"Run {run['run_id']}: {run['status']}. `orchestra runs show {run['run_id']}` shows every step.")


def _cost(session: CommandSession, run: Run) -> Iterator[str]:
    """Yield what its models have used and were expected to use, without and with the runs that it called."""
    from engine.runs.starting.estimates import words
    from engine.runs.usage import RunUsage

    usage, expected = run["usage"], words(run.get("estimate"))
    if usage["input_tokens"] or usage["output_tokens"]:
        used = used_words(RunUsage(0, usage["input_tokens"], usage["output_tokens"], usage["cost_usd"]))
        yield f"Models: {used}{f' ({expected})' if expected else ''}."
    every = session.orchestra.usage.of_run(session.principal, str(run["run_id"]))
    if any(one.get("child_run_id") for one in run["steps"]):
        if every.input_tokens or every.output_tokens:
            yield f"Models, with the runs that it called: {used_words(every)}."
    elif run["status"] in ENDED_RUNS and every.is_more_than(usage):
        yield f"Models, including calls whose answer no step has: {used_words(every)}."


def used_words(used: RunUsage) -> str:
    """Return tokens and cost in words."""
    cost = "an unknown cost" if used.cost_usd is None else f"${used.cost_usd:.4f}"
    return f"{used.input_tokens:,} tokens in, {used.output_tokens:,} out, {cost}"


def _created(run: Run) -> Iterator[str]:
    """Yield a line for everything that this run has created (not what it only marked), with its address."""
    titles = {step["path"]: step["title"] for step in run["steps"]}
    for step in run["steps"]:
        effect = step["effect"]
        if effect and effect["receipt"] and not effect["reused"] and _makes_something(step["uses"] or ""):
            item = titles.get(str(StepPath.parse(step["path"]).parent)) or step["title"]
            undone = "  (undone)" if effect.get("undone") else ""
            yield f"  {step['id']}: {item}  {effect['receipt']['url'] or effect['receipt']['id']}{undone}"


def _makes_something(uses: str) -> bool:
    from engine.base.errors import OrchestraError
    from engine.plugins.registry import step_type
    from engine.plugins.step import Repeat

    try:
        return step_type(uses).repeat is not Repeat.SAFE
    except OrchestraError:  # a step type of an earlier release
        return True


def badges(session: CommandSession, run: Run) -> Iterator[str]:
    """Yield the account behind each connection of a run, e.g. "gmail: demo-1"."""
    known = {one.name: one.account for one in session.orchestra.connections.list(session.principal)}
    for name, account in run["accounts"].items():
        service = service_of(account["service"])
        if account["mode"] == AccountMode.DEMO and (service is None or service.has_accounts):
            yield f"{name}: {account.get('account') or 'demo'}"
        else:
            yield f"{name}: {known.get(name) or 'your account'}"


def _went_wrong(session: CommandSession, run: Run, *, is_followed: bool) -> Iterator[str]:
    if run["status"] == RunStatus.WAITING:
        yield _waits_for(session, run)
    if run["status"] == RunStatus.INTERRUPTED and not is_followed:
        yield _resume(run)
    if run["status"] in ACTIVE_RUNS and is_followed:
        yield f"It stopped unexpectedly; .orchestra/commands.log says why. {_resume(run)}"
    error = run["error"]
    if error is None:
        return
    place = f" (step {error['step']})" if error.get("step") else ""
    yield f"{error['message']}{place} {error.get('remedy') or ''}".strip()
    if run["status"] == RunStatus.FAILED:
        yield _resume(run)


def _waits_for(session: CommandSession, run: Run) -> str:
    waiting = [step for step in run["steps"] if step["status"] == StepStatus.WAITING]
    if any("paused" in step for step in waiting):
        return f"`orchestra runs step {run['run_id']}` or `orchestra runs continue {run['run_id']}` lets it go on."
    if asked := _waits_for_people(session, run, waiting):
        return asked
    called = [step["child_run_id"] for step in waiting if step.get("child_run_id")]
    if called:
        show = f"`orchestra runs show {called[0]}`"
        return f"It is waiting for a run that it called: {show} says what that run is waiting for."
    until = f" until {run['due_at']}" if run["due_at"] else ""
    awaited = [step["awaits"] for step in waiting if step.get("awaits") and not step.get("held")]
    if awaited:
        more = f", and {len(awaited) - 1} more" if len(awaited) > 1 else ""
        looks = "`orchestra serve` looks for new mail once a minute"
        return f"It is waiting for {awaited_words(awaited[0])}{more}; {looks}."
    holds = [step["held"] for step in waiting if step.get("held")]
    if any(hold.get("needs_person") for hold in holds):
        return "It is waiting for a person to resume writing: `orchestra state status` says why."
    paused = [hold["message"] for hold in holds if hold.get("is_budget")]
    if paused:
        return paused[0]
    held = sorted({hold["by"] for hold in holds})
    if held:
        return (
            f"{' and '.join(held)} asked it to wait{until}; nothing has failed. "
            f"`orchestra serve` or `orchestra runs resume {run['run_id']}` continues it."
        )
    return f"It is waiting{until}; `orchestra serve` or `orchestra runs resume {run['run_id']}` continues it."


def awaited_words(awaits: AwaitedMail) -> str:
    """Return which mail a step waits for, and until when: `a reply from ann@example.com until 2026-12-04T…`."""
    people = f" from {', '.join(awaits['people'])}" if awaits["people"] else ""
    return f"a reply{people} until {awaits['until']}"


def _waits_for_people(session: CommandSession, run: Run, waiting: Sequence[StepRecord]) -> str:
    """Return how its questions are answered, or its mails stopped; empty if it has none."""
    questions = [step["approval"] for step in waiting if step.get("approval")]
    unanswered = [one for one in questions if _state_of(session, one) == "open"]
    if len(unanswered) > 1:
        return f"It is waiting for {len(unanswered)} answers: `orchestra approvals list` shows what it asks."
    if unanswered:
        return f"It is waiting for an answer: `orchestra approvals approve {unanswered[0]}` or `reject`."
    held = [step for step in waiting if step.get("scheduled")]
    if held and _state_of(session, held[0]["approval"]) == "scheduled":
        more = f", and {len(held) - 1} more later" if len(held) > 1 else ""
        stop = f"`orchestra approvals reject {held[0]['approval']}` stops it"
        return f"It is waiting to send a mail at {held[0]['due_at']}{more}; {stop}, `orchestra serve` sends it."
    if questions:
        return f"Its question is answered; `orchestra serve` or `orchestra runs resume {run['run_id']}` continues it."
    return ""


def _state_of(session: CommandSession, question: str) -> str:
    """Return the state of a question; "" if it is no longer known."""
    from engine.base.errors import UnknownName

    try:
        return session.orchestra.approvals.get(session.principal, question).state
    except UnknownName:  # the state was rebuilt: the run asks again when it continues
        return ""


def _resume(run: Run) -> str:
    return f"`orchestra runs resume {run['run_id']}` retries what is not done."


def finish(session: CommandSession, run_id: str, *, as_json: bool) -> int:
    """Follow a run, report the result and return the exit code."""
    run, code = follow(session, run_id, quiet=as_json)
    if as_json:
        document(run)
    else:
        report(session, run)
    return code
