"""Run a command in the writable folder of a child behind walls (engine/sandbox/work.py starts it).

Run as a script: {command, environment, limits, left, leaves, proxy} as JSON in the first argument. Says what the
command says, exits as it exits, and writes the files that it leaves to the descriptor `left` (left_files.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - that of the child
_NOT_FOUND = 127
_OUT = 1
_SET_DUMPABLE = 4
"""PR_SET_DUMPABLE of prctl(2)."""


def main() -> int:
    """Run the command, write what it left, return the exit status."""
    sys.path.append(_ROOT)
    from engine.sandbox.limits import Limits

    _close_to_others()
    request = json.loads(sys.argv[1])
    limits = Limits(**request["limits"])
    environment = {**_ENVIRONMENT, **request["environment"]}
    with _network(request["proxy"]) as begin:
        try:
            # There is no thread yet: the one of the network begins below.
            command = subprocess.Popen(request["command"], preexec_fn=limits.apply, env=environment)  # noqa: PLW1509
        except OSError as error:
            sys.stderr.write(f"{request['command'][0]}: {error.strerror}")
            return _NOT_FOUND
        begin()
        status = command.wait()
    _end_the_rest()
    os.close(_OUT)
    return _left(request["leaves"], request["left"]) or (status if status >= 0 else 128 - status)


def _close_to_others() -> None:
    """Keep what the command starts, which has the same owner, from the descriptors and the memory of this process.

    Otherwise it could write to the descriptor `left` itself, by `/proc`.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _end_the_rest() -> None:
    """End what the command has left running: nothing changes while its files are read."""
    if os.getpid() != 1:
        raise RuntimeError("outside the sandbox, this would end the processes of others")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _left(places: list[str], to: int) -> int:
    """Write the files that are left; return the exit status, with a sentence if one cannot be read."""
    from engine.sandbox.left_files import write

    with os.fdopen(to, "wb") as left:
        try:
            write(places, left)
        except OSError as error:
            sys.stderr.write(f"{error.filename}: {error.strerror}\n")
            return 1
    return 0


@contextlib.contextmanager
def _network(proxy: str) -> Iterator[Callable[[], None]]:
    """Listen for what goes to a proxy outside, if there is one; give what begins to hand it on."""
    if not proxy:
        yield lambda: None
        return
    from engine.sandbox.forwarder import forward, listen

    with listen() as listener:
        yield lambda: forward(listener, proxy)


if __name__ == "__main__":
    os._exit(main())
