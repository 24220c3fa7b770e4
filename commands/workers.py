"""`worker, workers`: work on the runs that others have accepted, and see which processes do."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from commands.base.failures import DONE, FAILED, stops_raised
from commands.base.options import Demo, Json, LogLevel, Workspace
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import opened

if TYPE_CHECKING:
    from api.worker import WorkerPages
    from engine.observing.tally import Tally
    from engine.orchestra import Orchestra
    from engine.runs.workers import WorkerProcess
    from engine.workspace.config import WorkerSettings

_LOOK_SECONDS = 0.5
_MOST_LOOKS_AT_A_HANG = 10
"""Five seconds: a hang is reported after a long silence, and a process that was stopped needs time to turn again."""
_AWAY_SECONDS = 2.0
_LONGEST_STOP_SECONDS = 13.0
"""Deployments wait 15 seconds or longer before they kill a process."""
group = typer.Typer(help="The processes that work on runs.", no_args_is_help=True, rich_markup_mode=None)
Slots = Annotated[int, typer.Option(min=1, max=10_000, help="How many runs to work on at once.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(min=1, max=65535, show_default=False, help="Answer /metrics, /health and /live on this port."),
]
MetricsHost = Annotated[
    str | None, typer.Option(show_default=False, help="The address for that port; default: this machine only.")
]


def worker(
    concurrency: Slots = 100,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = None,
    log_level: LogLevel = None,
    demo: Demo = False,
    workspace: Workspace = None,
) -> int:
    """Work on the runs of a workspace whose state is on a server, until Ctrl-C or SIGTERM.

    Then it starts nothing more, waits for writes that are being sent, and leaves the runs to other processes.
    """
    from engine.base.errors import InvalidInput
    from engine.base.threads import take_short_turns
    from engine.observing.log_lines import set_log_format, set_log_levels
    from engine.workspace import config

    assert workspace is not None
    settings = config.load(workspace).config
    logging.basicConfig(stream=sys.stderr)
    set_log_format(settings.log_format)
    set_log_levels(settings.log_level)
    if not settings.shares_runs:
        raise InvalidInput(
            "This workspace keeps its state in a file, for the processes of one machine.",
            remedy="Set `state: postgresql+psycopg://…` in config.yaml, or ORCHESTRA_STATE; see docs/scaling.md.",
        )
    take_short_turns()
    given = {"metrics_port": metrics_port, "metrics_host": metrics_host}
    place = settings.worker.model_copy(update={name: value for name, value in given.items() if value is not None})
    with stops_raised(), _answering(place, is_host_given=metrics_host is not None) as pages:
        _work(workspace, concurrency, pages, demo=demo)
    return DONE


@contextmanager
def _answering(place: WorkerSettings, *, is_host_given: bool) -> Iterator[WorkerPages | None]:
    """Answer metrics and probes meanwhile, where a port is given."""
    if place.metrics_port is None:
        yield None
        return
    from api.network.address import WORKER, listen
    from api.worker import WorkerPages, answering

    pages = WorkerPages()
    names = WORKER._replace(host="`--metrics-host`") if is_host_given else WORKER
    with answering(pages, listen(place.metrics_host, place.metrics_port, names)):
        yield pages


def _work(workspace: Path, slots: int, pages: WorkerPages | None, *, demo: bool) -> None:
    """Work until the process was asked to end and has done its work."""
    from engine.observing.tally import Tally
    from engine.orchestra import Orchestra

    tally = Tally()
    orchestra = Orchestra.open(workspace, demo=demo, slots=slots, tally=tally)
    say(f"Working on the runs of {workspace}, at most {slots} at once. Press Ctrl-C to stop.")
    while not _was_drained(orchestra, pages):
        note("Another process has taken over the runs of this one, which was silent for too long. It begins anew.")
        orchestra = _opened_anew(workspace, slots, tally, demo=demo)
        say("It works on runs again.")
    say("It was asked to end, and has done what it had begun.")


def _was_drained(orchestra: Orchestra, pages: WorkerPages | None) -> bool:
    """Work until the process was asked to end and has done its work, or until another one has taken over its runs."""
    from engine.base.errors import StateAway

    try:
        with nullcontext() if pages is None else pages.about(orchestra):
            with suppress(StateAway):  # only a note; the state may have been away again since it was opened
                if (lost := orchestra.lost_secrets()) is not None:
                    note(f"{lost.message} {lost.remedy}")
            hanging = 0
            while not orchestra.is_taken_over.wait(_LOOK_SECONDS):
                if orchestra.is_drained:
                    return True
                hanging = hanging + 1 if orchestra.hangs() else 0
                if hanging == _MOST_LOOKS_AT_A_HANG:
                    _end_at_once()
        return False
    finally:
        is_ending = not orchestra.is_taken_over.is_set()
        with suppress(StateAway), _at_most(_LONGEST_STOP_SECONDS) if is_ending else nullcontext():
            orchestra.close()


def _end_at_once() -> NoReturn:
    """End this process, which can do nothing more: whatever runs it starts another one."""
    note("The event loop of the engine stands still. This process ends as it is, and others go on with its runs.")
    faulthandler.dump_traceback()
    os._exit(FAILED)


def _opened_anew(workspace: Path, slots: int, tally: Tally, *, demo: bool) -> Orchestra:
    """Open the workspace as soon as the state can be reached: what cut this process off may last."""
    from engine.base.errors import StateAway
    from engine.orchestra import Orchestra

    is_told = False
    while True:
        try:
            return Orchestra.open(workspace, demo=demo, slots=slots, tally=tally)
        except StateAway as error:
            if not is_told:
                note(f"{error.message} It is tried again until it can be reached.")
            is_told = True
            time.sleep(_AWAY_SECONDS)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End this process if a block takes longer, as when a server neither answers nor refuses.

    Others then go on with its runs, as after a crash.
    """

    def end() -> None:
        note("The state does not answer. This process ends as it is, and others go on with its runs.")
        os._exit(FAILED)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the processes, with the runs that each is working on."""
    with opened(workspace, demo=demo) as session:
        own = session.orchestra.own_process
        found = [one for one in session.orchestra.workers.list(session.principal) if one.id != own]
        zone, shares = session.orchestra.config.time_zone, session.orchestra.config.shares_runs
    if as_json:
        document(found)
    elif found:
        rows = [
            [one.id, one.host, _state(one, shares_runs=shares),
             f"{one.runs} of {one.slots}" if one.slots else str(one.runs), local_time(one.started_at, zone)]
            for one in found
        ]  # fmt: skip
        table(["ID", "HOST", "STATE", "RUNS", "SINCE"], rows)
        _runs_at_work(found, zone)
    else:
        say("No process works on this workspace; `orchestra serve` and `orchestra worker` do.")
    return DONE


def _state(one: WorkerProcess, *, shares_runs: bool) -> str:
    """Return its state in words; a server with `runs_at_once: 0` leaves the runs that it accepts to others."""
    accepts_only = shares_runs and one.kind == "serve" and not one.slots and one.state == "working"
    return "accepts only" if accepts_only else one.state


def _runs_at_work(found: Sequence[WorkerProcess], zone: str) -> None:
    rows = [
        [one.id, run.run_id, "" if run.started_at is None else local_time(run.started_at, zone), run.title]
        for one in found
        for run in one.at_work
    ]
    if rows:
        say()
        table(["WORKS ON IT", "RUN", "STARTED", "TITLE"], rows)
    for one in found:
        if one.runs > len(one.at_work):
            say(f"{one.id} works on {one.runs - len(one.at_work)} more.")


@group.command()
def drain(
    worker_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as shown by `workers list`.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Tell a process to take no more runs; a worker ends after its current runs, a server keeps running."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.workers.drain(session.principal, worker_id)
    if as_json:
        document({"draining": worker_id})
    else:
        say(f"{worker_id} takes no more runs.")
    return DONE
