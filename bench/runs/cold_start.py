"""W4: a whole, cold `orchestra run` of 3 pure steps, beside a process that only imports what it needs.

The two processes run in turn, with the same Python, precompiled modules (`make setup` does that, as pip does) and
files in the system's cache; ours ends with the run's log on disk and its document printed.
"""

from __future__ import annotations

import compileall
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.workspace import chain, make

WORK = "W4"
STEPS = 3
GOAL = 1.8
LIMIT = (sys.executable, "-c", "import pydantic, sqlalchemy, cel_expr_python.cel")
_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("engine", "clients", "commands")
_ORCHESTRA = str(Path(sys.executable).with_name("orchestra"))


def measure() -> dict[str, Any]:
    """Return the seconds of the whole process."""
    ours, limits = [], []
    for package in _PACKAGES:
        compileall.compile_dir(_ROOT / package, quiet=1)
    compileall.compile_file(_ROOT / "cli.py", quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        make(root, {"chain": chain(STEPS)})
        run = (_ORCHESTRA, "run", "chain", "--workspace", str(root), "--json")
        assert '"status": "succeeded"' in subprocess.run(run, check=True, capture_output=True, text=True).stdout
        for _ in range(ROUNDS):
            limits.append(_seconds(LIMIT))
            ours.append(_seconds(run))
    return beside(ours, limits, GOAL, "s")


def _seconds(command: tuple[str, ...]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
