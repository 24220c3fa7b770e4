"""Commands that people run in a project: in the sandbox, on the files of one commit, with their output as it comes."""

from __future__ import annotations

import io
import secrets
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct, field

from clients.code.service import CodeSettings
from clients.errors import ServiceError
from clients.wording import counted
from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput, OrchestraError, UnknownName
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.runs.projects.transcript import OutputPiece, Transcript
from engine.sandbox.backends.languages import SHELL
from engine.sandbox.child import ChildResult
from engine.sandbox.code.running import CodeLimits, CodeToRun, ended
from engine.sandbox.reading import ReadableFile

State = Literal["running", "succeeded", "failed", "stopped"]
_SECONDS, _MEMORY_MB, _PROCESSES, _DISK_MB, _OUTPUT_KB = 60, 512, 64, 64, 512
_AT_ONCE, _KEPT = 4, 20
_LONGEST_COMMAND = 4_000
_SHOWN_CHARACTERS = 200_000
_EXECUTABLE, _PLAIN = 0o755, 0o644
_PACKED = "project.tar"
# Unbuffered, so that people see output as it comes; the last entry of PATH has the `python3` of this installation.
_SCRIPT = """export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH="$PATH:{programs}"
tar -xf /in/{packed} -C /w || exit 1
cd /w
{command}
"""
_SEE, _RUN = "see the projects", "run commands in a project"


class CommandProjects(Protocol):
    """What is needed of the projects."""

    def commit_of(self, name: str, commit: str) -> str:
        """Return a commit of a project by its id; empty: its head. Raises UnknownName."""

    def archive_zip(self, name: str, commit: str) -> bytes:
        """Return the files of a commit as a zip file."""


@dataclass(frozen=True)
class CommandRun:
    """A command, and how it went."""

    id: str
    project: str
    commit: str
    """The files with which it runs."""
    command: str
    started_by: str
    started_at: str
    """RFC 3339, UTC."""
    ended_at: str | None = None
    state: State = "running"
    exit_code: int | None = None
    reason: str = ""
    """Why it failed or was ended, as a sentence."""


class CommandState(Struct, frozen=True):
    """A command, and how much it has written."""

    run: CommandRun
    length: int


@dataclass(frozen=True)
class CommandOutput:
    """A command, and the last of what it has written; `skipped` characters before that are left out."""

    run: CommandRun
    parts: tuple[OutputPiece, ...]
    skipped: int


class _Kept(Struct):
    run: CommandRun
    transcript: Transcript = field(default_factory=Transcript)
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    """Asked instead of its thread: a signal during `join` makes Python take a thread for ended (bpo-45274)."""


Runs: TypeAlias = list[CommandRun]
"""Inside the class below, `list` is the method."""


