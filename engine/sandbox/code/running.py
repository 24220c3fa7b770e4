"""Run a person's code in the sandbox: what goes in, what comes out, and errors that name the line or the limit."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from clients.deadline import seconds_left
from clients.errors import CodeFailed, LimitExceeded, ServiceError, Timeout
from engine.outgoing import hidden_characters
from engine.sandbox import work
from engine.sandbox.backends.backend import BackendSettings, CodeNeeds, SandboxJob
from engine.sandbox.backends.ladder import taken
from engine.sandbox.backends.languages import JAVASCRIPT, PYTHON, SHELL, file_of
from engine.sandbox.child import ChildResult, Heard
from engine.sandbox.code.proxy import ProxySession, opened
from engine.sandbox.inside.forwarder import PORT
from engine.sandbox.left_files import LeftFile
from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile

_MB, _KB = 1024**2, 1024
_OUTPUT, _OUT = ".output", "out"
FILES_MOST = 100
GIVEN_BYTES_MOST = 1024**3
"""How large all files that code is given may be together."""
LEFT_BYTES_MOST = 64 * _MB
"""How large all files that code leaves may be together: they pass through memory."""
_OWN_MB = 128
"""What an interpreter needs itself, beyond what its code may take."""
# Of processor time, beyond `seconds`: the clock is to end the code first, as its message names the limit.
_SECONDS_AFTER = 5
INPUTS_BYTES_MOST = 32 * _KB
"""The longest environment variable INPUTS; larger inputs are in the file alone."""
_PROXY_URL = f"http://127.0.0.1:{PORT}"
PROXY = {
    **{one: _PROXY_URL for name in ("http_proxy", "https_proxy") for one in (name, name.upper())},
    "NODE_USE_ENV_PROXY": "1",
}
_LAST_LINES = 5
_LINE_CHARACTERS = 300
_PLACES = {
    PYTHON: re.compile(r"main\.py\", line (\d+)"),
    JAVASCRIPT: re.compile(r"/code/main\.js:(\d+)"),
    SHELL: re.compile(r"main\.sh: (?:line )?(\d+):"),
}
_FRAME = re.compile(r"\s+at ")
_NO_MEMORY = re.compile(r"\AMemoryError\b|out of memory|Cannot allocate memory|cannot allocate memory")
_NO_SPACE = re.compile(r"No space left on device|ENOSPC|File (?:too large|size limit exceeded)|EFBIG")
# Sequences that begin with CSI or OSC, and other escapes (ECMA-48).
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class CodeLimits(Struct, frozen=True):
    """What code may take."""

    seconds: int
    memory_mb: int
    processes: int
    disk_mb: int
    output_kb: int


class CodeToRun(Struct, frozen=True):
    """Code to run."""

    language: str
    text: str
    inputs: Any
    """JSON."""
    setup: BackendSettings
    limits: CodeLimits
    most: CodeLimits
    """How far the limits may be raised, for error messages."""
    way: ProxySession | None = None
    """The hosts that it may reach; None: it has no network."""
    packages: Path | None = None
    """A folder with packages of Python, which it sees at `/packages`; None: it has no packages."""
    file: str = ""
    """The file that a person corrects, such as `tools/iban-check/main.py`; empty: the field `code` of the step."""
    seconds_left: float | None = None
    """What is left of the time of its step; None: more than its own limit."""


class CodeResult(Struct, frozen=True):
    """What code has done."""

    output: Any
    stdout: str
    stderr: str
    files: list[LeftFile]
    """What it has left in `/w/out`."""


def run(code: CodeToRun, files: Sequence[tuple[str, ReadableFile]]) -> CodeResult:
    """Run code to its end, with these files at `/in` under their names. Blocking.

    Raises CodeFailed (with the line), LimitExceeded (with the limit), SandboxMissing, Timeout (it was cancelled).
    """
    left = seconds_left(code.limits.seconds, Timeout)
    code = replace(code, seconds_left=left) if left < code.limits.seconds else code
    end = ended(code, files)
    try:
        _require_success(code, end)
        return _ran(code, end)
    except ServiceError as error:
        if code.way and code.way.was_used:
            error.outcome = "unknown"  # it may have sent something before
        raise


def ended(
    code: CodeToRun,
    files: Sequence[tuple[str, ReadableFile]],
    *,
    heard: Heard | None = None,
    cancelled: threading.Event | None = None,
) -> ChildResult:
    """Run code on the first backend that is there, and return how it ended.

    `heard` gets what it writes, as it comes; it ends once `cancelled` is set. Raises SandboxMissing, InvalidRequest.
    """
    needs = CodeNeeds(code.language, bool(files), code.way is not None, code.packages is not None)
    backend = taken(code.setup, needs)
    with tempfile.TemporaryDirectory(prefix="orchestra-code-") as place:
        given, program, network = Path(place, "in"), Path(place, "code"), Path(place, "network")
        for folder in (given, program, *((network,) if code.way else ())):
            folder.mkdir()
        (program / file_of(code.language)).write_text(code.text, encoding="utf-8")
        inputs = json.dumps(code.inputs, ensure_ascii=False)
        (given / "inputs.json").write_text(inputs, encoding="utf-8")
        for name, file in files:
            _copy(file, given / name)
        job = SandboxJob(
            code.language,
            given,
            program,
            _limits(code),
            code.limits.memory_mb,
            code.limits.disk_mb * _MB,
            _environment(code, inputs),
            (_OUTPUT, _OUT),
            LEFT_BYTES_MOST + _MB,  # names take room, too
            network if code.way else None,
            code.packages,
            heard,
            cancelled,
        )
        with opened(code.way, network) if code.way else nullcontext():
            return backend.ended(job)


def _environment(code: CodeToRun, inputs: str) -> dict[str, str]:
    """Return the inputs, for languages in which the code does not find them by itself, and where the proxy is."""
    is_given = code.language in (PYTHON, JAVASCRIPT)
    given = {} if is_given or len(inputs.encode()) > INPUTS_BYTES_MOST else {"INPUTS": inputs}
    return {**given, **PROXY} if code.way else given


def _copy(file: ReadableFile, to: Path) -> None:
    os.lseek(file.handle, 0, os.SEEK_SET)
    # Of a second handle: closing that one leaves the caller's open.
    with os.fdopen(os.dup(file.handle), "rb") as source, to.open("xb") as target:
        shutil.copyfileobj(source, target, _MB)


def _limits(code: CodeToRun) -> ChildLimits:
    it, memory = code.limits, (code.limits.memory_mb + _OWN_MB) * _MB
    return ChildLimits(
        memory_bytes=memory,
        data_bytes=0 if code.language == PYTHON else memory,  # not address space: Node.js reserves gigabytes of it
        cpu_seconds=math.ceil(it.seconds) + _SECONDS_AFTER,
        wall_seconds=it.seconds if code.seconds_left is None else code.seconds_left,
        file_bytes=it.disk_mb * _MB,
        answer_bytes=it.output_kb * _KB,
        said_bytes=it.output_kb * _KB,
        processes=it.processes,
        tree_bytes=memory,
        open_files=256,
    )


def _ran(code: CodeToRun, end: ChildResult) -> CodeResult:
    kept, files = _left(end)
    if kept is not None and len(kept) > code.limits.output_kb * _KB:
        raise _exceeded(code, "output_kb", f"`output` has more than {code.limits.output_kb:,} KB")
    output = _last_json(_plain(end.out)) if kept is None else _output(kept)
    return CodeResult(output, shown(end.out), shown(end.complaints), files)


def _left(end: ChildResult) -> tuple[bytes | None, list[LeftFile]]:
    """Return (what was kept as `output`, if anything; the files in `/w/out`)."""
    too_much = f"The code left more than {FILES_MOST} files, or {LEFT_BYTES_MOST // _MB} MB, in /w/out."
    refused = LimitExceeded(too_much, service="code", remedy="Let it leave less there, or pack it.")
    try:
        left = work.files(end.left, most=FILES_MOST + 1, bytes_most=LEFT_BYTES_MOST)  # one more: the output
    except LimitExceeded as error:
        raise refused from error
    prefix = f"{_OUT}/"
    files = [LeftFile(one.path.removeprefix(prefix), one.content) for one in left if one.path.startswith(prefix)]
    if len(files) > FILES_MOST:
        raise refused
    kept = next((one.content for one in left if one.path == _OUTPUT), None)
    return kept, sorted(files, key=lambda one: one.path)


def _output(kept: bytes) -> Any:
    """Return what was kept as output: code may write that file itself."""
    try:
        return _json(kept)
    except (ValueError, RecursionError) as error:
        raise _no_json(error) from None


def _last_json(stdout: str) -> Any:
    """Return the last line that was printed, if it is JSON. Raises CodeFailed if only a number in it is not valid."""
    last = stdout.rstrip().rpartition("\n")[2]
    try:
        return _json(last)
    except _NoNumber as error:
        if error.text == last:
            return None  # a word such as NaN
        raise _no_json(error) from None
    except (ValueError, RecursionError):
        return None


class _NoNumber(ValueError):
    """A number that JSON does not have, or that is too large for a program."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:_LINE_CHARACTERS]} is not a number that JSON can hold")
        self.text = text


