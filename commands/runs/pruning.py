"""`runs prune`: remove old runs, as config.yaml says."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.session import opened


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which runs would be removed.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Remove old runs, as `retention` in config.yaml says. Their writes are never forgotten."""
    from clients.wording import counted

    with opened(workspace, demo=demo) as session:
        retention, p = session.orchestra.retention, session.principal
        found = retention.due(p) if dry_run else retention.prune(p)
        keeps_all = session.orchestra.config.retention.keeps_all
    if as_json:
        document({"runs": found.run_ids, "size_bytes": found.size_bytes, "dry_run": dry_run})
        return DONE
    if dry_run:
        for run_id in found.run_ids:
            say(run_id)
    megabytes = f"{found.size_bytes / 1_000_000:.1f} MB"
    say(f"{counted(len(found.run_ids), 'run')} {'would be removed' if dry_run else 'removed'} ({megabytes}).")
    if keeps_all:
        say("config.yaml keeps every run: set `retention` there to limit how many, or for how many days.")
    return DONE