class ProjectRuns:
    """The `project_runs` area. The last 20 commands are known until this process ends; they are never repeated."""

    def __init__(
        self, sources: CommandProjects, settings: Callable[[], CodeSettings], audit: Audit, clock: Clock
    ) -> None:
        self._sources, self._settings, self._audit, self._clock = sources, settings, audit, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    @operation("projects.runs", "view", _SEE, "List the commands of a project")
    def list(self, p: Principal, name: str) -> Runs:
        """Return the commands of a project, newest first."""
        self._sources.commit_of(name, "")
        with self._lock:
            return [one.run for one in reversed(self._kept.values()) if one.run.project == name]

    @operation("projects.run", "run", _RUN, "Run a command in a project")
    def start(self, p: Principal, name: str, command: str, *, commit: str = "", seconds: int = _SECONDS) -> CommandRun:
        """Start a command in the shell, with the files of a commit in its folder; what it writes there is not kept.

        Raises UnknownName, InvalidInput (an empty or long command, too many seconds), InUse (four run already).
        """
        limits, most = self._limits(seconds)
        _require_command(command)
        found = self._sources.commit_of(name, commit)
        packed = _tar(self._sources.archive_zip(name, found))
        now = timestamp(self._clock())
        kept = _Kept(CommandRun(secrets.token_hex(8), name, found, command, p.id, now))
        script = _SCRIPT.format(packed=_PACKED, command=command, programs=Path(sys.base_prefix) / "bin")
        code = CodeToRun(SHELL, script, {}, self._settings(), limits, most)
        self._keep(kept)
        try:
            self._audit.record(p, "projects.run", name, {"command": command, "commit": found})
        except BaseException:
            with self._lock:
                del self._kept[kept.run.id]
            raise
        work = partial(self._work, kept, code, packed)
        threading.Thread(target=work, name=f"command-{kept.run.id}", daemon=True).start()
        return kept.run

    @operation("projects.get_run", "view", _SEE, "Read a command and what it has written")
    def get(self, p: Principal, name: str, run_id: str) -> CommandOutput:
        """Return a command with the last 200,000 characters that it has written. Raises UnknownName."""
        kept = self._found(name, run_id)
        run = kept.run
        parts, skipped, _ = kept.transcript.since(0, _SHOWN_CHARACTERS)
        return CommandOutput(run, parts, skipped)

    @operation("projects.run_state", "view", _SEE, "See how far a command is")
    def state(self, p: Principal, name: str, run_id: str) -> CommandState:
        """Return a command, and how much it has written. Raises UnknownName."""
        kept = self._found(name, run_id)
        run = kept.run  # before the length: once it has ended, no more is written
        return CommandState(run, kept.transcript.length)

    @operation("projects.run_output", "view", _SEE, "Read what a command has written")
    def since(
        self, p: Principal, name: str, run_id: str, start: int, most: int
    ) -> tuple[tuple[OutputPiece, ...], int, int]:
        """Return (what it has written from a place on, how many characters before that are left out, where it ends).

        At most the last `most` characters come. Raises UnknownName.
        """
        return self._found(name, run_id).transcript.since(start, most)

    @operation("projects.stop", "run", _RUN, "Stop a command of a project")
    def stop(self, p: Principal, name: str, run_id: str) -> CommandRun:
        """End a command and all that it has started; return it once it has ended. Raises UnknownName."""
        kept = self._found(name, run_id)
        if kept.run.state == "running":
            self._audit.record(p, "projects.stop", name, {"command": kept.run.command})
            kept.cancelled.set()
        return self.wait(p, name, run_id)

    @operation("projects.wait_run", "view", _SEE, "Wait for a command")
    def wait(self, p: Principal, name: str, run_id: str) -> CommandRun:
        """Return a command once it has ended. Raises UnknownName."""
        kept = self._found(name, run_id)
        kept.ended.wait()
        return kept.run

    @operation("projects.run_ended", "view", _SEE, "Ask whether a command has ended")
    def ended_within(self, p: Principal, name: str, run_id: str, seconds: float) -> bool:
        """Return whether a command has ended, after waiting for that at most this time. Raises UnknownName."""
        kept = self._found(name, run_id)
        return kept.ended.wait(seconds)

    def close(self) -> None:
        """End all commands."""
        with self._lock:
            kept = list(self._kept.values())
        for one in kept:
            one.cancelled.set()
        for one in kept:
            one.ended.wait()

    def _keep(self, kept: _Kept) -> None:
        with self._lock:
            running = sum(one.run.state == "running" for one in self._kept.values())
            if running >= _AT_ONCE:
                raise InUse(f"{_AT_ONCE} commands are running already.", remedy="Stop one of them, or wait.")
            self._kept[kept.run.id] = kept
            over = len(self._kept) - _KEPT
            for old in [one.run.id for one in self._kept.values() if one.run.state != "running"][: max(over, 0)]:
                del self._kept[old]

    def _found(self, name: str, run_id: str) -> _Kept:
        with self._lock:
            kept = self._kept.get(run_id)
        if kept is None or kept.run.project != name:
            raise UnknownName("command", run_id, remedy="The last commands are known until the server is restarted.")
        return kept

    def _limits(self, seconds: int) -> tuple[CodeLimits, CodeLimits]:
        settings = self._settings()
        if not 1 <= seconds <= settings.seconds_most:
            raise InvalidInput(
                f"A command may run from 1 to {settings.seconds_most:,} seconds, not {seconds:,}.",
                remedy="`code.seconds_most` in config.yaml is the maximum.",
            )
        most = CodeLimits(
            settings.seconds_most,
            settings.memory_mb_most,
            settings.processes_most,
            settings.disk_mb_most,
            settings.output_kb_most,
        )
        memory, processes = min(_MEMORY_MB, most.memory_mb), min(_PROCESSES, most.processes)
        disk, output = min(_DISK_MB, most.disk_mb), min(_OUTPUT_KB, most.output_kb)
        return CodeLimits(seconds, memory, processes, disk, output), most

    def _work(self, kept: _Kept, code: CodeToRun, packed: bytes) -> None:
        """Run a command to its end, in a thread of its own."""
        try:
            self._run(kept, code, packed)
        finally:
            kept.ended.set()

    def _run(self, kept: _Kept, code: CodeToRun, packed: bytes) -> None:
        try:
            with tempfile.TemporaryFile() as file:
                file.write(packed)
                file.flush()
                given = [(_PACKED, ReadableFile(file.fileno(), _PACKED))]
                end = ended(code, given, heard=kept.transcript.hear, cancelled=kept.cancelled)
            outcome = _outcome(end, code.limits)
        except (ServiceError, OrchestraError) as error:
            stopped = kept.cancelled.is_set()  # while it still waited for its turn
            outcome = ("stopped", None, "It was stopped.") if stopped else ("failed", None, _sentence(error))
        except OSError as error:
            outcome = ("failed", None, f"It could not be started: {error.strerror}.")
        kept.transcript.close()
        state, exit_code, reason = outcome
        now = timestamp(self._clock())
        kept.run = replace(kept.run, ended_at=now, state=state, exit_code=exit_code, reason=reason)


