"""Evaluate costly expressions in a child process, which alone suffers if memory or time runs out.

Run by `costly.py`: stdin has one line of JSON {source, program, data} per expression, stdout one line {value} or
{message, remedy}. The process exits after some time without requests, and the system ends it if it exceeds its memory
or time.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec

from engine.base.errors import OrchestraError
from engine.base.expression_limits import MEMORY_BYTES, SECONDS, require_small
from engine.expressions.expressions import evaluated
from engine.expressions.extensions import extensions
from engine.expressions.typed import loaded
from engine.packages.in_force import take_functions
from engine.packages.installed import Package

NO_MEMORY = 3  # the exit status
_IDLE_SECONDS = 20.0  # without a request for this long, it ends and gives its memory back


def main(packages: str) -> None:
    """Answer requests until stdin ends or none comes for a while; `packages`: the ones with functions, as JSON."""
    from cel_expr_python import cel

    take_functions(msgspec.json.decode(packages, type=list[Package]))
    cel.NewEnv(extensions=extensions())  # loaded before memory is limited, and so are installed packages
    _limit_memory()
    sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
    while select.select([sys.stdin.buffer], [], [], _IDLE_SECONDS)[0] and (line := sys.stdin.buffer.readline()):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its signal ends the process, whatever it is doing
        try:
            answer = json.dumps(_answer(json.loads(line))).encode()
        except MemoryError:
            os._exit(NO_MEMORY)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ValueError, OSError):  # if the system has no such limit, the parent watches
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        value = evaluated(asked["source"], loaded(b64decode(asked["program"])), asked["data"])
        require_small(value)
    except OrchestraError as error:
        return {"message": error.message, "remedy": error.remedy}
    return {"value": value}
