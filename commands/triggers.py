"""`triggers`: what starts runs automatically: list triggers, show their status, turn them on and off."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import CommandSession, looked_at, opened

if TYPE_CHECKING:
    from engine.plugins.trigger import Start
    from engine.triggering.polling.status import TriggerPreview, TriggerStatus

group = typer.Typer(help="Triggers start runs automatically.", no_args_is_help=True, rich_markup_mode=None)

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of the workflow.")]
MaybeWorkflow = Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Only the triggers of this workflow.")]
MaybeTrigger = Annotated[
    str | None, typer.Argument(metavar="[TRIGGER]", help="The id of the trigger; may be left out if there is only one.")
]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="Also items since this time, such as 2026-05-01.")]
_SHOWN = 20


@group.command("list")
def list_(
    workflow: MaybeWorkflow = None, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """List the triggers of all workflows, without asking any service."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.triggers.list(session.principal, workflow)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"triggers": found})
    elif found:
        headers = ["WORKFLOW", "TRIGGER", "USES", "STATE", "ACCOUNT", "SEEN", "DEAD", "LAST POLL"]
        table(headers, [_row(one, zone) for one in found])
    else:
        say(_none(workflow))
    return DONE


def _none(workflow: str | None) -> str:
    return f"The workflow {workflow!r} has no trigger." if workflow else "No workflow has a trigger."


def _row(one: TriggerStatus, zone: str) -> list[object]:
    looked_at = _local(one.looked_at, zone)
    return [one.workflow, one.id, one.uses, one.state, one.account, one.items, one.dead, looked_at]


def _local(time: str | None, zone: str, not_yet: str = "never") -> str:
    return local_time(time, zone) if time else not_yet


