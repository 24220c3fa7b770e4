"""`orchestra`: the command line. Every command ends with an exit code of docs/operations.md, and a sentence."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from engine.garbage import look_rarely


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (default: that of the process's arguments) and return its exit code."""
    look_rarely()
    # httpx would bring a command line of its own along, and rich with it: half of the time that its import takes.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    from commands.application import app
    from commands.failures import DONE, Stop, failure_of, stops_raised, tell
    from commands.options import Place

    given = list(sys.argv[1:] if arguments is None else arguments)
    place = Place()
    try:
        with stops_raised():
            return int(app(given, standalone_mode=False, obj=place, prog_name="orchestra") or DONE)
    except (Exception, Stop) as error:  # noqa: BLE001 - the last line before the shell: it becomes a sentence
        return tell(failure_of(error, place.workspace), as_json="--json" in given)


def process() -> NoReturn:
    """Be the process of one command, and end with its exit code."""
    exit_codes: list[int] = []
    atexit.register(_leave, exit_codes)  # before any library registers something: so it is called after all of it
    exit_codes.append(main())
    sys.exit(exit_codes[0])


def _leave(exit_codes: Sequence[int]) -> None:
    """End at once: Python would take a thousand modules apart first, for a quarter of the time of a short command.

    All threads and exit handlers have ended. Where output cannot be written, Python ends the process, and says so.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a shell may close one (`>&-`)
                stream.flush()
    except (OSError, ValueError):
        return
    if exit_codes:  # else something was raised, which Python tells
        os._exit(exit_codes[0])


if __name__ == "__main__":
    process()
