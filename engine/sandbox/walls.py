"""Walls around a child process, built by bubblewrap: no network, no files but those it needs, no environment."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from engine.sandbox import seccomp
from engine.sandbox.limits import WORK

_ROOT = Path(__file__).resolve().parents[2]
_OURS = ("engine", "clients")
"""What readers import. Other folders beside these may be a workspace, with its secrets."""
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_FOUND_BY = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/nix/store")
"""Where the system's programs find libraries, fonts and the time zone."""
_TRIED_SECONDS = 10.0
_SCRATCH_BYTES = 16 * 1024 * 1024
_ARCHITECTURES = ("x86_64", "aarch64")


class ChildRoom(Struct, frozen=True):
    """What a child has besides Python and the programs of the system."""

    reads: tuple[str, ...] = ()
    """Files and folders that it may read, at their own place; those that do not exist are left out."""
    work_bytes: int = 0
    """Size of the folder `/w` in which it may write; 0: it writes nothing."""
    folders: tuple[tuple[str, str], ...] = ()
    """Folders that it may read at another place: (where they are, where it sees them)."""
    proxy: str = ""
    """Where it sees the Unix socket that gets what it sends to its own port 3128; empty: it has no proxy."""


class Walls(Struct, frozen=True):
    """A bubblewrap that works on this machine."""

    program: str
    known: tuple[str, ...]
    """Options that only newer versions know."""

    def command(self, room: ChildRoom, seccomp_handle: int | None) -> list[str]:
        """Return the beginning of a command: what follows it runs in that room, under the filter of a descriptor."""
        spaces = ("--unshare-user", *self.known, "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts")
        # As process 1: with an init between, bubblewrap ends before that, and leaves it dead to this machine's init.
        closed = ("--as-pid-1", "--hostname", "sandbox", "--die-with-parent", "--cap-drop", "ALL", "--clearenv")
        filtered = () if seccomp_handle is None else ("--seccomp", str(seccomp_handle))
        return [self.program, *spaces, *closed, *filtered, *_view(room), "--chdir", WORK if room.work_bytes else "/"]


def _view(room: ChildRoom) -> Iterator[str]:
    """Yield the options for the files that are there."""
    yield from ("--ro-bind", "/usr", "/usr")
    for one in map(Path, _SYSTEM):
        if one.is_symlink():
            yield from ("--symlink", str(one.readlink()), str(one))
        elif one.is_dir():
            yield from ("--ro-bind", str(one), str(one))
    if room.work_bytes:
        for place in (WORK, "/tmp"):  # noqa: S108 - before what follows, which may be in /tmp itself
            yield from ("--size", str(room.work_bytes if place == WORK else _SCRATCH_BYTES), "--tmpfs", place)
    for place in dict.fromkeys((*_FOUND_BY, *_python(), *(str(_ROOT / one) for one in _OURS), *room.reads)):
        if not place.startswith("/usr/"):
            yield from ("--ro-bind-try", place, place)
    for place, inside in room.folders:
        yield from ("--ro-bind", place, inside)
    # Bound again it is not a device, and cannot be opened: a shared mapping of it is memory that no limit counts.
    yield from ("--dev", "/dev", "--ro-bind", "/dev/zero", "/dev/zero")
    if room.work_bytes:
        # Read-only: where this program runs as root, it owns the files of /proc/sys, which are the machine's.
        yield from ("--proc", "/proc", "--remount-ro", "/proc")
        yield from ("--size", str(_SCRATCH_BYTES), "--tmpfs", "/dev/shm")  # noqa: S108 - the child's own
        yield from ("--remount-ro", "/dev")
    else:
        # Without /proc: by /proc/self/fd, a descriptor that is open for reading can be opened for writing.
        yield from ("--remount-ro", "/dev")
    yield from ("--remount-ro", "/")


def _python() -> Iterator[str]:
    """Yield where this Python and its packages are."""
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix):
        if prefix not in ("/", "/usr"):
            yield prefix
            yield os.path.realpath(prefix)


def shown_folders() -> tuple[str, ...]:
    """Return the folders of programs that every child sees."""
    return ("/usr", *_SYSTEM, *_python())


def walls() -> Walls | None:
    """Return the walls of this machine; None where bubblewrap does not work."""
    return _tried()[0]


def problem() -> str:
    """Return what the walls of this machine lack, with the remedy; empty if they are complete."""
    found, lack = _tried()
    return lack if found or not lack else f"{_LIMITS_ONLY} {lack}"


def lack() -> str:
    """Return why this machine has no walls, with the remedy; empty if it has."""
    found, why = _tried()
    return "" if found else why


@cache
def _tried() -> tuple[Walls | None, str]:
    """Return the walls, and what they lack. Runs a program behind them, once in the life of this process."""
    program = shutil.which("bwrap")
    if sys.platform != "linux":
        return None, "Run AI-Orchestra on Linux, for example in a virtual machine."
    if program is None:
        return None, "Install bubblewrap: `apt install bubblewrap`."
    said = ""
    for known in (("--disable-userns",), ()):  # since 0.8; without it the filter alone refuses new namespaces
        found = Walls(program, known)
        said = _failure(found)
        if not said:
            lacks = "" if platform.machine() in _ARCHITECTURES else f"{_NO_FILTER} {platform.machine()}."
            return found, lacks
    return None, f"bubblewrap says: {said} {_remedy(said)}"


_LIMITS_ONLY = "Strangers' files are read with limits of time and memory, but not shut off from files and network."
_NO_FILTER = "Child processes are behind walls, but their system calls are not filtered: there is no list for"


_PROFILE = "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict"


def _failure(walls: Walls) -> str:
    """Return what bubblewrap says if it cannot run this Python, or does not take the filter."""
    with filtered(has_descriptors=True) as handle:
        command = [*walls.command(ChildRoom(), handle), "--", sys.executable, "-I", "-c", "import json"]
        try:
            tried = subprocess.run(
                command,
                capture_output=True,
                timeout=_TRIED_SECONDS,
                check=False,
                env={},
                pass_fds=() if handle is None else (handle,),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{type(error).__name__}."
    said = " ".join(tried.stderr.decode("utf-8", "replace").split())[:200]
    return "" if tried.returncode == 0 else f"{said.rstrip('.') or f'exit status {tried.returncode}'}."


def _remedy(said: str) -> str:
    if "uid map" in said or "RTM_NEWADDR" in said:
        return f"Let AppArmor permit it: `sudo cp {_PROFILE} /etc/apparmor.d/ && sudo systemctl reload apparmor`."
    if "amespace" in said or "not permitted" in said:
        return "It needs user namespaces: `sudo sysctl user.max_user_namespaces=10000` lets accounts make them."
    return "Install bubblewrap 0.8 or later."


class filtered:  # noqa: N801 - a context, used as a function
    """A descriptor of the filter for one start of bubblewrap; None on an architecture without one."""

    def __init__(self, *, has_descriptors: bool) -> None:
        self._program, self._handle = seccomp.program(has_descriptors=has_descriptors), -1

    def __enter__(self) -> int | None:
        if not self._program:
            return None
        self._handle, given = os.pipe()
        with os.fdopen(given, "wb") as out:
            out.write(self._program)
        return self._handle

    def __exit__(self, *_: object) -> None:
        if self._handle >= 0:
            os.close(self._handle)
