"""`orchestra`: the command line. Every command ends with an exit code of docs/operations.md and a sentence."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from engine.garbage import look_at_nothing_yet, look_rarely


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (by default, from the process's arguments) and return its exit code."""
    look_rarely()
    # httpx would import a command line of its own, and rich with it: half of its import time.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    # pydantic would read the metadata of every installed package, in search of plugins: there are none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from commands.base.application import app
    from commands.base.failures import DONE, Terminated, failure_of, stops_raised, tell
    from commands.base.options import WorkspacePlace

    given = list(sys.argv[1:] if arguments is None else arguments)
    place = WorkspacePlace()
    try:
        with stops_raised():
            return int(app(given, standalone_mode=False, obj=place, prog_name="orchestra") or DONE)
    except (Exception, Terminated) as error:  # noqa: BLE001 - the last line before the shell: it becomes a sentence
        return tell(failure_of(error, place.workspace), as_json="--json" in given)


def process() -> NoReturn:
    """Run the command of this process and exit with its exit code."""
    _open_missing_streams()
    look_at_nothing_yet()
    exit_code = main()
    _leave(exit_code)
    sys.exit(exit_code)


def _open_missing_streams() -> None:
    """Open /dev/null in place of each standard stream that a shell has closed (`<&-`).

    Otherwise the next file or socket would get its number, and a process started later would take it for its own.
    """
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            os.dup2(opened, number)
            if opened != number:
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for the whole process


def _leave(exit_code: int) -> None:
    """Exit at once: Python would first take a thousand modules apart, a quarter of the time of a short command.

    Returns if more must be done at the end than calling the exit handlers: threads to join, or output that cannot
    be written, which Python reports.
    """
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    atexit._run_exitfuncs()  # noqa: SLF001 - all there are; Python has no public name for it
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a shell may close one (`>&-`)
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(exit_code)


if __name__ == "__main__":
    process()
