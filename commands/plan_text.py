"""A plan as text for people, and the end of the command that makes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clients.wording import counted
from commands.base.failures import DONE, FAILED
from commands.base.run_progress import follow
from commands.base.screen import document, local_time, note, revealed, say
from engine.base.statuses import RunStatus

if TYPE_CHECKING:
    from commands.base.session import CommandSession
    from engine.runs.planning.plan_documents import PlanDocument, PlannedWrite

_MOST_LINES = 40


def finish_plan(session: CommandSession, plan_id: str, *, as_json: bool) -> int:
    """Wait until a plan is made, print it, and return the exit code."""
    run, code = follow(session, plan_id, quiet=True)
    if run["status"] not in (RunStatus.SUCCEEDED, RunStatus.FAILED):
        note(f"The plan is {run['status']}. `orchestra plans show {plan_id}` shows it once it is made.")
        return code
    plan = session.orchestra.plans.show(session.principal, plan_id)
    if as_json:
        document(plan)
    else:
        report_plan(plan, session.orchestra.config.time_zone)
    return code


def report_plan(plan: PlanDocument, zone: str) -> int:
    """Print a plan; return the exit code."""
    for line in _lines(plan, zone):
        say(revealed(line))
    if plan["error"] is not None:
        error = plan["error"]
        place = f" (step {error['step']})" if error["step"] else ""
        note(f"The plan could not be made: {error['message']}{place} {error['remedy'] or ''}".strip())
        return FAILED
    return DONE


_STATES = {
    "planning": "This plan is still being made.",
    "applied": "It was applied by run {run}.",
    "drifted": "It no longer fits: something has changed since.",
    "expired": "It has expired.",
    "failed": "It could not be made.",
}
_AGAIN = ("drifted", "expired", "failed")


def _lines(plan: PlanDocument, zone: str) -> Iterator[str]:
    from engine.runs.planning.plan_documents import writes_nothing  # 5 ms: every `orchestra run` imports this file

    yield f"Plan {plan['plan_id']} of {plan['workflow']}: {counted(len(plan['writes']), 'write')}, nothing written yet."
    for write in plan["writes"]:
        yield from _of_write(write)
    for kept in plan["kept"]:
        yield f"  = {kept['path']}  {kept['uses']}: {kept['title']}; kept: {kept['note']}"
    for may in plan["may_happen"]:
        yield f"  ? {may['path']}  {may['uses']}  may happen: {may['because']}"
    for one in plan["notes"]:
        yield f"  . {one['path']}  {one['note']}"
    used, cost = plan["usage"], plan["usage"]["cost_usd"]
    price = "cost not known" if cost is None else f"{cost:.4f} USD"
    yield f"Models: {used['input_tokens']} tokens in, {used['output_tokens']} out, {price}."
    if plan["state"] == "open" and writes_nothing(plan):
        yield "Nothing would be written, so there is nothing to apply."
    elif plan["state"] == "open":
        yield from _gaps(plan)
        until = local_time(plan["expires_at"], zone)
        yield f"`orchestra plans apply {plan['plan_id']}` executes exactly this, until {until}."
    else:
        yield _STATES[plan["state"]].format(run=plan["applied_run_id"])
    yield from (f"  ! {one['path']} was {one['before']} and is now {one['after']}" for one in plan["changes"])
    if plan["state"] in _AGAIN:
        yield f"`orchestra plans again {plan['plan_id']}` makes a new plan with the same inputs."


def _gaps(plan: PlanDocument) -> Iterator[str]:
    """Warn of texts that are not finished: what a plan has shown is made as it is."""
    from engine.runs.planning.plan_documents import ALWAYS_ASK

    unfinished = [write for write in plan["writes"] if write["gaps"]]
    if not unfinished:
        return
    gaps = ", ".join(dict.fromkeys(gap for write in unfinished for gap in write["gaps"]))
    have, made = ("has", "it as it is") if len(unfinished) == 1 else ("have", "them as they are")
    told = f"{counted(len(unfinished), 'write')} {have} gaps to fill in: {gaps}. Apply makes {made}."
    if all(write["approval"] for write in unfinished):
        asks = "it asks for approval first, and the texts can be edited there."
        yield f"{told} To fill them in, run the workflow instead: {asks}"
    else:
        yield f"{told} A run makes {made}, too, unless the workflow has {ALWAYS_ASK}."


def _of_write(write: PlannedWrite) -> Iterator[str]:
    preview = write["preview"]
    title = preview["title"] if preview else write["title"]
    yield f"  + {write['path']}  {write['uses']}  {title}  ({write['account']})"
    if write["may"]:
        yield f"      may not happen: {write['may']}"
    if write["approval"]:
        yield "      a person approves this first"
    if write["unknown"]:
        yield f"      not known yet: {', '.join(write['unknown'])}"
    shown = "" if preview is None else preview["text"] if preview["difference"] is None else preview["difference"]
    lines = shown.splitlines()
    yield from (f"      {line}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"      … and {len(lines) - _MOST_LINES} more lines; `--json` shows all."
