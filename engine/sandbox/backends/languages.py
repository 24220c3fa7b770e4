"""The languages that code may be in, and the program of each."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping

_PLACES = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are that the sandbox shows."""
PYTHON, JAVASCRIPT, SHELL = "python", "javascript", "shell"
BUILT_IN = (PYTHON, JAVASCRIPT, SHELL)
PROGRAMS = {PYTHON: ("python3",), JAVASCRIPT: ("node", "nodejs"), SHELL: ("bash", "sh")}
FILES = {PYTHON: "main.py", JAVASCRIPT: "main.js", SHELL: "main.sh"}
"""What the file of the code is called."""
_REMEDIES = {
    JAVASCRIPT: "Install Node.js (`apt install nodejs`), or name its program in `code.interpreters` of config.yaml.",
    SHELL: "Install bash: `apt install bash`.",
}
Find = Callable[[str], str]
"""Returns where the program of a name or a path is; empty if it is not there."""


def command_of(name: str, program: str, memory_mb: int, *, inside: str, is_same: bool) -> tuple[str, ...]:
    """Return the command that runs code in a language with this program, where it sees the folder `inside/` there.

    `is_same`: the program is the Python that runs inside/command.py, so that it need not start again.
    """
    if name == JAVASCRIPT:
        return (program, f"--max-old-space-size={memory_mb}", f"{inside}/javascript_front.cjs")
    if name == PYTHON:
        front = f"{inside}/python_front.py"
        return (front,) if is_same else (program, "-I", "-B", front)
    return (program, f"/code/{file_of(name)}")


def file_of(name: str) -> str:
    """Return what the file of code in a language is called."""
    return FILES.get(name, "main")


def on_this_machine(name: str) -> str:
    """Return a program of this machine that the sandbox shows, or the one at a path; empty if it is not there."""
    if name.startswith("/"):
        return name if os.access(name, os.X_OK) else ""
    return shutil.which(name, path=_PLACES) or ""


def program_of(name: str, interpreters: Mapping[str, str], find: Find = on_this_machine) -> str:
    """Return the program of a language; empty if it is not installed, or there is no such language.

    `interpreters` are the programs that the settings name, by language.
    """
    if name in interpreters:
        return find(interpreters[name])
    if name == PYTHON and find is on_this_machine:
        return sys.executable
    return next((found for one in PROGRAMS.get(name, ()) if (found := find(one))), "")


def remedy(name: str, interpreters: Mapping[str, str]) -> str:
    """Return what to do where a language cannot be run."""
    if name in interpreters:
        return f"{interpreters[name]} is not a program: correct `code.interpreters` in config.yaml."
    known = ", ".join(dict.fromkeys((*BUILT_IN, *interpreters)))
    other = f"Languages are {known}; `code.interpreters` in config.yaml names the programs of others."
    return _REMEDIES.get(name, other)
