"""A process to be killed: `python -m assurance.kill.correct_child WORKSPACE RUN STEP [POINT]` says a bug is a task.

It dies at a fault point, if one is named, and prints the new run with its status.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runner.effects import fault_points

OWNER = Principal("tester", "owner", confirmed=True)


def main() -> None:
    """Correct the answer, and follow the new run to its end."""
    root, run_id, step, *point = sys.argv[1:]

    def die(reached: fault_points.Point) -> None:
        if reached in point:
            os.kill(os.getpid(), signal.SIGKILL)

    fault_points.hook = die
    orchestra = Orchestra.open(Path(root), demo=True)
    try:
        made = orchestra.corrections.correct(OWNER, run_id, step, {"kind": "task"})
        run = orchestra.runs.wait(OWNER, made.run_id, 120)
        sys.stdout.write(f"{made.run_id} {run['status']}\n")
    finally:
        orchestra.close()


if __name__ == "__main__":
    main()
