"""`audit`: who changed what, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import looked_at

group = typer.Typer(help="Who changed what, and when.", no_args_is_help=True, rich_markup_mode=None)
_HELP = "such as 2026-05-01; without an offset, in the workspace's time zone."


@group.command("list")
def list_(
    who: Annotated[str, typer.Option(help="Only what this user did, such as owner or local:ann.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, such as users.add, or all actions on users.")] = "",
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help=f"From this time on, {_HELP}")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help=f"Before this time, {_HELP}")] = None,
    before: Annotated[int | None, typer.Option(min=1, help="The number of the last line on the previous page.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many lines to show, newest first.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all matching lines as CSV.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the audit trail, newest first."""
    from engine.store.people.audit import TrailFilter

    if as_csv and as_json:
        raise typer.BadParameter("Give either --csv or --json.")
    with looked_at(workspace, demo=demo) as session:
        zone = session.orchestra.config.time_zone
        which = TrailFilter(who, action, _moment(since, zone), _moment(until, zone), before, limit)
        trail, p = session.orchestra.trail, session.principal
        if as_csv:
            typer.echo(trail.csv(p, which), nl=False)
            return DONE
        lines = trail.lines(p, which)
    oldest = lines[-1].number if len(lines) == limit else None
    if as_json:
        document({"lines": lines, "next": oldest})
        return DONE
    rows = [
        [one.number, local_time(one.at.isoformat(), zone), one.principal, one.action, one.target, one.detail]
        for one in lines
    ]
    table(["NUMBER", "AT", "WHO", "ACTION", "TARGET", "DETAIL"], rows)
    if not lines:
        say("No matching lines.")
    if oldest is not None:
        note(f"Older ones: --before {oldest}")
    return DONE


def _moment(typed: str | None, zone: str) -> datetime | None:
    from engine.base.names import typed_moment

    return None if typed is None else typed_moment(typed, ZoneInfo(zone))
