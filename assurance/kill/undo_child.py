"""A process to be killed: `python -m assurance.kill.undo_child WORKSPACE RUN`, undoes a run, prints how many writes."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.orchestra import Orchestra
from engine.people.access import Principal

OWNER = Principal("tester", "owner", confirmed=True)


def main() -> None:
    """Undo the run, as often as the process lives."""
    root, run_id = sys.argv[1:]
    orchestra = Orchestra.open(Path(root), demo=True)
    try:
        report = orchestra.runs.undo(OWNER, run_id)
        assert not report.refused, report.refused
        assert not report.cannot, report.cannot
        sys.stdout.write(f"{len(report.undone)} {len(report.left)}\n")
    finally:
        orchestra.close()


if __name__ == "__main__":
    main()
