"""`runs`: show, resume and cancel runs."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED, WAITS
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import awaited_words, badges, finish, follow, report
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import CommandSession, looked_at, opened
from commands.runs.history import list_
from commands.runs.options import RunId, require_demo
from commands.runs.seeing import show_seen
from engine.base.statuses import OPEN_RUNS, StepStatus
from engine.record.types.step import StepRecord, undo_of

group = typer.Typer(help="Past and current runs.", no_args_is_help=True, rich_markup_mode=None)

_LOOK_SECONDS = 0.2

group.command("list")(list_)


@group.command()
def show(
    run_id: RunId,
    seen: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Show what the model of this step saw, such as each_mail[3].classify."),
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show a run: what happened, and every step."""
    with looked_at(workspace, demo=demo) as session:
        if seen is not None:
            return show_seen(session.orchestra.runs.seen(session.principal, run_id, seen), as_json=as_json)
        run = session.orchestra.runs.get(session.principal, run_id)
        if as_json:
            document(run)
            return DONE
        zone = session.orchestra.config.time_zone
        rows = [[step["path"], step["status"], _detail(step, zone)] for step in run["steps"]]
        table(["STEP", "STATUS", "DETAIL"], rows)
        for one in session.orchestra.runs.bounces(session.principal, run_id):
            note(f"{one.path}: {one.sentence} (a report in the mailbox says so; anybody can send one)")
        report(session, run, is_followed=False)
    return DONE


def _detail(step: StepRecord, zone: str) -> str:
    if step["error"]:
        return f"{step['error']['message']} {step['error'].get('remedy') or ''}".strip()
    if step["status"] == StepStatus.WAITING and step.get("awaits") and not step.get("held"):
        return f"{step['title']}  (waits for {awaited_words(step['awaits'])})".strip()
    effect, undone = step["effect"], undo_of(step)
    receipt = effect["receipt"] if effect else None
    what = (receipt and (receipt["url"] or receipt["id"])) or step["title"]
    if known := step.get("corrected"):
        what += f"  (corrected by {known['by']}: see run {known['run_id']})"
    if undone:
        what += f"  (undone at {local_time(undone['at'], zone)} by {undone['by']}: {undone['note']})"
    if effect and effect.get("differences"):
        differences = "; ".join(f"{one['field']}: {one['old']} -> {one['new']}" for one in effect["differences"])
        what += f"  ({effect['note']}: {differences})"
    return what


All = Annotated[bool, typer.Option("--all", help="All runs that were interrupted or lost their process.")]
OneWrite = Annotated[
    str | None, typer.Option(metavar="PATH", help="Only the write of this step, such as each_mail[3].send.")
]
Newest = Annotated[
    bool,
    typer.Option("--newest", help="Continue with the current file, if the finished steps are unchanged in it."),
]


@group.command()
def resume(
    run_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The id of the run.")] = None,
    everything: All = False,
    as_done: Annotated[bool, typer.Option("--as-done", help="A write with unknown outcome was done.")] = False,
    redo: Annotated[bool, typer.Option("--redo", help="A write with unknown outcome is sent again.")] = False,
    step: OneWrite = None,
    receipt: Annotated[str, typer.Option(help="With --as-done: the id or address of what was written.")] = "",
    newest: Newest = False,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Resume a run that failed or was interrupted."""
    if (run_id is None) != everything:
        raise typer.BadParameter("Name one run, or give --all.")
    if everything and (as_done or redo or step or receipt or newest):
        raise typer.BadParameter(
            "--as-done, --redo, --step, --receipt and --newest need one run and cannot be combined with --all."
        )
    if (step or receipt) and not (as_done or redo):
        raise typer.BadParameter("--step and --receipt need --as-done or --redo.")
    with opened(workspace, demo=demo) as session:
        if run_id is None:
            return _resume_all(session, as_json=as_json)
        runs, p = session.orchestra.runs, session.principal
        if demo:
            require_demo(runs.get(p, run_id))
        _tell_of_changes(session, run_id, newest=newest)
        agreed(
            lambda p: runs.resume(
                p, str(run_id), as_done=as_done, redo=redo, step=step, receipt=receipt, newest=newest
            ),
            p,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json),
        )
        return finish(session, run_id, as_json=as_json)


def _tell_of_changes(session: CommandSession, run_id: str, *, newest: bool) -> None:
    """Say what of a workflow that has changed since does not hold for the run."""
    newer = session.orchestra.runs.newer(session.principal, run_id)
    if newer is None:
        return
    if newer.refused is not None and not newest:
        note(f"It goes on with the workflow as it was accepted. With the file as it is now: {newer.refused.message}")
    elif not newest:
        note("It goes on with the workflow as it was accepted; `--newest` uses the file, which has changed since.")
    elif kept := newer.kept_defaults:
        again = " ".join(f"--input {name}=…" for name in kept)
        note(
            f"The run keeps its inputs, although these defaults have changed: {', '.join(kept)}. "
            f"To use other values, start a new run: `orchestra runs rerun {run_id} {again}`."
        )


def _resume_all(session: CommandSession, *, as_json: bool) -> int:
    ended = []
    for run_id in session.orchestra.runs.resume_all(session.principal):
        run, code = follow(session, run_id, quiet=as_json)
        ended.append((run, code))
        if not as_json:
            report(session, run)
        if code not in (DONE, FAILED, WAITS):  # asked to stop
            break
    if as_json:
        document({"runs": [run for run, _ in ended]})
    elif not ended:
        say("No run was interrupted or has lost its process.")
    codes = {code for _, code in ended}
    return next((code for code in (*sorted(codes - {DONE, FAILED, WAITS}), FAILED, WAITS) if code in codes), DONE)


@group.command()
def cancel(run_id: RunId, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Cancel a run; what it has written stays."""
    from engine.base.errors import InUse

    with opened(workspace, demo=demo) as session:
        runs, p = session.orchestra.runs, session.principal
        ends_at = time.monotonic() + runs.cancel(p, run_id)
        run, shown = runs.wait(p, run_id, _LOOK_SECONDS), ""
        while run["status"] in OPEN_RUNS and time.monotonic() < ends_at:
            if run.get("cancel_requested") and run["sentence"] != shown:
                shown = run["sentence"]
                note(shown)
            time.sleep(_LOOK_SECONDS)  # another process may be working on it
            run = runs.wait(p, run_id, _LOOK_SECONDS)
        if run["status"] in OPEN_RUNS:
            raise InUse(
                f"Run {run_id} has not ended yet.",
                remedy="It has been asked to; `orchestra runs show` says when it has.",
            )
        if as_json:
            document(run)
        else:
            say(f"{run['sentence']}")
            say(f"Run {run_id}: {run['status']}.")
            say(f"Accounts: {', '.join(badges(session, run)) or 'none'}")
    return DONE
