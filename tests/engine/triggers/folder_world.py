"""A folder, for the contract suite."""

from __future__ import annotations

import os
from datetime import timedelta

from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def _folder(scene: Scene) -> World:
    folder = scene.folder / "drop"
    folder.mkdir()

    def happen(number: int) -> None:
        path = folder / f"thing-{number}.txt"
        path.write_text(f"Thing {number}")
        at = (NOW + timedelta(minutes=number)).timestamp()
        os.utime(path, (at, at))

    return World(
        fields={"path": "drop", "still_seconds": 0},
        happen=happen,
        shown=lambda: {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()},
        more={"root": scene.folder},
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"folder.new_file": _folder}
