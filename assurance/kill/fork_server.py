"""The fork server of this process (forks.py), which all its storms share: it imports for seconds before it is ready."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class ForkServer:
    """A process that forks a child for each connection to `socket`, and ends with this one."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="orchestra-forks-"))
        self.socket = self._folder / "forks"
        command = [sys.executable, "-m", "assurance.kill.forks", str(self.socket)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        self._is_ready = False

    def wait_until_ready(self) -> None:
        """Return once children can be forked."""
        assert self._process.stdout is not None
        if not self._is_ready:
            assert self._process.stdout.readline() == "ready\n"
            self._is_ready = True

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def fork_server() -> ForkServer:
    """Start it, at the first call."""
    server = ForkServer()
    atexit.register(server.close)
    return server
