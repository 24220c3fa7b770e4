"""`runs list`: what ran, by status, workflow, trigger, time or text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from commands.failures import DONE
from commands.opened import looked_at
from commands.options import Demo, Json, Workspace
from commands.screen import document, local_time, note, table

if TYPE_CHECKING:
    from engine.runs.run_list import RunRow


class Status(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def list_(
    status: Annotated[list[Status] | None, typer.Option(help="Only runs with this status; may come again.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    trigger: Annotated[str | None, typer.Option(metavar="ID", help="Only runs that this trigger started.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="RUN", help="Only runs that this run called.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Only runs that say this in their id, workflow, title or sentence.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, metavar="TIME", help="Only runs from then on, such as 2026-05-01."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, metavar="TIME", help="Only runs before then.")
    ] = None,
    accounts: Annotated[
        Literal["demo", "mine"] | None, typer.Option(help="Only runs on demo accounts, or on your own.")
    ] = None,
    before: Annotated[str | None, typer.Option(metavar="ID", help="Only runs older than this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List runs, the newest first."""
    with looked_at(workspace, demo=demo) as session:
        zone = session.orchestra.config.time_zone
        page = session.orchestra.runs.list(
            session.principal,
            status=[str(one) for one in status or ()],
            workflow=workflow,
            trigger=trigger,
            parent=parent,
            text=text,
            since=_moment(since, zone),
            until=_moment(until, zone),
            demo=None if accounts is None else accounts == "demo",
            before=before,
            limit=limit,
        )
    if as_json:
        document({"runs": page.rows, "next": page.next})
        return DONE
    table(["RUN", "WORKFLOW", "STATUS", "STARTED", "WHAT HAPPENED"], [_row(row, zone) for row in page.rows])
    if page.next:
        note(f"Older ones: --before {page.next}")
    return DONE


def _moment(typed: datetime | None, zone: str) -> str | None:
    from engine.names import timestamp

    return None if typed is None else timestamp(typed.replace(tzinfo=ZoneInfo(zone)))


def _row(row: RunRow, zone: str) -> list[str]:
    marks = [mark for mark, is_so in (("demo", row.demo), ("test", row.is_test)) if is_so]
    name = f"{row.workflow} ({', '.join(marks)})" if marks else row.workflow
    started = local_time(row.started_at, zone) if row.started_at else ""
    return [row.run_id, name, row.status, started, row.sentence]
