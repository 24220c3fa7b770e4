"""`worker`: work on the runs that others have accepted, on this machine or another one."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.failures import DONE, stops_raised
from commands.base.opened import private_log
from commands.base.options import Demo, Workspace
from commands.base.screen import note, say

_LOOK_SECONDS = 0.5
Slots = Annotated[int, typer.Option(min=1, max=10_000, help="How many runs to work on at once.")]


def worker(concurrency: Slots = 100, demo: Demo = False, workspace: Workspace = None) -> int:
    """Work on the runs of a workspace whose state is on a server, until Ctrl-C or SIGTERM.

    Then nothing more is begun, a write that is being sent is waited for, and other processes go on with the runs.
    """
    from engine.base.errors import InvalidInput
    from engine.orchestra import Orchestra
    from engine.workspace import config

    assert workspace is not None
    if not config.load(workspace).config.shares_runs:
        raise InvalidInput(
            "This workspace keeps its state in a file, for the processes of one machine.",
            remedy="Set `state: postgresql+psycopg://…` in config.yaml, or ORCHESTRA_STATE; see docs/scaling.md.",
        )
    with stops_raised():
        while True:
            orchestra = Orchestra.open(workspace, demo=demo, slots=concurrency)
            try:
                say(f"Working on the runs of {workspace}, at most {concurrency} at once. Press Ctrl-C to stop.")
                with private_log(orchestra.workspace.state_dir / "worker.log"):
                    while not orchestra.is_taken_over.wait(_LOOK_SECONDS):
                        if orchestra.is_drained:
                            say("It was asked to end, and has done what it had begun.")
                            return DONE
            finally:
                orchestra.close()
            note("Another process has taken over the runs of this one, which was silent for too long. It begins anew.")
