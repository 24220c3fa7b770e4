"""`runs list`: runs by status, workflow, trigger, time or text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from msgspec.structs import asdict

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, table
from commands.base.session import looked_at
from engine.base.statuses import AccountMode, ListedStatus

if TYPE_CHECKING:
    from engine.runs.run_list import RunPage, RunRow

_TEXT_HELP = (
    "Only runs with this text in their id, workflow, title or sentence, or in the subject, title or sender of what"
    " started them."
)
_STATUS_HELP = (
    "Only runs with this status; may be repeated. parts_failed: succeeded, though steps or items failed;"
    " set_aside: failed or interrupted because it took its process down too often."
)
_SINCE_HELP = "Only runs from this time on, such as 2026-05-01."
_ACCOUNTS_HELP = "Only runs on demo accounts, or on your own."


def list_(
    status: Annotated[list[ListedStatus] | None, typer.Option(help=_STATUS_HELP)] = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    trigger: Annotated[str | None, typer.Option(metavar="ID", help="Only runs that this trigger started.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="RUN", help="Only runs that this run called.")] = None,
    text: Annotated[str | None, typer.Option(help=_TEXT_HELP)] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help=_SINCE_HELP)] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only runs before this time.")] = None,
    environment: Annotated[
        str | None, typer.Option("--env", metavar="ENVIRONMENT", help="Only runs in this environment.")
    ] = None,
    accounts: Annotated[AccountMode | None, typer.Option(help=_ACCOUNTS_HELP)] = None,
    before: Annotated[str | None, typer.Option(metavar="ID", help="Only runs older than this run.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to show at most.")] = 50,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List runs, newest first."""
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
            environment=environment,
            demo=None if accounts is None else accounts == AccountMode.DEMO,
            before=before,
            limit=limit,
        )
    if as_json:
        document({"runs": [asdict(row) for row in page.rows], "next": page.next})
    else:
        _show(page, zone)
    return DONE


def _show(page: RunPage, zone: str) -> None:
    table(["RUN", "WORKFLOW", "STATUS", "STARTED", "WHAT HAPPENED"], [_row(row, zone) for row in page.rows])
    if page.next:
        note(f"Older ones: --before {page.next}")


def _moment(typed: str | None, zone: str) -> str | None:
    from engine.base.clock import timestamp
    from engine.base.names import typed_moment

    return None if typed is None else timestamp(typed_moment(typed, ZoneInfo(zone)))


def _row(row: RunRow, zone: str) -> list[str]:
    marks = [row.environment] * bool(row.environment) + ["demo"] * row.demo + ["test"] * row.kind.is_test
    name = f"{row.workflow} ({', '.join(marks)})" if marks else row.workflow
    started = local_time(row.started_at, zone) if row.started_at else ""
    return [row.run_id, name, row.status, started, row.sentence]