def _json(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError, _NoNumber, RecursionError."""
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def _refuse(constant: str) -> NoReturn:
    raise _NoNumber(constant)


def _finite(text: str) -> float:
    if math.isinf(found := float(text)):
        _refuse(text)
    return found


def _no_json(error: Exception) -> CodeFailed:
    return CodeFailed(f"`output` is not JSON: {error}.", service="code", remedy="Assign plain values to it.")


def shown(said: bytes) -> str:
    """Return what a program said as text, without what steers a terminal; characters that nobody sees are shown."""
    return hidden_characters.shown(_plain(said))[0]


def _plain(said: bytes) -> str:
    text = said.decode("utf-8", "replace").replace("\r\n", "\n")
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def _require_success(code: CodeToRun, end: ChildResult) -> None:
    """Raise the error for a failed run."""
    it, said = code.limits, shown(end.complaints)
    if end.reason == "cancelled":
        raise Timeout("The code was cancelled.", outcome="not_done")
    if end.reason == "time":
        raise _too_slow(code)
    if end.reason == "processes":
        raise _exceeded(code, "processes", f"The code had more than {it.processes:,} processes and threads")
    if end.reason == "answer":
        raise _exceeded(code, "output_kb", f"The code printed more than {it.output_kb:,} KB")
    if end.reason == "files":
        raise LimitExceeded("The code made more than 10,000 files.", remedy="Let it make fewer files.")
    if end.reason == "left":
        most = f"{LEFT_BYTES_MOST // _MB} MB"
        raise LimitExceeded(f"The code left more than {most} in /w/out.", remedy="Let it leave less there.")
    if end.reason == "memory" or (end.status != 0 and _says(said, _NO_MEMORY)):
        raise _exceeded(code, "memory_mb", f"The code needs more than {it.memory_mb:,} MB of memory")
    if end.status == -signal.SIGXFSZ or (end.status != 0 and _says(said, _NO_SPACE)):
        raise _exceeded(code, "disk_mb", f"The code wrote more than {it.disk_mb:,} MB")
    if end.status != 0:
        raise _failure(code, end.status, said, shown(end.out))


def _too_slow(code: CodeToRun) -> LimitExceeded:
    if code.seconds_left is None:
        return _exceeded(code, "seconds", f"The code ran longer than {code.limits.seconds:,} seconds")
    said = f"The code ran longer than its step may take; {round(code.seconds_left, 1):g} seconds were left for it."
    return LimitExceeded(said, service="code", remedy="Raise `timeout_seconds`, or let the code do less.")


def _exceeded(code: CodeToRun, limit: str, what: str) -> LimitExceeded:
    now, most = getattr(code.limits, limit), getattr(code.most, limit)
    raised = f"Raise `limits.{limit}`, {now:,} now and {most:,} at most (`code.{limit}_most` in config.yaml)"
    if now >= most:
        raised = f"`limits.{limit}` is at its maximum: raise `code.{limit}_most` in config.yaml"
    return LimitExceeded(f"{what}.", service="code", remedy=f"{raised}, or let the code do less.")


def _says(said: str, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(line) for line in said.splitlines()[-_LAST_LINES * 4 :])


def _failure(code: CodeToRun, status: int, said: str, printed: str) -> CodeFailed:
    line, how = line_of(code, said), f"exit code {status}" if status > 0 else f"ended by signal {-status}"
    lines, before = _lines(said), _lines(printed)
    reason = _reason(code, lines)
    where = f"Line {line} of {code.file or 'the code'} failed" if line else f"{code.file or 'The code'} failed"
    message = f"{where} ({how}){f': {reason}' if reason else ''}"
    if len(lines) > 1:
        message += "\n" + "\n".join(lines[-_LAST_LINES:])
    if before:
        message += "\n" + "\n".join(["It had printed:", *before[-_LAST_LINES:]])
    place = code.file or "`code`"
    remedy = f"Correct line {line} of {place}." if line else f"Look at what it has printed, and correct {place}."
    failure = CodeFailed(message, service="code", remedy=remedy)
    failure.line = line
    return failure


def _lines(said: str) -> list[str]:
    return [one[:_LINE_CHARACTERS] for one in said.splitlines() if one.strip()]


def _reason(code: CodeToRun, lines: Sequence[str]) -> str:
    """Return the line that says what went wrong."""
    said = [one for one in lines if not _FRAME.match(one)]
    if code.language == JAVASCRIPT:
        named = [one for one in said if re.match(r"\w*(Error|Exception)\b|/code/main\.js: thrown", one)]
        said = named or said
    return said[-1].strip() if said else ""


def line_of(code: CodeToRun, said: str) -> int | None:
    """Return the line of the code that an error names, if any."""
    pattern = _PLACES.get(code.language)
    if pattern is None:
        return None
    found, before = None, ""
    for line in said.splitlines():
        place = pattern.search(line)
        if place and not (_FRAME.match(line) and _FRAME.match(before)):  # of a stack, the innermost: the first
            found = int(place[1])
        before = line
    lines = code.text.count("\n") + 1  # a missing end is reported for the line behind the last
    return min(found, lines) if found else None


def syntax_problem(text: str) -> str:
    """Return what is wrong with the syntax of Python code, with its line; empty if nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as an odd escape in a text, with which code runs
            compile(text, "code", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"Line {error.lineno or 1} is not Python: {error.msg}."
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:  # such as a NUL, or too many levels
        return f"The code cannot be read: {error}."
    return ""
