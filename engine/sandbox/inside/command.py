"""Run a command in the writable folder of a sandbox, as its first process.

The arguments are NAME=VALUE: `limits` (`AS=…,CPU=…`), `processes` (how many there may be), `leaves` (places in this
folder, by `:`), `left` (the descriptor for them; 1: they follow what the command says, with their length at the end),
`proxy` (a socket), `filter` (a program for seccomp, in hex), `follows` (seconds: ends after these, or when its stdin
does), `env` (a variable), `secrets` (a descriptor with further ones, each ended by NUL: arguments can be read by
everybody on this machine); after `--` the command. Exits as it does. What ends in `.py` runs in a fork of this Python:
a second start takes as long as all the rest.
"""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # imports here are paid for at each start
    import socket
    from typing import Any, NoReturn

_FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes as long as Python itself
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - the child's
_NOT_FOUND = 127
_IN, _OUT, _KILL, _PIPE, _ALARM = 0, 1, 9, 13, 14
_SET_DUMPABLE, _SET_SECCOMP, _BY_FILTER = 4, 22, 2
"""Numbers of prctl(2)."""
_DESCRIPTORS = 4096


def main() -> int:
    """Run the command, write what it left, return the exit status."""
    sys.path.append(_FOLDER)
    at = sys.argv.index("--")
    given = dict(one.split("=", 1) for one in sys.argv[1:at] if not one.startswith("env="))
    environment = dict(one.split("=", 2)[1:] for one in sys.argv[1:at] if one.startswith("env="))
    if given.get("secrets"):
        environment |= _secrets(int(given["secrets"]))
    # Else the command, which has the same owner, could write to `left` itself, by `/proc`, or to this memory.
    _control(_SET_DUMPABLE, 0)
    listener = _listener(given.get("proxy", ""))
    process = os.fork()
    if process == 0:
        _run(sys.argv[at + 1 :], given, environment)
    if listener is not None:
        _beside("forwarder").forward(listener, given["proxy"])
    if given.get("follows"):
        _follow(float(given["follows"]))
    status = os.WEXITSTATUS(ended) if os.WIFEXITED(ended := os.waitpid(process, 0)[1]) else 128 + os.WTERMSIG(ended)
    _end_the_rest()
    return _left(given["leaves"].split(":"), int(given["left"])) or status


def _secrets(handle: int) -> dict[str, str]:
    with os.fdopen(handle, encoding="utf-8", errors="surrogateescape", newline="") as given:
        return dict(one.split("=", 1) for one in given.read().split("\0") if one)


def _control(what: int, *values: object) -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(what, *values, *[0] * (4 - len(values))) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _listener(proxy: str) -> socket.socket | None:
    if not proxy:
        return None
    found: socket.socket = _beside("forwarder").listen()
    return found


def _beside(name: str) -> Any:
    """Return a module of this folder, which is all that there is of this program in a container."""
    return __import__(name)


def _run(command: list[str], given: dict[str, str], environment: dict[str, str]) -> NoReturn:
    """Become the command: in the child."""
    try:
        os.closerange(3, _DESCRIPTORS)
        if given.get("follows"):
            os.dup2(os.open("/dev/null", os.O_RDONLY), _IN)
            os.closerange(3, 4)  # what `open` has just taken: the first that is free
        os.environ.clear()
        os.environ.update(_ENVIRONMENT | environment)
        for limit in filter(None, given["limits"].split(",")):
            name, value = limit.split("=")
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (int(value), int(value)))
        if given.get("processes"):
            resource.setrlimit(resource.RLIMIT_NPROC, (int(given["processes"]), int(given["processes"])))
        if command[0].endswith(".py"):
            _control(_SET_DUMPABLE, 1)  # as execve(2) does: else the code could not read its own /proc
        _filter(given.get("filter", ""))
        if not command[0].endswith(".py"):
            os.execve(command[0], command, os.environ)  # noqa: S606 - behind walls
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(_NOT_FOUND)
    front = _beside(os.path.basename(command[0])[:-3])  # noqa: PTH119 - as above
    sys.path.remove(_FOLDER)
    sys.exit(front.main())


def _filter(program: str) -> None:
    """Refuse this process the system calls that a filter names, besides those that the sandbox refuses anyway."""
    if not program:
        return
    import ctypes

    class Filter(ctypes.Structure):
        """`struct sock_fprog`."""

        _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))

    lines = bytes.fromhex(program)
    _control(_SET_SECCOMP, _BY_FILTER, ctypes.byref(Filter(len(lines) // 8, lines)))


def _follow(seconds: float) -> None:
    """End after so many seconds, or with what holds the other side of stdin: a container would outlive it."""
    import _thread
    import select

    def watch() -> None:
        ready, *_ = select.select([_IN], [], [], seconds)
        os._exit(128 + (_PIPE if ready else _ALARM))

    _thread.start_new_thread(watch, ())


def _end_the_rest() -> None:
    """End what the command has left running: nothing changes while its files are read."""
    if os.getpid() != 1:
        raise RuntimeError("outside the sandbox, this would end the processes of others")
    try:
        os.kill(-1, _KILL)
    except ProcessLookupError:  # contextlib takes a tenth of the time that Python takes to start
        return
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def _left(places: list[str], to: int) -> int:
    """Write the files that are left; return the exit status, with a sentence if one cannot be read."""
    if to != _OUT:
        os.close(_OUT)
    with os.fdopen(to, "wb") as left:
        try:
            size = _beside("leaving").write(places, left)
        except OSError as error:
            sys.stderr.write(f"{error.filename}: {error.strerror}\n")
            sys.stderr.flush()
            return 1
        if to == _OUT:
            left.write(size.to_bytes(8, "big"))
    return 0


if __name__ == "__main__":
    os._exit(main())
