"""The second backend: Docker, in an image of the settings, which is never downloaded by itself."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from msgspec import Struct, structs

from clients.check_line import CheckLine
from clients.errors import SandboxMissing
from engine.base.threads import abandoned
from engine.sandbox import child, seccomp, work
from engine.sandbox.backends.backend import SOCKET, BackendSettings, CodeNeeds, SandboxJob
from engine.sandbox.backends.languages import BUILT_IN, PROGRAMS, PYTHON, Find, command_of, program_of
from engine.sandbox.child import ChildResult
from engine.sandbox.limits import WORK, WRITABLE

_PROGRAM = "docker"
_INSIDE = Path(__file__).parents[1] / "inside"
_MB = 1024**2
_SCRATCH_MB = 16
_NOBODY = 65534
_ANSWER_SECONDS, _REMOVED_SECONDS = 15, 60
_START_SECONDS = 20
"""What the service may take to start a container, beyond the time of the code."""
_TRIED_SECONDS = 20
"""How long an answer about the image holds: a person may start Docker, or download the image, meanwhile."""
_TRAILER = 8  # bytes of the length that inside/command.py writes behind what is left
_NO_PROCESS = b"Resource temporarily unavailable"
"""What the kernel says where there are as many as may be."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_OURS = frozenset({"PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "SSL_CERT_FILE"})
"""What the program `docker` gets of the environment, with its own variables; code gets none of it."""


class _Image(Struct, frozen=True):
    """What is known of the image."""

    lack: str = ""
    machine: str = ""
    """The architecture of the service that runs it, as the filter names it."""
    programs: tuple[str, ...] = ()


class Docker:
    """Runs code in a container that has nothing but its files, and is removed at its end."""

    name = "docker"
    title = "Docker"

    def __init__(self, setup: BackendSettings) -> None:
        self._interpreters, self._name = setup.interpreters, setup.docker_image

    def lack(self) -> str:
        """Return why Docker cannot run code here."""
        return self._image.lack

    def misses(self, needs: CodeNeeds) -> tuple[str, str] | None:
        """Return what the image has not: languages; packages, which are made for this machine; network elsewhere."""
        if not program_of(needs.language, self._interpreters, self._find):
            return "language", f"The image {self._name} of Docker has no program for it: name another image."
        if needs.packages:
            return "code", "Packages need bubblewrap: `apt install bubblewrap`."
        if needs.network and sys.platform != "linux":
            return "network", "A list of hosts needs Linux: Docker elsewhere passes no sockets."
        return None

    def lines(self) -> list[CheckLine]:
        """Return the programs of the languages."""
        found = {one: program_of(one, self._interpreters, self._find) for one in (*BUILT_IN, *self._interpreters)}
        said = f"Code runs in Docker, in containers of the image {self._name}, without network and files of others."
        missing = f"The image {self._name} has no program for it."
        return [
            CheckLine("sandbox", ok=True, text=said),
            *(
                CheckLine(name, ok=bool(at), text=f"`code.run` runs {at}." if at else missing)
                for name, at in found.items()
            ),
        ]

    def ended(self, job: SandboxJob) -> ChildResult:
        """Run code to its end, in a container that nothing is left of."""
        container = f"orchestra-code-{secrets.token_hex(8)}"
        limits = replace(
            job.limits,
            wall_seconds=job.limits.wall_seconds + _START_SECONDS,
            answer_bytes=job.limits.answer_bytes + job.left_bytes,
        )
        _open_to_all(job)
        cancelled = job.cancelled or abandoned()
        with work.turns(cancelled):
            began, end = int(time.time()), None
            try:
                end = child.supervised(self._command(job, container), limits, _environment(), cancelled, job.heard)
                return self._read(end, job, container, began)
            finally:
                if end is None or end.reason or end.status:
                    _asked("rm", "--force", container, seconds=_REMOVED_SECONDS)

    @property
    def _image(self) -> _Image:
        return _looked(self._name, tuple(self._interpreters.values()), int(time.monotonic() / _TRIED_SECONDS))

    @property
    def _find(self) -> Find:
        programs = self._image.programs
        return lambda name: next((one for one in programs if name in (one, one.rpartition("/")[2])), "")

    def _command(self, job: SandboxJob, container: str) -> list[str]:
        program = program_of(job.language, self._interpreters, self._find)
        is_same = job.language == PYTHON and job.language not in self._interpreters
        command = command_of(job.language, program, job.memory_mb, inside="/inside", is_same=is_same)
        request = work.arguments(
            job.limits,
            job.environment,
            job.leaves,
            left="1",
            proxy=f"/network/{SOCKET}" if job.network else "",
            filter=seccomp.program(has_descriptors=False, machine=self._image.machine).hex(),
            follows=str(job.limits.wall_seconds),
        )
        python = next(one for one in self._image.programs if one.endswith("/python3"))
        options = (*_closed(job, container), *_mounted(job), "--entrypoint", python)
        script = ("-I", "-S", "-B", "/inside/command.py")
        return [_PROGRAM, "run", *options, self._name, *script, *request, *command]

    def _read(self, end: ChildResult, job: SandboxJob, container: str, began: int) -> ChildResult:
        """Part what the code printed from what it left, which follows it with its length."""
        if end.reason:
            return end
        if _was_out_of_memory(container, began):
            return structs.replace(end, reason="memory", out=b"")
        size = int.from_bytes(end.out[-_TRAILER:], "big") if len(end.out) >= _TRAILER else -1
        at = len(end.out) - _TRAILER - size
        if size < 0 or at < 0:
            if end.status == -signal.SIGALRM:
                return structs.replace(end, reason="time")
            raise SandboxMissing(f"Docker has not run the code: {end.said or 'it says nothing.'}", remedy=self.lack())
        found = structs.replace(end, out=end.out[:at], left=end.out[at:-_TRAILER])
        return structs.replace(found, reason=_excess(found, job))


