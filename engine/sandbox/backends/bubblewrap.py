"""The first backend: bubblewrap, with a filter of system calls. It has all that code can have."""

from __future__ import annotations

import os
from pathlib import Path

from clients.check_line import CheckLine
from engine.sandbox import work
from engine.sandbox.backends.backend import SOCKET, BackendSettings, CodeNeeds, SandboxJob
from engine.sandbox.backends.languages import BUILT_IN, PYTHON, command_of, program_of, remedy
from engine.sandbox.child import ChildResult
from engine.sandbox.walls import ChildRoom, lack

_INSIDE = str(Path(__file__).parents[1] / "inside")
TRUSTED = ("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted")
"""Where the certificates are that programs trust."""
_ENCLOSED = (
    "Code runs in bubblewrap: without network, and without the files of this program. A watcher looks ten times a "
    "second what all its processes take together."
)


class Bubblewrap:
    """Runs code with the programs of this machine, in namespaces of its own."""

    name = "bubblewrap"
    title = "bubblewrap"

    def __init__(self, setup: BackendSettings) -> None:
        self._interpreters = setup.interpreters

    def lack(self) -> str:
        """Return why bubblewrap does not work here."""
        return lack()

    def misses(self, needs: CodeNeeds) -> tuple[str, str] | None:
        """Return a language that is not installed."""
        if program_of(needs.language, self._interpreters):
            return None
        return "language", remedy(needs.language, self._interpreters)

    def lines(self) -> list[CheckLine]:
        """Return the programs of the languages."""
        found = {one: program_of(one, self._interpreters) for one in dict.fromkeys((*BUILT_IN, *self._interpreters))}
        programs = [
            CheckLine(name, ok=bool(at), text=f"`code.run` runs {at}." if at else remedy(name, self._interpreters))
            for name, at in found.items()
        ]
        return [CheckLine("sandbox", ok=True, text=_ENCLOSED), *programs]

    def ended(self, job: SandboxJob) -> ChildResult:
        """Run code to its end."""
        program = program_of(job.language, self._interpreters)
        is_same = job.language == PYTHON and job.language not in self._interpreters
        command = command_of(job.language, program, job.memory_mb, inside=_INSIDE, is_same=is_same)
        needed = () if is_same else (program, os.path.realpath(program))
        places = {"/in": job.given, "/code": job.program, "/network": job.network, "/packages": job.packages}
        room = ChildRoom(
            (*needed, *(TRUSTED if job.network else ())),
            job.disk_bytes,
            folders=tuple((str(at), inside) for inside, at in places.items() if at is not None),
            proxy=f"/network/{SOCKET}" if job.network else "",
        )
        return work.run(
            command,
            job.limits,
            room,
            cancelled=job.cancelled,
            heard=job.heard,
            environment=job.environment,
            leaves=job.leaves,
            left_bytes=job.left_bytes,
        )
