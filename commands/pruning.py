"""`runs prune`: old runs go, as config.yaml says."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.failures import DONE
from commands.opened import opened
from commands.options import Demo, Json, Workspace
from commands.screen import document, say


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell which runs would go.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Remove old runs, as `retention` in config.yaml says. What they have written is remembered for ever."""
    from engine.runs.nouns import many

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
    say(f"{many(len(found.run_ids), 'run')} {'would go' if dry_run else 'removed'} ({megabytes}).")
    if keeps_all:
        say("config.yaml keeps every run: `retention` there says how many, or for how many days.")
    return DONE