def _excess(end: ChildResult, job: SandboxJob) -> str:
    """Return the limit of the job that an end has gone over; empty if it kept to all of them."""
    if len(end.out) > job.limits.answer_bytes:
        return "answer"
    if len(end.left) > job.left_bytes:
        return "left"
    return "processes" if end.status and _NO_PROCESS in end.complaints else ""


def _closed(job: SandboxJob, container: str) -> Iterator[str]:
    """Yield the options that shut a container off, and limit it."""
    memory = job.limits.tree_bytes + job.disk_bytes + 2 * _SCRATCH_MB * _MB  # files in a tmpfs are memory, too
    # Code never runs as root in a container, even where this process does.
    user, group = (os.getuid(), os.getgid()) if os.getuid() else (_NOBODY, _NOBODY)
    yield from ("--rm", "--interactive", "--name", container, "--hostname", "sandbox", "--pull", "never")
    yield from ("--network", "none", "--log-driver", "none", "--read-only", "--workdir", "/w")
    yield from ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{user}:{group}")
    yield from ("--tmpfs", "/sys:ro,size=4k,mode=555")  # else the machine's devices are seen there
    yield from ("--memory", str(memory), "--memory-swap", str(memory), "--ulimit", "core=0:0")
    # One process more: inside/command.py.
    yield from ("--pids-limit", str(job.limits.processes + 1), "--cpus", str(max(1, (os.cpu_count() or 2) - 1)))
    own = f"exec,uid={user},gid={group},mode=700,nr_inodes={job.limits.files}"
    for place, size in (("/w", job.disk_bytes), *((one, _SCRATCH_MB * _MB) for one in WRITABLE if one != WORK)):
        yield from ("--tmpfs", f"{place}:{own},size={size}")


def _open_to_all(job: SandboxJob) -> None:
    """Let any account use what the code is given: the one in the container is not ours; the folder around is closed."""
    for folder in filter(None, (job.given, job.program, job.network)):
        folder.chmod(0o755)
        for one in folder.iterdir():
            one.chmod(0o666 if one.is_socket() else 0o644)


def _mounted(job: SandboxJob) -> Iterator[str]:
    places = {"/in": job.given, "/code": job.program, "/network": job.network, "/inside": _INSIDE}
    for inside, at in places.items():
        if at is not None:
            yield from ("--mount", f"type=bind,src={at},dst={inside},readonly")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _OURS or name.startswith("DOCKER_")}


def _asked(*words: str, seconds: int = _ANSWER_SECONDS) -> tuple[int, str]:
    """Return (exit status, what it says) of a command of Docker."""
    try:
        ran = subprocess.run(
            [_PROGRAM, *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, f"{type(error).__name__}."
    return ran.returncode, " ".join((ran.stdout if ran.returncode == 0 else ran.stderr).split())


@lru_cache(maxsize=4)
def _looked(image: str, named: tuple[str, ...], _turn: int) -> _Image:
    """Look what Docker can do here, and what the image has; the last argument ends the life of the answer."""
    if shutil.which(_PROGRAM) is None:
        return _Image("Install Docker, and start it: https://docs.docker.com/engine/install/.")
    status, said = _asked("version", "--format", "{{.Server.Arch}}")
    if status:
        return _Image(f"Docker says: {said[:300]} Start it, and let this account use it.")
    if _asked("image", "inspect", "--format", "{{.Id}}", image)[0]:
        return _Image(f"The image of `code.docker_image` is not there: `docker pull {image}`.")
    wanted = " ".join(dict.fromkeys((*(one for names in PROGRAMS.values() for one in names), *named)))
    shut = ("--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--pull", "never", "--log-driver", "none")
    look = f"for one in {wanted}; do command -v $one || true; done"
    status, found = _asked("run", *shut, "--entrypoint", "sh", image, "-c", look, seconds=_REMOVED_SECONDS)
    programs = tuple(one for one in found.split() if one.startswith("/")) if status == 0 else ()
    if not any(one.endswith("/python3") for one in programs):
        why = "" if status == 0 else f" Docker says: {found[:300]}"
        return _Image(f"The image {image} runs no python3: name another in `code.docker_image`.{why}")
    return _Image(machine=_MACHINES.get(said, said), programs=programs)


def _was_out_of_memory(container: str, since: int) -> bool:
    """Return whether the kernel has ended something in a container for want of memory."""
    until = f"{time.time():.3f}"  # not later: Docker would wait for that
    filters = ("--filter", f"container={container}", "--filter", "event=oom")
    status, said = _asked("events", "--since", str(since), "--until", until, *filters, "--format", "{{.Action}}")
    return status == 0 and "oom" in said
