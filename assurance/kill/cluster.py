"""A PostgreSQL server of its own, in a temporary folder, which a test may kill and restart."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
_AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
"""PostgreSQL refuses to run as root."""
_SETTINGS = """
listen_addresses = '{addresses}'
port = {port}
unix_socket_directories = '{folder}'
fsync = on
max_connections = 200
"""


@dataclass(frozen=True)
class Cluster:
    """A running server that trusts everybody who reaches it."""

    folder: Path
    port: int
    hosts: Sequence[str] = ("127.0.0.1",)
    """The addresses of its machine."""
    within: Sequence[str] = ()
    """How commands on its machine begin."""

    @property
    def url(self) -> str:
        """The address of its database."""
        return self.url_by(self.hosts[0])

    def url_by(self, host: str) -> str:
        """The address of its database, by one of `hosts`."""
        return f"postgresql+psycopg://postgres@{host}:{self.port}/postgres"

    def start(self) -> None:
        """Start it; it answers once this returns."""
        self._control("start", "-w", "-t", "60", "-l", str(self.folder / "log"))

    def stop(self, mode: str) -> None:
        """Stop it: `immediate`, as if it crashed, or `fast`."""
        self._control("stop", "-w", "-t", "60", "-m", mode)

    def _control(self, *what: str) -> None:
        _run("pg_ctl", "-D", str(self.folder / "data"), *what, within=self.within)


@contextmanager
def cluster(hosts: Sequence[str] = ("127.0.0.1",), within: Sequence[str] = ()) -> Iterator[Cluster]:
    """Make a server, and remove it afterwards; skip the test where PostgreSQL is not installed."""
    if not _program("initdb"):
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not installed on this machine.")
    folder = Path(tempfile.mkdtemp(prefix="orchestra-postgres-"))
    made = Cluster(folder, free_port(), hosts, within)
    try:
        if _AS_POSTGRES:
            shutil.chown(folder, "postgres", "postgres")
        _run("initdb", "-D", str(folder / "data"), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-locale")
        more = _SETTINGS.format(port=made.port, folder=folder, addresses=", ".join(hosts))
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(more)
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")
        made.start()
        yield made
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    found = [str(one / name) for one in reversed(_PROGRAMS) if (one / name).exists()]
    return next(iter(found), shutil.which(name) or "")


def _run(name: str, *arguments: str, within: Sequence[str] = ()) -> None:
    command = [*within, *_AS_POSTGRES, _program(name), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