@group.command()
def status(
    workflow: MaybeWorkflow = None,
    trigger: MaybeTrigger = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the status of each trigger, and what needs attention. Exits with 1 if something does."""
    with looked_at(workspace, demo=demo) as session:
        triggers, p = session.orchestra.triggers, session.principal
        one = [triggers.status(p, workflow, trigger)] if workflow and trigger else triggers.list(p, workflow)
        alarms = [alarm for alarm in triggers.alarms(p) if workflow in (None, alarm.workflow)]
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"triggers": one, "alarms": alarms})
        return FAILED if alarms else DONE
    for status_ in one:
        _print_status(status_, zone)
    if not one:
        say(_none(workflow))
    for alarm in alarms:
        note(f"{alarm.message} {alarm.remedy}")
    return FAILED if alarms else DONE


def _print_status(one: TriggerStatus, zone: str) -> None:
    say(f"{one.workflow} / {one.id}: {one.state} ({one.title}{f', {one.account}' if one.account else ''})")
    if one.is_resting:
        of = "on the demo" if one.demo else "with your accounts"
        say(f"  it is on where `orchestra serve` works {of}, and rests here")
    if one.is_on:
        again = _local(one.look_again_at, zone) if one.look_again_at else "at once"
        newest = _local(one.item_at, zone, "none yet")
        say(f"  last poll {_local(one.looked_at, zone)}, next {again}; newest item {newest}")
        if one.environment:
            say(f"  its runs start in {one.environment}")
        say(f"  {one.items} seen, {one.queued} queued, {one.running} running")
    for why, count in one.left_out.items():
        say(f"  {count} left out: {why}")
    if one.dead:
        say(f"  {one.dead} dead: `orchestra triggers dead {one.workflow}`")
    for error in filter(None, (one.problem, one.error)):
        say(f"  {error.message} {error.remedy}".rstrip())
    for told in filter(None, (one.note, one.warning)):
        say(f"  {told}")


@group.command()
def on(
    workflow: Workflow,
    trigger: MaybeTrigger = None,
    from_: Annotated[Literal["now"] | None, typer.Option("--from", help="Only items from now on.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Also this many of the newest existing items.")] = None,
    since: Since = None,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Turn a trigger on. The first time, say which items count as new."""
    from engine.base.errors import InvalidInput

    if sum(one is not None for one in (from_, last, since)) > 1:
        raise typer.BadParameter("Give one of --from, --last and --since.")
    with opened(workspace, demo=demo) as session:
        triggers, p = session.orchestra.triggers, session.principal
        name = trigger or only_trigger(session, workflow)
        start = _start(session, from_, last, since)
        if warning := triggers.status(p, workflow, name).warning:
            note(warning)
        is_asked = not yes and at_terminal(as_json=as_json)
        starts_runs = start is not None and not start.is_now
        if is_asked or (starts_runs and not as_json):
            tell_preview("It", triggers.preview(p, workflow, name, start))
        if is_asked and not typer.confirm("Turn it on?"):
            note("Nothing was turned on.")
            return FAILED
        if starts_runs and not (yes or is_asked):
            raise InvalidInput("Nobody has agreed to these runs.", remedy="`--yes` starts them without asking.")
        turn_on = partial(triggers.turn_on, workflow=workflow, trigger=name, start=start)
        turned = agreed(turn_on, p, yes=yes, names=confirm, is_asked=is_asked)
        rests = triggers.rests_when_served(p, workflow, name)
    if as_json:
        document(turned)
    else:
        say(f"{workflow} / {name} is on. {_watched_by(rests, demo)}")
    return DONE


def _watched_by(rests: bool, demo: bool) -> str:
    """Say what polls it: a trigger rests on a server whose services are set to the other of Demo and Mine."""
    if not rests:
        return "`orchestra serve` watches it; `orchestra triggers poll` checks for new items once."
    if demo:
        return (
            "`orchestra serve --demo` watches it; without --demo the server uses your accounts, and the "
            "trigger rests there. `orchestra triggers poll --demo` checks for new items once."
        )
    return (
        "`orchestra triggers poll` checks for new items once. With `orchestra serve` it rests until "
        "its services are set to Mine on the page Connections: they are set to Demo."
    )


def _start(session: CommandSession, from_: str | None, last: int | None, since: str | None) -> Start | None:
    from zoneinfo import ZoneInfo

    from engine.base.names import typed_moment
    from engine.plugins.trigger import Start

    if since is not None:
        return Start(since=typed_moment(since, ZoneInfo(session.orchestra.config.time_zone)))
    return Start(last=last) if last is not None else Start() if from_ else None


def only_trigger(session: CommandSession, workflow: str) -> str:
    """Return the only trigger of a workflow that can be watched. Raises UnknownName, InvalidInput, InvalidFile."""
    from engine.base.errors import InvalidInput

    plan = session.orchestra.workflows.plan(session.principal, workflow)
    found = [one.id for one in plan.triggers if one.kind.is_watched]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidInput(f"The workflow {workflow!r} has no trigger.", remedy="Add one to its file.")
    raise InvalidInput(f"The workflow {workflow!r} has {len(found)} triggers.", remedy=f"Name one: {', '.join(found)}.")


def tell_preview(who: str, preview: TriggerPreview) -> None:
    """Say how many runs a trigger would start now, and for which items; only the first are named."""
    more = " or more" if preview.has_more else ""
    say(f"{who} would start {preview.count}{more} run{'s' * (preview.count != 1)} now.")
    for item in preview.items[:_SHOWN]:
        why = f"  left out: {item.skip}" if item.skip else f"  dead: {item.error.message}" if item.error else ""
        say(f"  {item.title or item.id}{why}")
    behind = preview.behind(min(len(preview.items), _SHOWN))
    if behind:
        say(f"  … and {behind} more")
    if preview.note:
        say(preview.note)
    if preview.cost is not None:
        say(preview.cost.sentence)


@group.command()
def off(
    workflow: Workflow,
    trigger: MaybeTrigger = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Turn a trigger off. When turned on again, it continues from there."""
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
