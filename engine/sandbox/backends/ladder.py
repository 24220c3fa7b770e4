"""Choose the backend for a piece of code: the first that is there and has what it needs, or the one of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clients.check_line import CheckLine
from clients.errors import InvalidRequest, SandboxMissing
from engine.sandbox.backends.backend import BackendSettings, CodeNeeds, SandboxBackend
from engine.sandbox.backends.bubblewrap import Bubblewrap
from engine.sandbox.backends.docker import Docker
from engine.sandbox.backends.monty import Monty

AUTO = "auto"
_LADDER = (Bubblewrap, Docker, Monty)
_NOTHING = "This machine has no sandbox to run code in."


def backends(setup: BackendSettings) -> list[SandboxBackend]:
    """Return the backends that may be taken, the first before the others."""
    return [one(setup) for one in _LADDER if setup.sandbox in (AUTO, one.name)]


def taken(setup: BackendSettings, needs: CodeNeeds) -> SandboxBackend:
    """Return the backend for code. Raises SandboxMissing if no backend fits, InvalidRequest if the language is why."""
    found = _first(setup, needs)
    if not isinstance(found, tuple):
        return found
    field, said = found
    if field == "code":
        raise SandboxMissing(_NOTHING, remedy=said)
    if field == "language":
        raise InvalidRequest(f"Code in {needs.language!r} cannot be run here.", service="code", remedy=said)
    raise SandboxMissing("The sandbox of this machine lacks what the code needs.", remedy=said)


def refusal(setup: BackendSettings, needs: CodeNeeds) -> tuple[str, str] | None:
    """Return (field, sentence with the remedy) where code cannot be run here; None if it can."""
    found = _first(setup, needs)
    if not isinstance(found, tuple):
        return None
    field, said = found
    before = {"code": f"{_NOTHING} ", "language": f"Code in {needs.language!r} cannot be run here. "}
    return field, f"{before.get(field, '')}{said}"


def _first(setup: BackendSettings, needs: CodeNeeds) -> SandboxBackend | tuple[str, str]:
    lacks, missed = [], []
    for one in backends(setup):
        if said := one.lack():
            lacks.append(said)
        elif found := one.misses(needs):
            missed.append(found)
        else:
            return one
    if missed:
        field, said = missed[0]
        return field, " ".join((said, *(f"Or: {one}" for one in lacks[:1])))
    return "code", " Or: ".join(lacks)


def lines(setup: BackendSettings) -> Iterator[CheckLine]:
    """Yield which backend is there and why, and what it can do."""
    passed: list[str] = []
    for one in backends(setup):
        if lack := one.lack():
            passed.append(f"{one.title} is not there: {lack}")
            continue
        first, *more = one.lines()
        yield replace(first, text=" ".join((first.text, *passed)))
        yield from more
        return
    yield CheckLine("sandbox", ok=False, text=" ".join((_NOTHING, *passed)))
