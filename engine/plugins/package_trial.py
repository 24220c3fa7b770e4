"""Try a package in a child process first: an import that hangs, or ends the process, then does no harm here."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress

import msgspec

from engine.packages.installed import Package

SECONDS = 15.0
"""How long the import of a package may take on a busy machine."""
_CHILD = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from engine.plugins.packaged import tried; tried()"


def failure_of(package: Package) -> str:
    """Return why a package cannot be loaded, as a sentence; empty if it can."""
    mark = secrets.token_hex(16)  # tells our line from what the package prints
    command = [sys.executable, "-I", "-c", _CHILD, json.dumps(sys.path), msgspec.json.encode(package).decode(), mark]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},  # ours may hold secrets, which an import does not need
        start_new_session=True,  # so that `killpg` also ends what the import has started
    )
    try:
        told, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"Its import did not end within {SECONDS:g} seconds."
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    lines = [line for line in told.decode(errors="replace").splitlines() if line.startswith(mark)]
    return lines[0].removeprefix(mark) if lines else "Its import ended the process."
