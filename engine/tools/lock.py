"""The lock of a tool: exactly which packages its code finds, with the SHA-256 of each file that may be taken."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from engine.base.errors import InvalidFile
from engine.tools.uv import WHEELS, run_uv

LOCK = "requirements.lock"
MOST = 50
_FOR = "# for: "
_HEAD = "# Written by `orchestra tools lock`; do not edit."
_BYTES_MOST = 256 * 1024
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[\w.,-]+\])?==([A-Za-z0-9.!+_-]+)(?: ; [^\\$]+?)? \\")
_HASH = re.compile(r" +--hash=sha256:[0-9a-f]{64}(?: \\)?")


def wrong_dependencies(dependencies: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield (index, sentence) for each dependency that is not a name of a package with versions (PEP 508)."""
    for index, one in enumerate(dependencies):
        try:
            found = Requirement(one)
        except InvalidRequirement:
            yield index, f"{one!r} is not a dependency: write such as python-stdnum>=2."
            continue
        if found.url:
            yield index, f"{one!r} names an address: write the name of a package and its versions, nothing else."
        elif "\n" in one or "\r" in one:
            yield index, f"{one!r} has more than one line."
    if len(dependencies) > MOST:
        yield MOST, f"There are more than {MOST} dependencies."


def locked(name: str, dependencies: Sequence[str]) -> str:
    """Return the text of a lock for the dependencies of a tool. Blocking; it asks the index of packages.

    It holds for every system, and for this version of Python and newer ones. Raises InvalidRequest, Unavailable.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ours = ("--python", sys.executable, "--python-version", version)
    options = ("--quiet", "--universal", *ours, "--generate-hashes", *WHEELS)
    plain = ("--no-header", "--no-annotate", "--no-emit-package", "pip")
    given = "\n".join(dependencies) + "\n"
    what = f"The dependencies of the tool {name!r} cannot be locked"
    found = run_uv(["compile", *options, *plain, "-"], what, given)
    return "\n".join([_HEAD, *(_FOR + one for one in dependencies), found])


def checked_lock(name: str, dependencies: Sequence[str], text: str | None) -> str:
    """Return the lock of a tool if it is one for these dependencies. Raises InvalidFile."""
    file, remedy = f"tools/{name}/{LOCK}", f"`orchestra tools lock {name}` writes it."
    if text is None:
        raise InvalidFile(f"The dependencies of the tool {name!r} are not locked: {file} is missing.", remedy=remedy)
    lines = text.splitlines()
    if len(text) > _BYTES_MOST:
        raise InvalidFile(f"{file} has more than {_BYTES_MOST // 1024} KB.", remedy="Take fewer packages.")
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#") and not _PIN.fullmatch(line) and not _HASH.fullmatch(line):
            raise InvalidFile(f"{file}, line {number}, is neither a package nor a hash: {line[:100]!r}.", remedy=remedy)
    if [one.removeprefix(_FOR) for one in lines if one.startswith(_FOR)] != list(dependencies):
        said = f"The dependencies of the tool {name!r} have changed since they were locked."
        raise InvalidFile(said, remedy=f"`orchestra tools lock {name}` locks them again.")
    return text


def pins(text: str) -> list[str]:
    """Return the packages of a lock, such as `idna 3.20`, in the order of the file."""
    return [f"{pin[1]} {pin[2]}" for pin in map(_PIN.fullmatch, text.splitlines()) if pin]
