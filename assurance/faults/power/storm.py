"""Sessions are recorded, and every state that their power may leave is lived through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from assurance.faults.power.judge import wrongs
from assurance.faults.power.recording import Recording, recordings
from assurance.faults.power.states import states
from assurance.faults.power.trace import traced
from assurance.semantics.service import ScriptedService

REPOSITORY = Path(__file__).resolve().parents[3]
_SECONDS = 600


def recorded(names: Sequence[str], folder: Path, service: ScriptedService) -> dict[str, Recording]:
    """Let sessions happen in a process that is recorded; `NAME--WRONG` is one with an engine that is wrong."""
    base, out = (folder / "base").resolve(), folder / "trace"
    base.mkdir()
    command = [sys.executable, "-m", "assurance.faults.power.child", str(base), str(service.port), *names]
    done = subprocess.run(
        traced(command, out), capture_output=True, text=True, cwd=REPOSITORY, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = recordings(out, base)
    assert sorted(found) == sorted(names)
    return found


def lived_through(recording: Recording, most: int, folder: Path, service: ScriptedService) -> Iterator[Sequence[str]]:
    """Give what is wrong in each of up to `most` states of a session."""
    for number, state in enumerate(states(recording, most)):
        place = folder / f"{recording.name}-{number}"
        yield wrongs(recording, state, place, service)
        shutil.rmtree(place)


def quick_folder() -> Path | None:
    """Return a folder in memory: what is lived through there needs no disk of its own."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) else None
