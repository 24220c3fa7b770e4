"""The process that is recorded: `python -m assurance.faults.power.child BASE PORT SESSION[--WRONG]…` in forks."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

from assurance.faults.power.kinds import more_kinds
from assurance.faults.power.recording import MARKS
from assurance.faults.power.scene import Scene
from assurance.faults.power.sessions import SESSIONS
from assurance.faults.power.wrong import SEPARATOR, WRONG
from assurance.faults.story import quickly


def main() -> None:
    """Let every session happen, one after the other; exit with 1 where one broke down."""
    base, port, *names = sys.argv[1:]
    vars(shutil)["_USE_CP_SENDFILE"] = False  # what is copied inside the system cannot be seen
    quickly(_patch)
    marks = os.open(Path(base) / MARKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with more_kinds():
        failed = [name for name in names if _forked(Scene(name, Path(base), int(port), marks))]
    sys.exit(f"broke down: {failed}" if failed else 0)


def _patch(place: Any, name: str, value: Any) -> None:
    setattr(place, name, value)


def _forked(scene: Scene) -> int:
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    try:
        scene.root.parent.mkdir()
        name, _, wrong = scene.name.partition(SEPARATOR)
        if wrong:
            WRONG[wrong]()
        SESSIONS[name](scene)
    except BaseException:  # noqa: BLE001 - whatever it is, it ends this process and is told
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
