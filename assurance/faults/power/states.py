"""The states that a disk may be in after the power went during a session, a sample of a fixed size where too many."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from assurance.faults.power.disk import Atom, Change, Fate, Tree, every, fingerprint
from assurance.faults.power.recording import Recording

_SEED = 20261120
_TRIES = 3
"""Random choices of what is lost, at each moment."""
Fates: TypeAlias = Mapping[Atom, Fate]
T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """What is left on the disk when the power went at a moment, and in words what was lost."""

    at: int
    lost: str
    tree: Tree


def states(recording: Recording, most: int, seed: int = _SEED) -> list[State]:
    """Return up to `most` states of a session, no two of them the same; those at a promise come first.

    A state that can come about at several moments is that of the last one: by then most has been promised.
    """
    chance = random.Random(f"{seed} {recording.name}")
    found: dict[str, State] = {}
    promises = _sample(chance, list(_at_promises(recording)), most * 2)
    changes = _sample(chance, [one for one in recording.disk.changes if one.at > recording.begin], most)
    others = _sample(chance, list(_at_changes(recording, changes, chance)), most * 2)
    for at, lost, fates, number in [*promises, *others]:
        tree = recording.disk.left(at, fates, number)
        key = fingerprint(tree)
        if key not in found or found[key].at < at:
            found[key] = State(at, lost, tree)
    kept = list(found.values())
    half = kept[: most // 2]
    return sorted([*half, *_sample(chance, kept[most // 2 :], most - len(half))], key=lambda state: state.at)


Choice: TypeAlias = tuple[int, str, Fates, int]


def _at_promises(recording: Recording) -> Iterator[Choice]:
    """Lose all, or one thing, when something was just told or sent: whatever it rests upon must be on disk."""
    disk = recording.disk
    moments = {told.at for told in recording.told} | {sent.at for sent in recording.sent} | {recording.end}
    for at in sorted(moments):
        if at >= recording.begin:
            pending = disk.pending(at)
            yield at, "all", {}, 0
            yield from ((at, f"only {disk.called(atom)}", _without(pending, atom), 0) for atom in pending)
            yield at, "nothing", every(pending), 0


def _at_changes(recording: Recording, changes: Iterable[Change], chance: random.Random) -> Iterator[Choice]:
    """Lose the newest change, all but it, its data in part, or a random part of everything, after each change."""
    disk = recording.disk
    for change in changes:
        at, newest = change.at, change.atom
        pending = disk.pending(at)
        yield at, "all", {}, 0
        yield at, "nothing", every(pending), 0
        yield at, f"all but {disk.called(newest)}", {newest: "all"}, 0
        if newest[0] == "data":
            for fate in ("zero", "torn"):
                yield at, f"{disk.called(newest)} is {fate}", {**every(pending), newest: fate}, at
                yield at, f"all, {disk.called(newest)} is {fate}", {newest: fate}, at + 1
        for number in range(_TRIES):
            yield at, "something", _random(pending, chance), at + number


def _random(pending: list[Atom], chance: random.Random) -> Fates:
    kept = [atom for atom in pending if chance.random() < 0.5]
    return {atom: chance.choice(("all", "all", "zero", "torn")) if atom[0] == "data" else "all" for atom in kept}


def _without(pending: list[Atom], atom: Atom) -> Fates:
    return every(other for other in pending if other != atom)


def _sample(chance: random.Random, found: list[T], most: int) -> list[T]:
    return found if len(found) <= most else chance.sample(found, most)
