"""`triggers poll`, `dead`, `retry`, `dismiss`, `forms` and `rotate`: poll now, handle failed items, show forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import finish, follow
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import CommandSession, looked_at, opened
from commands.triggers import MaybeTrigger, MaybeWorkflow, only_trigger, tell_preview
from engine.base.statuses import RunStatus

if TYPE_CHECKING:
    from engine.triggering.forms import FormStatus
    from engine.triggering.hooks import HookStatus
    from engine.triggering.polling.status import PollResult

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of the workflow.")]
Trigger = Annotated[str, typer.Argument(metavar="TRIGGER", help="The id of the trigger.")]
Thing = Annotated[str, typer.Argument(metavar="ITEM", help="The id of the item.")]


def poll(
    workflow: MaybeWorkflow = None,
    trigger: MaybeTrigger = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be processed now.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Poll now for new items. If no process serves the workspace, their runs are executed here."""
    with opened(workspace, demo=demo) as session:
        if dry_run:
            return _would(session, workflow, trigger, as_json=as_json)
        results = session.orchestra.triggers.poll(session.principal, workflow, trigger)
        runs = [_ended(session, run_id) for one in results for run_id in (*one.resumed, *one.started)]
    failed = (RunStatus.FAILED, RunStatus.CANCELLED)
    is_ill = any(one.error for one in results) or any(run["status"] in failed for run in runs)
    if as_json:
        document({"polls": results, "runs": runs})
        return FAILED if is_ill else DONE
    for one in results:
        _print_result(one)
    for run in runs:
        say(f"  {run['run_id']}: {run['status']}. {run['sentence']}")
    if not results:
        say("No trigger is on.")
    return FAILED if is_ill else DONE


def _ended(session: CommandSession, run_id: str) -> dict[str, object]:
    """Follow a run of this process to its end; a run of the serving process continues there."""
    run, _ = follow(session, run_id, quiet=True)
    return {name: run[name] for name in ("run_id", "status", "sentence")}


def _print_result(one: PollResult) -> None:
    left = f", {one.skipped} left out" * bool(one.skipped) + f", {one.dead} dead" * bool(one.dead)
    say(f"{one.workflow} / {one.trigger}: {len(one.started)} run{'s' * (len(one.started) != 1)} started{left}")
    if one.resumed:
        say(f"  Runs taken over from a dead process: {len(one.resumed)}.")
    if one.error is not None:
        note(f"  {one.error.message} {one.error.remedy}")


def _would(session: CommandSession, workflow: str | None, trigger: str | None, *, as_json: bool) -> int:
    triggers, p = session.orchestra.triggers, session.principal
    if workflow is not None:
        named = [(workflow, trigger or only_trigger(session, workflow))]
    else:
        named = [(one.workflow, one.id) for one in triggers.list(p) if one.is_on and not one.is_resting]
    found = [(name, one, triggers.preview(p, name, one)) for name, one in named]
    if as_json:
        document({"previews": [{"workflow": name, "trigger": one, "preview": shown} for name, one, shown in found]})
        return DONE
    for name, one, preview in found:
        tell_preview(f"{name} / {one}", preview)
    if not found:
        say("No trigger is on.")
    return DONE


def dead(workflow: MaybeWorkflow = None, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List items that could not become a run, or whose run failed."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.triggers.dead(session.principal, workflow)
    if as_json:
        document({"dead": found})
    elif found:
        rows = [[one.workflow, one.trigger, one.item, one.title, one.error.message] for one in found]
        table(["WORKFLOW", "TRIGGER", "ITEM", "TITLE", "WHY"], rows)
    else:
        say("No dead items.")
    return DONE


def retry(
    workflow: Workflow,
    trigger: Trigger,
    thing: Thing,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Try a dead item again, with the current file. If its run failed, the run is resumed."""
    with opened(workspace, demo=demo) as session:
        run_id = agreed(
            lambda p: session.orchestra.triggers.retry(p, workflow, trigger, thing),
            session.principal,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json),
        )
        return finish(session, run_id, as_json=as_json)


def dismiss(
    workflow: Workflow,
    trigger: Trigger,
    thing: Thing,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Remove a dead item from the list."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.triggers.dismiss(session.principal, workflow, trigger, thing)
    if as_json:
        document({"dismissed": {"workflow": workflow, "trigger": trigger, "item": thing}})
    else:
        say("It is dismissed.")
    return DONE


def forms(
    workflow: MaybeWorkflow = None, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """List the forms that anyone may fill in, with their addresses."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.forms.list(session.principal, workflow)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"forms": found})
    for one in () if as_json else found:
        say(f"{one.workflow} / {one.trigger}: {one.title} ({openness(one)})")
        last = f", the last {local_time(one.last_at, zone)}" if one.last_at else ""
        say(f"  {one.url}")
        say(f"  {one.today} sent in 24 hours{last}; {one.waiting} waiting")
    if not found and not as_json:
        say("No workflow has a form.")
    return DONE


def openness(one: FormStatus | HookStatus) -> str:
    """Return whether strangers may use an address now, in words."""
    if one.is_open:
        return "open"
    if one.open_elsewhere:
        return "open on the demo" if one.open_elsewhere == "demo" else "open with your accounts"
    return "closed: its trigger is off"


def rotate(
    workflow: Workflow,
    trigger: MaybeTrigger = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Give a form or webhook another address; the old one stops working at once."""
    with opened(workspace, demo=demo) as session:
        orchestra, p = session.orchestra, session.principal
        found = {one.trigger: "form" for one in orchestra.forms.list(p, workflow)}
        found |= {one.trigger: "webhook" for one in orchestra.hooks.list(p, workflow)}
        name = trigger or (next(iter(found)) if len(found) == 1 else only_trigger(session, workflow))
        thing = found.get(name, "form")
        changed = (orchestra.hooks if thing == "webhook" else orchestra.forms).rotate(p, workflow, name)
    if as_json:
        document(changed)
    else:
        say(f"The {thing} is now at {changed.url}.")
    return DONE
