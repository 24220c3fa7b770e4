"""The ports of the demo services, held open by the serving process; the first connection starts the services."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from demo import endpoints
from engine.base.errors import OrchestraError, StorageError
from engine.connections.stand_ins import command_line, end_process
from engine.files.atomic import PRIVATE_FOLDER, make_folder, storage_errors

_TRIES = 3  # in a row; then connections are turned away, since a client would wait for an answer


class StandInPorts:
    """Listens on the ports of a folder's stand-ins, and starts them on the first connection.

    A connection waits in the socket until they answer, so it is never refused, neither before the first start nor after
    they were killed. Stand-ins that nobody uses are not started. `say` receives a sentence if something goes wrong.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._sockets: dict[str, socket.socket] = {}
        self._folder_lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waker: int | None = None
        self._watcher: threading.Thread | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self._said = ""

    def hold(self) -> None:
        """Take the ports unless another process has them; call it again, because that process may end."""
        if self._sockets:
            return
        try:
            with storage_errors(self._folder):
                self._hold()
        except StorageError as error:  # real accounts still work, and the pages show the problem
            self._tell_once(error)

    def close(self) -> None:
        """End the stand-ins and release the ports."""
        with self._lock:
            self._is_closed = True
            process = self._process
        if process is not None:
            end_process(process)
        if self._waker is not None and self._watcher is not None:
            os.close(self._waker)  # this ends `_watch`
            self._watcher.join()
        if self._sockets:
            with contextlib.suppress(OSError):  # full disk: readers of the file check whether the process is alive
                endpoints.write(self._folder, self._ports(), pid=None)
        self._let_go()

    def _hold(self) -> None:
        make_folder(self._folder, PRIVATE_FOLDER)
        self._folder_lock = endpoints.lock(self._folder)
        if self._folder_lock is None:
            return
        known = endpoints.known_ports(self._folder)
        try:
            for name in endpoints.NAMES:
                self._sockets[name] = endpoints.bind(known.get(name, 0))
                self._sockets[name].settimeout(0)  # `_turn_away` takes connections until none waits
            endpoints.write(self._folder, self._ports(), os.getpid())
        except OSError:
            self._let_go()
            raise
        reading, self._waker = os.pipe()
        self._watcher = threading.Thread(target=self._watch, args=(reading,), name="stand-ins", daemon=True)
        self._watcher.start()

    def _ports(self) -> dict[str, int]:
        return {name: one.getsockname()[1] for name, one in self._sockets.items()}

    def _let_go(self) -> None:
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()
        if self._folder_lock is not None:
            os.close(self._folder_lock)
            self._folder_lock = None

    def _watch(self, closing: int) -> None:
        """Start the stand-ins at each connection while none run, until `closing` ends."""
        waiting = select.poll()
        for each in (closing, *(one.fileno() for one in self._sockets.values())):
            waiting.register(each, select.POLLIN)
        failures = 0
        while closing not in {descriptor for descriptor, _ in waiting.poll()}:
            failures = 0 if self._run() else failures + 1
            if failures >= _TRIES:
                self._turn_away()
        os.close(closing)

    def _run(self) -> bool:
        """Run the stand-ins until they end; return whether they answered."""
        numbers = {name: one.fileno() for name, one in self._sockets.items()}
        named = ",".join(f"{name}={number}" for name, number in numbers.items())
        assert self._folder_lock is not None
        with self._lock:
            if self._is_closed:
                return True
            try:
                self._process = subprocess.Popen(
                    [*command_line("start", self._folder), "--sockets", named],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    # Keeps the folder locked until they have ended, should this process be killed.
                    pass_fds=(*numbers.values(), self._folder_lock),
                    process_group=0,  # Ctrl-C at a terminal ends this process first, which then ends them
                )
            except OSError:  # no memory, or too many processes
                return False
        assert self._process.stdout is not None
        with self._process.stdout as said:
            did_answer = said.readline() != b""
        self._process.wait()
        return did_answer

    def _turn_away(self) -> None:
        """Close the connections waiting for stand-ins that do not start; otherwise they would wait for ever."""
        self._tell_once(
            StorageError(
                f"The demo services in {self._folder} did not start.", remedy="`python -m demo --dir DIR` says why."
            )
        )
        with contextlib.ExitStack() as waiting:  # all are taken before one is closed: who tries again is not among them
            for one in self._sockets.values():
                with contextlib.suppress(OSError):  # none waits any more
                    while True:
                        waiting.enter_context(one.accept()[0])

    def _tell_once(self, error: OrchestraError) -> None:
        sentence = f"{error.message} {error.remedy}"
        if sentence != self._said:
            self._said = sentence
            self._say(sentence)
