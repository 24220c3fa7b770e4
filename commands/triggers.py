"""`triggers`: what starts runs by itself, turned on and off, and how each one stands."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.failures import DONE, FAILED
from commands.opened import Session, opened
from commands.options import Demo, Json, Workspace
from commands.screen import document, local_time, note, say, table

if TYPE_CHECKING:
    from engine.trigger import Start
    from engine.triggering.status import TriggerPreview, TriggerStatus

group = typer.Typer(help="What starts runs by itself.", no_args_is_help=True, rich_markup_mode=None)

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of the workflow.")]
MaybeWorkflow = Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Only the triggers of this workflow.")]
MaybeTrigger = Annotated[
    str | None, typer.Argument(metavar="[TRIGGER]", help="The id of the trigger; may be left out where it is the only.")
]
_SHOWN = 20
_NOT_YET = "never"
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@group.command("list")
def list_(
    workflow: MaybeWorkflow = None, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """List the triggers of all workflows, without asking any service."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.triggers.list(session.principal, workflow)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"triggers": found})
    elif found:
        headers = ["WORKFLOW", "TRIGGER", "USES", "STATE", "ACCOUNT", "SEEN", "DEAD", "LAST LOOK"]
        table(headers, [_row(one, zone) for one in found])
    else:
        say(_none(workflow))
    return DONE


def _none(workflow: str | None) -> str:
    return f"The workflow {workflow!r} has no trigger." if workflow else "No workflow has a trigger."


def _row(one: TriggerStatus, zone: str) -> list[object]:
    looked_at = _local(one.looked_at, zone)
    return [one.workflow, one.id, one.uses, one.state, one.account, one.items, one.dead, looked_at]


def _local(time: str | None, zone: str) -> str:
    return local_time(time, zone) if time else _NOT_YET


@group.command()
def status(
    workflow: MaybeWorkflow = None,
    trigger: MaybeTrigger = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show how each trigger stands, and what needs a person. Ends with 1 where something does."""
    with opened(workspace, demo=demo) as session:
        triggers, p = session.orchestra.triggers, session.principal
        one = [triggers.status(p, workflow, trigger)] if workflow and trigger else triggers.list(p, workflow)
        alarms = [alarm for alarm in triggers.alarms(p) if workflow in (None, alarm.workflow)]
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"triggers": one, "alarms": alarms})
        return FAILED if alarms else DONE
    for status_ in one:
        _tell(status_, zone)
    if not one:
        say(_none(workflow))
    for alarm in alarms:
        note(f"{alarm.message} {alarm.remedy}")
    return FAILED if alarms else DONE


def _tell(one: TriggerStatus, zone: str) -> None:
    say(f"{one.workflow} / {one.id}: {one.state} ({one.title}{f', {one.account}' if one.account else ''})")
    if one.is_on:
        again = _local(one.look_again_at, zone) if one.look_again_at else "at once"
        say(f"  last look {_local(one.looked_at, zone)}, next {again}; newest thing {_local(one.item_at, zone)}")
        say(f"  {one.items} seen, {one.queued} queued, {one.running} under way")
    for why, count in one.left_out.items():
        say(f"  {count} left out: {why}")
    if one.dead:
        say(f"  {one.dead} dead: `orchestra triggers dead {one.workflow}`")
    for error in filter(None, (one.problem, one.error)):
        say(f"  {error.message} {error.remedy}".rstrip())
    if one.note:
        say(f"  {one.note}")


@group.command()
def on(
    workflow: Workflow,
    trigger: MaybeTrigger = None,
    from_: Annotated[Literal["now"] | None, typer.Option("--from", help="Only what comes from now on.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Also the newest so many that are there.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, metavar="TIME", help="Also what has come since then, such as 2026-05-01."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Turn a trigger on. The first time, say from where on things count as new."""
    from engine.errors import InvalidInput

    if sum(one is not None for one in (from_, last, since)) > 1:
        raise typer.BadParameter("Say one of --from, --last and --since.")
    with opened(workspace, demo=demo) as session:
        triggers, p = session.orchestra.triggers, session.principal
        name = trigger or only_trigger(session, workflow)
        start = _start(session, from_, last, since)
        is_asked = not (yes or as_json) and sys.stdin.isatty()
        if is_asked or (start is not None and not start.is_now and not as_json):
            _show(triggers.preview(p, workflow, name, start))
        if is_asked and not typer.confirm("Turn it on?"):
            note("Nothing was turned on.")
            return FAILED
        if not (yes or is_asked) and start is not None and not start.is_now:
            raise InvalidInput("Nobody was asked about these runs.", remedy="`--yes` starts them without asking.")
        turned = triggers.turn_on(p, workflow, name, start)
    if as_json:
        document(turned)
    else:
        say(f"{workflow} / {name} is on. `orchestra serve` watches it; `orchestra triggers poll` looks once.")
    return DONE


def _start(session: Session, from_: str | None, last: int | None, since: datetime | None) -> Start | None:
    from zoneinfo import ZoneInfo

    from engine.trigger import Start

    if since is not None:
        zone = ZoneInfo(session.orchestra.config.time_zone)
        return Start(since=since if since.tzinfo else since.replace(tzinfo=zone))
    return Start(last=last) if last is not None else Start() if from_ else None


def only_trigger(session: Session, workflow: str) -> str:
    """Return the one trigger of a workflow that can be watched. Raises UnknownName, InvalidInput, InvalidFile."""
    from engine.errors import InvalidInput

    plan = session.orchestra.workflows.plan(session.principal, workflow)
    found = [one.id for one in plan.triggers if one.kind.is_watched]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidInput(f"The workflow {workflow!r} has no trigger.", remedy="Add one to its file.")
    raise InvalidInput(f"The workflow {workflow!r} has {len(found)} triggers.", remedy=f"Name one: {', '.join(found)}.")


def _show(preview: TriggerPreview) -> None:
    more = " or more" if preview.has_more else ""
    say(f"It would start {preview.count}{more} run{'s' * (preview.count != 1)} now.")
    tell_items(preview)
    if preview.cost is not None:
        say(preview.cost.sentence)


def tell_items(preview: TriggerPreview) -> None:
    """List what a look would find, as far as it is worth it."""
    for item in preview.items[:_SHOWN]:
        why = f"  left out: {item.skip}" if item.skip else f"  dead: {item.error.message}" if item.error else ""
        say(f"  {item.title or item.id}{why}")
    if len(preview.items) > _SHOWN:
        say(f"  … and {len(preview.items) - _SHOWN} more")
    if preview.note:
        say(preview.note)


@group.command()
def off(
    workflow: Workflow,
    trigger: MaybeTrigger = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Turn a trigger off. Turned on later, it goes on from there."""
    with opened(workspace, demo=demo) as session:
        triggers, p = session.orchestra.triggers, session.principal
        on_now = [one.id for one in triggers.list(p, workflow) if one.is_on and not one.is_resting]
        name = trigger or (on_now[0] if len(on_now) == 1 else only_trigger(session, workflow))
        turned = triggers.turn_off(p, workflow, name)
    if as_json:
        document(turned)
    else:
        say(f"{workflow} / {name} is off.")
    return DONE
