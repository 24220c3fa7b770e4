"""code: running `output = 1` in the sandbox, beside bubblewrap and Python with nothing in them.

Ours is all that a step `code.run` does but its record: folders, walls, limits, the code, its output, and no leftovers.
"""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

from bench.base.figures import beside
from engine.sandbox.code.running import CodeLimits, CodeToRun, run
from engine.sandbox.walls import ChildRoom, walls

WORK = "code"
GOAL = 2.0
ROUNDS = 30
_LIMITS = CodeLimits(seconds=60, memory_mb=512, processes=64, disk_mb=64, output_kb=1024)
_SETUP = SimpleNamespace(sandbox="bubblewrap", docker_image="", interpreters={})


def measure() -> dict[str, Any]:
    """Return milliseconds from call to result."""
    code, around = CodeToRun("python", "output = 1", {}, _SETUP, _LIMITS, _LIMITS), walls()
    assert around is not None, "bubblewrap does not work here"
    bare = [*around.command(ChildRoom(), None), "--", sys.executable, "-I", "-c", ""]
    assert run(code, []).output == 1
    ours, limits = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(bare, check=True, env={})
        limits.append(1000 * (time.perf_counter() - began))
        began = time.perf_counter()
        run(code, [])
        ours.append(1000 * (time.perf_counter() - began))
    return beside(ours, limits, GOAL, "ms")
