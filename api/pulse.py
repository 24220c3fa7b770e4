"""The signs of life of a serving process, through a pipe to its parent: a module of its own, as the parent is small."""

from __future__ import annotations

import contextlib
import os

READY = b"ready"
BEAT = b"."


class Pulse:
    """The pipe to the parent: first a message that everything is up, then a sign of life every second."""

    def __init__(self, pipe: int) -> None:
        os.set_inheritable(pipe, False)  # noqa: FBT003
        os.set_blocking(pipe, False)
        self._pipe = pipe

    def begin(self, lease_seconds: float, token: str) -> None:
        """Report that everything is up, how long this process may be silent before it loses its runs, and a token."""
        self._write(b"%s %g %s\n" % (READY, lease_seconds, token.encode("ascii")))

    def beat(self) -> None:
        """Send a sign of life."""
        self._write(BEAT)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # the parent is stopped or has ended
            os.write(self._pipe, data)
