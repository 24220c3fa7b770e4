"""W6: the parts shared by its two benchmarks: a chain over 5 MB of text, and a loop that writes each value once.

The limit stores values under their hashes and nothing else; ours also writes the events of the steps and the log.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.base.workspace import OWNER
from engine.orchestra import Orchestra

STEPS = 20
INPUTS = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def text(number: int) -> str:
    """Return 5 MB of text that differs for each number."""
    return f"{number:08d} " + "five megabytes of a mail " * 200_000


def workflow(values: Iterable[str]) -> dict[str, Any]:
    """Return a chain with one step for each of these values."""
    steps = [{"id": f"s{n}", "uses": "flow.set", "with": {"values": {"v": value}}} for n, value in enumerate(values)]
    return {"schema_version": 1, "title": "Large values", "inputs": INPUTS, "steps": steps}


def seconds(orchestra: Orchestra, name: str, given: str) -> float:
    """Return the duration of a run, from the call that starts it until its end is on disk."""
    started = time.perf_counter()
    run_id = orchestra.runs.start(OWNER, name, {"text": given})
    orchestra._families.work.worker.wait(run_id, 120)  # noqa: SLF001 - without the time to read the document again
    elapsed = time.perf_counter() - started
    run = orchestra.runs.get(OWNER, run_id)
    assert run["status"] == "succeeded", run["error"]
    return elapsed


class LargeLimit:
    """A plain loop that stores texts under their hashes."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "limit-values"
        self._folder.mkdir()

    def seconds(self, texts: Sequence[str]) -> float:
        """Return the duration of writing each text once.

        The files stay, as those of our runs do: in a virtual machine, file cache that was in use before is written
        three times as fast as fresh memory, and only the limit would profit from that.
        """
        started = time.perf_counter()
        for one in texts:
            self._keep(one)
        return time.perf_counter() - started

    def _keep(self, one: str) -> None:
        """Encode, hash, write, sync, rename, sync the folder."""
        data = one.encode()
        digest = hashlib.sha256(data).hexdigest()
        temporary = self._folder / secrets.token_hex(4)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(handle, data)
        os.fsync(handle)
        os.close(handle)
        temporary.rename(self._folder / digest)
        directory = os.open(self._folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
