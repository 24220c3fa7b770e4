"""`runs days`: how many runs were started on each of the last days."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, table
from commands.base.session import looked_at


def days(
    number: Annotated[int, typer.Option("--days", help="The last days, today included.")] = 14,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Count the runs started on each of the last days."""
    from zoneinfo import ZoneInfo

    with looked_at(workspace, demo=demo) as session:
        zone = ZoneInfo(session.orchestra.config.time_zone)
        found = session.orchestra.runs.days(session.principal, number, zone)
    if as_json:
        document({"days": found})
    else:
        table(["DAY", "RUNS", "SUCCEEDED", "FAILED"], [list(one.values()) for one in found])
    return DONE
