"""The renames of steps: pairs of (old id, new id) that all refer to the same text before. Beside a branch, a file has
those that people have made since it was taken.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from engine.base.errors import InUse, OrchestraError
from engine.documents.json_file import read
from engine.files.atomic import remove, write_whole

StepRenames: TypeAlias = Sequence[tuple[str, str]]
RENAMES = ".renames.json"
"""How the name of the file ends that is beside a branch, if a step was renamed."""


def composed(*parts: StepRenames) -> tuple[tuple[str, str], ...]:
    """Return the renames from before the first part to after the last, without steps that have their old id again."""
    first: dict[str, str] = {}  # by the id now
    for part in parts:
        to = dict(part)
        new = {one: old for old, one in part if old not in first and old not in first.values()}
        first = {to.get(now, now): old for now, old in first.items()} | new
    return tuple((old, new) for new, old in first.items() if old != new)


def reversed_renames(renames: StepRenames) -> tuple[tuple[str, str], ...]:
    """Return the renames that lead back."""
    return tuple((new, old) for old, new in renames)


def in_order(renames: StepRenames) -> list[tuple[str, str]]:
    """Return renames in an order in which each new id is free. Raises InUse if steps trade their ids."""
    ahead, found = list(renames), list[tuple[str, str]]()
    while ahead:
        old = {one for one, _ in ahead}
        free = [pair for pair in ahead if pair[1] not in old]
        if not free:
            names = " and ".join(repr(one) for one, _ in ahead)
            raise InUse(f"The steps {names} trade their ids.", remedy="Give one of them an id that is new.")
        found += free
        ahead = [pair for pair in ahead if pair not in free]
    return found


@dataclass(frozen=True)
class KnownRenames:
    """Renames since the base of a branch: (old id, new id)."""

    main: StepRenames = ()
    branch: StepRenames = ()


NO_RENAMES = KnownRenames()


def known_renames(path: Path) -> KnownRenames:
    """Return the renames in a file; empty if it is missing or damaged: then no receipts follow, and a merge says so."""
    try:
        found = read(path).value
        return KnownRenames(*([(str(old), str(new)) for old, new in found[side]] for side in ("main", "branch")))
    except (OrchestraError, OSError, KeyError, TypeError, ValueError):
        return NO_RENAMES


def keep_renames(path: Path, side: Literal["main", "branch"], renames: StepRenames, ids: Collection[str]) -> None:
    """Add renames of a side that has these ids of steps now; renames to another id are forgotten.

    Raises StorageError.
    """
    known = known_renames(path)
    now = [(old, new) for old, new in composed(getattr(known, side), renames) if new in ids]
    changed = replace(known, **{side: now})
    if not (changed.main or changed.branch):
        remove(path)
    elif changed != known:
        write_whole(path, json.dumps(asdict(changed), indent=2) + "\n")
