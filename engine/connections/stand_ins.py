"""The demo services as the engine sees them: a separate process on loopback, reached over HTTP only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo import endpoints
from engine.base.errors import StorageError
from engine.files.atomic import PRIVATE_FOLDER, make_folder, storage_errors

LATENCY_VARIABLE = "ORCHESTRA_DEMO_LATENCY"
_END_SECONDS = 10.0  # then they are killed


class StandInProcess:
    """Uses the running stand-ins of a folder, or starts them; they end with the last process that uses them."""

    def __init__(self, folder: Path, *, is_user: bool = True) -> None:
        """`is_user`: whether this process works with them; they end without asking one that only shows them."""
        self._folder, self._is_user = folder, is_user
        self._process: subprocess.Popen[str] | None = None
        self._use: int | None = None
        """The descriptor that keeps them running."""
        self._line: dict[str, Any] | None = None
        self._held: Mapping[str, Any] = {}
        """The process and ports that `_line` describes."""
        self._lock = threading.Lock()

    def endpoints(self) -> Mapping[str, Any]:
        """Return {service: {base_url, token, …}, "generation": n}; start the stand-ins if no process has the folder."""
        with self._lock:
            self._begin_use()
            if self._line is None or not self.is_running() or self._held != endpoints.read(self._folder):
                self._line = self._start()
                self._held = endpoints.read(self._folder)
            return {**self._line, "generation": endpoints.generation(self._folder)}

    def is_running(self) -> bool:
        """Return whether a process holds this folder: it runs the stand-ins, or starts them when needed."""
        return endpoints.is_held(self._folder)

    def show(self) -> dict[str, Any]:
        """Return the content of the services, running or not."""
        return self._ask("show")

    def reset(self) -> int:
        """Restore the sample data, also in running stand-ins; return the new generation."""
        generation = int(self._ask("reset")["generation"])
        with self._lock:
            if self._line is not None:
                self._line["generation"] = generation
        return generation

    def close(self) -> None:
        """Use the stand-ins no more, and end them if this process started them (`end_process`)."""
        use, self._use = self._use, None
        if use is not None:
            os.close(use)
        process, self._process = self._process, None
        if process is None:
            return
        end_process(process, self._folder)
        if process.stdout is not None:
            process.stdout.close()

    def _start(self) -> dict[str, Any]:
        """Start the process; if another one serves the folder, ours prints that one's line and exits."""
        if self._process is not None:  # it has died
            end_process(self._process, self._folder)
        self._process = subprocess.Popen(
            command_line("start", self._folder),
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

    def _begin_use(self) -> None:
        if self._use is None:
            with storage_errors(self._folder):
                make_folder(self._folder, PRIVATE_FOLDER)
                if self._is_user:
                    self._use = endpoints.use(self._folder)

    def _ask(self, command: str) -> dict[str, Any]:
        answer = subprocess.run(command_line(command, self._folder), capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise StorageError(f"The demo services in {self._folder} did not answer: {answer.stderr.strip()[-300:]}")
        document: dict[str, Any] = json.loads(answer.stdout)
        return document


def command_line(command: str, folder: Path) -> list[str]:
    """Return the command that starts, resets or shows the stand-ins of a folder; started ones end with their stdin."""
    latency = os.environ.get(LATENCY_VARIABLE)
    extra = ["--latency", latency] if latency else []
    if command == "start":
        extra.append("--until-stdin-closes")
    return [sys.executable, "-m", "demo", command, "--dir", str(folder), *extra]


def end_process(process: subprocess.Popen[Any], folder: Path | None = None) -> None:
    """End started stand-ins by closing their standard input.

    With their `folder`: while others use them, they go on, and end after those.
    """
    # Asked before: they hold the lock themselves while they end.
    goes_on = folder is not None and process.poll() is None and endpoints.is_used(folder)
    if process.stdin is not None:
        process.stdin.close()
    if goes_on:
        return
    try:
        process.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
