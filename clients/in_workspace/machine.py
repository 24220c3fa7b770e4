"""Places on this machine that no connection may name: the system, this program, hidden folders.

Whoever may write there gets into the machine (`~/.ssh`, a module of the program), and whoever may read there gets the
keys of others (`/etc/shadow`, `/proc/self/environ`).
"""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import cache
from pathlib import Path

_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/var/spool"),
    *("/run/credentials", "/run/secrets"),  # of systemd, and of containers
    *("/Library", "/System"),  # macOS
)
_PACKAGES = Path(__file__).resolve().parents[2]
"""The folder of the packages of this program: a checkout, or `site-packages`."""
_OURS = "belongs to AI-Orchestra itself"


def why_closed(place: Path, workspace: Path) -> str:
    """Return why a folder or file is for no step, as the end of "The folder … "; empty if it is not closed.

    Both paths are resolved. The workspace may be anywhere, also in a hidden folder.
    """
    if _is_of_program(place, workspace):
        return _OURS
    if is_within(place, workspace):
        return ""
    if any(is_within(place, one) or is_within(one, place) for one in _system() if not is_within(workspace, one)):
        return "has files of the system of this machine"
    shared = len(Path(os.path.commonpath([place, workspace])).parts)
    hidden = next((part for part in place.parts[shared:] if part.startswith(".")), "")
    return f"is hidden ({hidden}): programs keep keys and settings in such folders" if hidden else ""


def why_not_written(place: Path, workspace: Path) -> str:
    """Return why no step may write in a folder: it is closed, or this program is inside it."""
    is_around = any(is_within(one, place) and not is_within(workspace, one) for one in _program())
    return _OURS if is_around else why_closed(place, workspace)


def is_within(place: Path, other: Path) -> bool:
    """Return whether a resolved path is another, or leads into it, as file systems compare names that ignore case."""
    own = tuple(map(plain, other.parts))
    return tuple(map(plain, place.parts))[: len(own)] == own


def plain(name: str) -> str:
    """Return a name as file systems compare it that ignore case (macOS)."""
    return unicodedata.normalize("NFC", name).casefold()


def _is_of_program(place: Path, workspace: Path) -> bool:
    """Return whether a path leads into this program; the workspace may be the folder that the program is in."""
    if any(is_within(place, one) for one in _program() if not is_within(workspace, one)):
        return True
    return is_within(place, _PACKAGES) and not is_within(place, workspace)


@cache
def _system() -> frozenset[Path]:
    return frozenset(place for one in _SYSTEM for place in (Path(one), Path(one).resolve()))


@cache
def _program() -> frozenset[Path]:
    """Return the packages of this program, and the environment that they are installed in."""
    environment = Path(sys.prefix).resolve()
    is_of_system = any(is_within(environment, one) or is_within(one, environment) for one in _system())
    packages = (one.parent for one in _PACKAGES.glob("*/__init__.py"))
    return frozenset(packages if is_of_system else (environment, *packages))
