"""`orchestra serve` as a process tree that can be weighed: the parent and the serving process, without stand-ins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.workspace import chain, make

_SETTLE_SECONDS = 15.0


@dataclass(frozen=True)
class Served:
    """The processes of one server."""

    pid: int

    def pids(self) -> list[int]:
        """Return parent and serving process; the stand-ins are another program that only the demo needs."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        serving = [int(pid) for pid in children if b"api.process" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(serving) == 1
        return [self.pid, *serving]

    def mebibytes(self) -> float:
        """Return the resident memory of all of them."""
        found = 0
        for pid in self.pids():
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            found += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return found / 1024

    def processor_seconds(self) -> float:
        """Return the processor time that all of them have used."""
        found = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            found += int(fields[11]) + int(fields[12])
        return found / os.sysconf("SC_CLK_TCK")


@contextmanager
def served() -> Iterator[Served]:
    """Serve a fresh workspace on a free port until the end of the block; no page is opened. Linux only."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        make(root, {"chain": chain(3)}, "connections: {}\nserver:\n  port: 18765\n")
        command = [str(Path(sys.executable).with_name("orchestra")), "serve", "--json", "--workspace", str(root)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            time.sleep(_SETTLE_SECONDS)
            yield Served(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
