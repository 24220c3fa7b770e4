"""A mailbox file, for the contract suite."""

from __future__ import annotations

import os
from datetime import timedelta

from clients.client import Opening
from clients.file.client import FileClient
from clients.file.service import FileSettings
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def _new_message(scene: Scene) -> World:
    path = scene.folder / "all.mbox"
    path.touch()

    def happen(number: int) -> None:
        at = NOW + timedelta(minutes=number)
        with path.open("a") as file:
            file.write(
                f"From a@a.example {at:%a %b %d %H:%M:%S %Y}\nFrom: Ann <a@a.example>\nSubject: Thing {number}\n"
                f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000\n\nHello {number}\n\n"
            )
        os.utime(path, (at.timestamp() - 60, at.timestamp() - 60))

    return World(
        fields={"path": "all.mbox"},
        happen=happen,
        shown=lambda: (path.read_text(), path.stat().st_mtime_ns),
        client=FileClient.open(FileSettings(), Opening(workspace=scene.folder)),
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"file.new_message": _new_message}
