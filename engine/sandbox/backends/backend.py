"""A sandbox backend: a way to run code shut off from this machine, and what code can have there."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from clients.check_line import CheckLine
from engine.sandbox.child import ChildResult, Heard
from engine.sandbox.limits import ChildLimits

SOCKET = "proxy"
"""What the socket of the proxy is called in its folder."""


class BackendSettings(Protocol):
    """What the settings say of it: the section `code` of config.yaml."""

    @property
    def sandbox(self) -> str:
        """`auto`, or the name of the only backend to take."""

    @property
    def docker_image(self) -> str:
        """The image in which Docker runs code."""

    @property
    def interpreters(self) -> Mapping[str, str]:
        """Programs of languages."""


class CodeNeeds(Struct, frozen=True):
    """What a piece of code needs."""

    language: str
    files: bool = False
    network: bool = False
    packages: bool = False


class SandboxJob(Struct, frozen=True):
    """A piece of code on its way into a backend."""

    language: str
    given: Path
    """The folder that it sees at `/in`."""
    program: Path
    """The folder that it sees at `/code`."""
    limits: ChildLimits
    memory_mb: int
    disk_bytes: int
    environment: Mapping[str, str]
    leaves: tuple[str, ...]
    """What it leaves, from `/w` on."""
    left_bytes: int
    network: Path | None = None
    """The folder with the socket of the proxy; None: it has no network."""
    packages: Path | None = None
    """The folder that it sees at `/packages`."""
    heard: Heard | None = None
    """Gets what the code writes, as it comes."""
    cancelled: threading.Event | None = None
    """Ends the code once it is set; None: it ends with what this thread works for."""


class SandboxBackend(Protocol):
    """A way to run code."""

    name: str
    title: str

    def lack(self) -> str:
        """Return why it cannot be used on this machine, with the remedy; empty if it can."""

    def misses(self, needs: CodeNeeds) -> tuple[str, str] | None:
        """Return (field, sentence with the remedy) for what it does not have; None if it has all."""

    def lines(self) -> list[CheckLine]:
        """Return what it can do, for people."""

    def ended(self, job: SandboxJob) -> ChildResult:
        """Run code to its end. Blocking. Raises SandboxMissing."""
