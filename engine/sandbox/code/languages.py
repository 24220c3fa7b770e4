"""The languages that code may be in, and the program of each on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clients.errors import InvalidRequest
from engine.sandbox.walls import lack

_FRONT = Path(__file__).with_name("python_front.py"), Path(__file__).with_name("javascript_front.cjs")
_PLACES = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are that the sandbox shows."""
PYTHON, JAVASCRIPT, SHELL = "python", "javascript", "shell"
BUILT_IN = (PYTHON, JAVASCRIPT, SHELL)
_ENCLOSED = "Code runs in bubblewrap: without network, and without the files of this program."
_REMEDIES = {
    JAVASCRIPT: "Install Node.js (`apt install nodejs`), or name its program in `code.interpreters` of config.yaml.",
    SHELL: "Install bash: `apt install bash`.",
}


@dataclass(frozen=True)
class Language:
    """A language that can be run here."""

    name: str
    command: tuple[str, ...]
    """What runs the file of the code."""
    file: str
    """What the file of the code is called."""
    reads: tuple[str, ...] = ()
    """Files that the program needs, where the sandbox does not show them anyway."""
    reserves_memory: bool = False
    """Whether it reserves much more address space than it uses."""


def language(name: str, interpreters: Mapping[str, str], memory_mb: int) -> Language:
    """Return a language of this machine. Raises InvalidRequest, with what to install.

    `interpreters` are the programs that the settings name, by language.
    """
    if name == PYTHON and name not in interpreters:
        return Language(name, (sys.executable, "-I", "-S", "-B", str(_FRONT[0])), "main.py")
    program = program_of(name, interpreters)
    if not program:
        raise InvalidRequest(f"Code in {name!r} cannot be run here.", service="code", remedy=remedy(name, interpreters))
    reads = (program, os.path.realpath(program))
    if name == JAVASCRIPT:
        command = (program, f"--max-old-space-size={memory_mb}", str(_FRONT[1]))
        return Language(name, command, "main.js", reads, reserves_memory=True)
    if name == PYTHON:
        return Language(name, (program, "-I", "-B", str(_FRONT[0])), "main.py", reads)
    file = "main.sh" if name == SHELL else "main"
    return Language(name, (program, f"/code/{file}"), file, reads, reserves_memory=True)


def program_of(name: str, interpreters: Mapping[str, str]) -> str:
    """Return the program of a language; empty if it is not installed, or there is no such language."""
    if name in interpreters:
        return interpreters[name] if os.access(interpreters[name], os.X_OK) else ""
    if name == PYTHON:
        return sys.executable
    wanted = {JAVASCRIPT: ("node", "nodejs"), SHELL: ("bash", "sh")}.get(name, ())
    return next((found for one in wanted if (found := shutil.which(one, path=_PLACES))), "")


def checked(interpreters: Mapping[str, str]) -> Iterator[tuple[str, bool, str]]:
    """Yield what `code.run` can do on this machine: (what, whether it works, a sentence with the remedy)."""
    why = lack()
    yield (
        "sandbox",
        not why,
        why or _ENCLOSED,
    )
    for name in dict.fromkeys((*BUILT_IN, *interpreters)):
        found = program_of(name, interpreters)
        yield (name, bool(found), f"`code.run` runs {found}." if found else remedy(name, interpreters))


def remedy(name: str, interpreters: Mapping[str, str]) -> str:
    """Return what to do where a language cannot be run."""
    if name in interpreters:
        return f"{interpreters[name]} is no program: correct `code.interpreters` in config.yaml."
    known = ", ".join(dict.fromkeys((*BUILT_IN, *interpreters)))
    other = f"Languages are {known}; `code.interpreters` in config.yaml names the programs of others."
    return _REMEDIES.get(name, other)
