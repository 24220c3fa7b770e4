"""`worker, workers`: work on the runs that others have accepted, and see which processes do."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from commands.base.failures import DONE, stops_raised
from commands.base.opened import opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, table

_LOOK_SECONDS = 0.5
group = typer.Typer(help="The processes that work on runs.", no_args_is_help=True, rich_markup_mode=None)
Slots = Annotated[int, typer.Option(min=1, max=10_000, help="How many runs to work on at once.")]


def worker(concurrency: Slots = 100, demo: Demo = False, workspace: Workspace = None) -> int:
    """Work on the runs of a workspace whose state is on a server, until Ctrl-C or SIGTERM.

    Then nothing more is begun, a write that is being sent is waited for, and other processes go on with the runs.
    """
    from engine.base.errors import InvalidInput
    from engine.observing.log_lines import set_log_format
    from engine.orchestra import Orchestra
    from engine.workspace import config

    assert workspace is not None
    settings = config.load(workspace).config
    logging.basicConfig(stream=sys.stderr)
    set_log_format(settings.log_format)
    if not settings.shares_runs:
        raise InvalidInput(
            "This workspace keeps its state in a file, for the processes of one machine.",
            remedy="Set `state: postgresql+psycopg://…` in config.yaml, or ORCHESTRA_STATE; see docs/scaling.md.",
        )
    with stops_raised():
        while True:
            orchestra = Orchestra.open(workspace, demo=demo, slots=concurrency)
            try:
                if (lost := orchestra.lost_secrets()) is not None:
                    note(f"{lost.message} {lost.remedy}")
                say(f"Working on the runs of {workspace}, at most {concurrency} at once. Press Ctrl-C to stop.")
                while not orchestra.is_taken_over.wait(_LOOK_SECONDS):
                    if orchestra.is_drained:
                        say("It was asked to end, and has done what it had begun.")
                        return DONE
            finally:
                orchestra.close()
            note("Another process has taken over the runs of this one, which was silent for too long. It begins anew.")


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the processes, with how many runs each works on."""
    with opened(workspace, demo=demo) as session:
        own = session.orchestra.own_process
        found = [one for one in session.orchestra.workers.list(session.principal) if one.id != own]
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"workers": found})
    elif found:
        rows = [
            [one.id, one.host, one.state, f"{one.runs} of {one.slots}" if one.slots else str(one.runs),
             local_time(one.started_at, zone)]
            for one in found
        ]  # fmt: skip
        table(["ID", "HOST", "STATE", "RUNS", "SINCE"], rows)
    else:
        say("No process works on this workspace; `orchestra serve` and `orchestra worker` do.")
    return DONE


@group.command()
def drain(
    worker_id: Annotated[str, typer.Argument(metavar="ID", help="As `workers list` shows it.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Ask a process to take no more runs; a worker ends once it has done what it had begun."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.workers.drain(session.principal, worker_id)
    if as_json:
        document({"draining": worker_id})
    else:
        say(f"{worker_id} takes no more runs.")
    return DONE