def _require_command(command: str) -> None:
    if not command.strip() or "\0" in command:
        raise InvalidInput("There is no command.", remedy="Give one, such as `python3 -m unittest`.")
    if len(command) > _LONGEST_COMMAND:
        raise InvalidInput(
            f"The command has {len(command):,} characters; {_LONGEST_COMMAND:,} are taken.",
            remedy="Write it into a file of the project, and run that.",
        )


def _sentence(error: ServiceError | OrchestraError) -> str:
    return f"{error.message} {error.remedy}".strip()


def _outcome(end: ChildResult, limits: CodeLimits) -> tuple[State, int | None, str]:
    if end.reason == "cancelled":
        return "stopped", None, "It was stopped."
    said = {
        "time": f"It ran longer than {counted(limits.seconds, 'second')}.",
        "answer": f"It wrote more than {limits.output_kb:,} KB.",
        "left": "It left more in /w/out than is taken.",
        "processes": f"It had more than {limits.processes:,} processes and threads.",
        "memory": f"It took more than {limits.memory_mb:,} MB of memory.",
        "files": "It made more than 10,000 files.",
    }
    if end.reason:
        return "failed", None, said[end.reason]
    if end.status < 0:
        return "failed", None, f"Signal {-end.status} ended it."
    return ("failed", end.status, f"Exit code {end.status}.") if end.status else ("succeeded", 0, "")


def _tar(packed: bytes) -> bytes:
    """Return the files of a ZIP archive as a tar archive, which every shell can unpack."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, tarfile.open(fileobj=written, mode="w") as target:
        for one in source.infolist():
            if one.is_dir():
                continue
            content = source.read(one)
            entry = tarfile.TarInfo(one.filename)
            entry.size, entry.mode = len(content), _EXECUTABLE if content.startswith(b"#!") else _PLAIN
            target.addfile(entry, io.BytesIO(content))
    return written.getvalue()
