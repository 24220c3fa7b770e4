"""`orchestra`: the command line. Every command ends with an exit code of docs/operations.md and a sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from engine.garbage import look_at_nothing_yet, look_no_more, look_rarely


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (by default, from the process's arguments) and return its exit code."""
    look_rarely()
    from commands.base.application import app
    from commands.base.failures import DONE, FAILED, Terminated, failure_of, stops_raised, tell
    from commands.base.options import WorkspaceOption

    given = list(sys.argv[1:] if arguments is None else arguments)
    place = WorkspaceOption()
    try:
        with stops_raised():
            return int(app(given, standalone_mode=False, obj=place, prog_name="orchestra") or DONE)
    except SystemExit as end:  # how typer ends once standard output is closed (`| head -1`)
        return end.code if isinstance(end.code, int) else FAILED
    except (Exception, Terminated) as error:  # noqa: BLE001 - the last line before the shell: it becomes a sentence
        return tell(failure_of(error, place.workspace), as_json="--json" in given)


def process() -> NoReturn:
    """Run the command of this process and exit with its exit code."""
    _open_missing_streams()
    look_at_nothing_yet()
    exit_code = main()
    look_no_more()
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


if __name__ == "__main__":
    process()
