"""The demo services as the engine sees them: a process of their own on loopback, reached over HTTP only."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import StorageError
from engine.workspace.files import storage_errors

LATENCY_VARIABLE = "ORCHESTRA_DEMO_LATENCY"
_END_SECONDS = 10.0


class StandInProcess:
    """Uses running stand-ins of a folder, or starts them and ends them with this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._line: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def endpoints(self) -> Mapping[str, Any]:
        """Return {service: {base_url, token, …}, "generation": n}; starts the stand-ins if none run."""
        with self._lock:
            if self._line is None or not self.is_running():
                self._line = self._start()
            return {**self._line, "generation": self._generation(self._line["generation"])}

    def is_running(self) -> bool:
        """Tell whether some process serves this folder now."""
        try:
            with (self._folder / "demo.lock").open("r+", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def show(self) -> dict[str, Any]:
        """Return what is in the services, whether they run or not."""
        return self._ask("show")

    def reset(self) -> int:
        """Restore the sample data, in running stand-ins too; return the new generation."""
        generation = int(self._ask("reset")["generation"])
        with self._lock:
            if self._line is not None:
                self._line["generation"] = generation
        return generation

    def close(self) -> None:
        """End the stand-ins if this process started them."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()  # the end of its standard input is what it stops at
        try:
            process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> dict[str, Any]:
        """Start the process; where another one serves the folder it prints that one's line and ends."""
        self.close()  # one that has died is reaped
        with storage_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        latency = os.environ.get(LATENCY_VARIABLE)
        extra = ["--latency", latency] if latency else []
        self._process = subprocess.Popen(
            [*self._command("start"), "--until-stdin-closes", *extra],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C at a terminal ends the command first, which then ends them
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise StorageError(
                f"The demo services in {self._folder} did not start.", remedy="`python -m demo --dir DIR` says why."
            )
        started: dict[str, Any] = json.loads(line)
        return started

    def _ask(self, command: str) -> dict[str, Any]:
        answer = subprocess.run(self._command(command), capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise StorageError(f"The demo services in {self._folder} did not answer: {answer.stderr.strip()[-300:]}")
        document: dict[str, Any] = json.loads(answer.stdout)
        return document

    def _command(self, command: str) -> list[str]:
        return [sys.executable, "-m", "demo", command, "--dir", str(self._folder)]

    def _generation(self, known: int) -> int:
        """Return the current generation: another process may have reset the data."""
        import sqlite3

        with sqlite3.connect(f"file:{self._folder / 'demo.db'}?mode=ro", uri=True) as connection:
            row = connection.execute(_GENERATION).fetchone()
        connection.close()
        return int(row[0]) if row else known


_GENERATION = "SELECT value FROM meta WHERE name = 'generation'"
