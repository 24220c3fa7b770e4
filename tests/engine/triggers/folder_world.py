"""A folder, for the contract suite."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def write(folder: Path, name: str, text: str, minutes: int = 0) -> Path:
    """Put a file into a folder, changed last so many minutes after NOW."""
    path = folder / name
    path.write_text(text)
    at = (NOW + timedelta(minutes=minutes)).timestamp()
    os.utime(path, (at, at))
    return path


def shown(folder: Path) -> Any:
    """All that can be told of a folder."""
    return {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def _new_file(scene: Scene) -> World:
    folder = scene.folder / "incoming"
    folder.mkdir()

    return World(
        fields={"path": "incoming", "still_seconds": 0},
        happen=lambda number: write(folder, f"file-{number}.txt", f"Text {number}", number),
        shown=lambda: shown(folder),
        more={"root": scene.folder},
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"folder.new_file": _new_file}
