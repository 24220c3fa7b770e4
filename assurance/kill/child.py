"""A process to be killed: `python -m assurance.kill.child WORKSPACE run|resume [--without-ledger]`, prints run ids."""

from __future__ import annotations

import sys
from pathlib import Path

from assurance.kill.wrong import WRONG
from engine.orchestra import Orchestra
from engine.people.access import Principal

OWNER = Principal("tester", "owner", confirmed=True)
MAILS = 6


def main() -> None:
    """Run the sample, or go on with every run of a dead process, to the end."""
    root, command, *flags = sys.argv[1:]
    if "--without-ledger" in flags:
        WRONG["no intents"]()
    orchestra = Orchestra.open(Path(root), demo=True)
    try:
        if command == "run":
            run_ids = [orchestra.runs.start(OWNER, "inbox-triage", {"limit": MAILS})]
        else:
            run_ids = orchestra.runs.resume_all(OWNER)
        sys.stdout.write(" ".join(run_ids) + "\n")
        sys.stdout.flush()
        for run_id in run_ids:
            document = orchestra.runs.wait(OWNER, run_id, 120)
            sys.stdout.write(f"{document['status']}\n")
    finally:
        orchestra.close()


if __name__ == "__main__":
    main()
