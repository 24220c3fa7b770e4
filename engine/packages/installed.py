"""Find the packages with entry points of ours, without importing them: a file of a few lines has them for each."""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

Kind = Literal["services", "steps", "triggers", "functions", "pages"]
KINDS: tuple[Kind, ...] = get_args(Kind)
GROUP = "ai_orchestra."
"""What the names of the groups of entry points begin with: `ai_orchestra.steps`."""
_METADATA = (".dist-info", ".egg-info")


class EntryPoint(Struct, frozen=True):
    """An entry point: what it adds, and where that is."""

    kind: Kind
    name: str
    value: str
    """A module, or `module:function`."""


class Package(Struct, frozen=True):
    """An installed package that adds something."""

    name: str
    version: str
    folder: str
    """Where on the path it was found."""
    entries: tuple[EntryPoint, ...]

    def of(self, kind: Kind) -> Iterator[EntryPoint]:
        """Yield its entry points of a kind."""
        return (one for one in self.entries if one.kind == kind)


@cache
def installed() -> tuple[Package, ...]:
    """Return the packages that add something, by name; of two with one name the first of the path, as Python does.

    Takes 2 ms for 60 packages, where `importlib.metadata.entry_points` takes 100.
    """
    found: dict[str, Package] = {}
    for folder in dict.fromkeys(sys.path):
        for place in _metadata_in(folder):
            if (package := _package(folder, place)) is not None:
                found.setdefault(package.name, package)
    return tuple(found[name] for name in sorted(found))


def normal(name: str) -> str:
    """Return the name of a package as all spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _metadata_in(folder: str) -> list[str]:
    try:
        with os.scandir(folder or ".") as found:
            return sorted(one.path for one in found if one.name.endswith(_METADATA))
    except OSError:
        return []


def _package(folder: str, place: str) -> Package | None:
    try:
        text = (Path(place) / "entry_points.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if f"[{GROUP}" not in text:
        return None
    about = PathDistribution(Path(place)).metadata
    return Package(normal(about["Name"] or Path(place).stem), about["Version"] or "", folder, tuple(_entries(text)))


def _entries(text: str) -> Iterator[EntryPoint]:
    """Yield the entry points of ours (https://packaging.python.org/en/latest/specifications/entry-points/)."""
    file = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    file.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        file.read_string(text)
    except configparser.Error:
        return
    for kind in KINDS:
        for name, value in file.items(GROUP + kind) if file.has_section(GROUP + kind) else ():
            yield EntryPoint(kind, name, value.split("[")[0].strip())
