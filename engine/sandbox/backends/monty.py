"""The third backend: Monty, an interpreter of its own for short Python: no files, network or packages exist in it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from clients.check_line import CheckLine
from clients.service import install_command
from engine.base.threads import abandoned
from engine.sandbox import child, work
from engine.sandbox.backends.backend import BackendSettings, CodeNeeds, SandboxJob
from engine.sandbox.backends.languages import PYTHON
from engine.sandbox.child import ChildPipe, ChildResult
from engine.sandbox.walls import ChildRoom

_CHILD = Path(__file__).with_name("monty_child.py")
_ELSE = "Monty runs only short Python, without {}. Install bubblewrap (`apt install bubblewrap`), or use Docker."


class Monty:
    """Runs Python in the package `pydantic-monty`, in a process of its own with limits."""

    name = "monty"
    title = "Monty"

    def __init__(self, _setup: BackendSettings) -> None: ...

    def lack(self) -> str:
        """Return how to install it."""
        if find_spec("pydantic_monty"):
            return ""
        return f"Install Monty, for short Python: `{install_command('monty')}`."

    def misses(self, needs: CodeNeeds) -> tuple[str, str] | None:
        """Return what does not exist in it: other languages, files, network, packages."""
        if needs.language != PYTHON:
            return "language", _ELSE.format("other languages")
        for field, is_needed, what in (
            ("files", needs.files, "files"),
            ("network", needs.network, "network"),
            ("code", needs.packages, "packages"),
        ):
            if is_needed:
                return field, _ELSE.format(what)
        return None

    def lines(self) -> list[CheckLine]:
        """Return what it can do."""
        said = "Code runs in Monty: short Python, with a part of its language and its library, and without files."
        return [CheckLine("sandbox", ok=True, text=said), CheckLine(PYTHON, ok=True, text="`code.run` runs Monty.")]

    def ended(self, job: SandboxJob) -> ChildResult:
        """Run code to its end."""
        read, write = os.pipe()
        # Of its own memory: address space it reserves much more than it uses.
        own = replace(job.limits, data_bytes=2 * job.limits.memory_bytes).of_process()
        request = {
            "code": str(job.program / "main.py"),
            "inputs": str(job.given / "inputs.json"),
            "left": write,
            "seconds": job.limits.wall_seconds,
            "memory": job.memory_mb * 1024**2,
            "limits": own,
        }
        room = ChildRoom(reads=(str(job.given), str(job.program)))
        with work.turns(abandoned()):
            try:
                left = ChildPipe(read, write, job.left_bytes)
                return child.ended([str(_CHILD), json.dumps(request)], job.limits, room=room, left=left)
            finally:
                os.close(read)
