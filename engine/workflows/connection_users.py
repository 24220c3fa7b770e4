"""Which workflows a change of a connection concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from engine.base.errors import OrchestraError
from engine.workflows.compiled_files import CompiledFiles


class ConnectionUsers:
    """Looks through the workflow files; one that cannot be read, or does not compile, is left out."""

    def __init__(self, compiled: Callable[[], CompiledFiles], names: Callable[[], Iterable[str]]) -> None:
        self._compiled, self._names = compiled, names

    def of(self, connection: str) -> list[str]:
        """Return the workflows whose steps or triggers use a connection."""
        compiled, found = self._compiled(), list[str]()
        for name in self._names():
            with suppress(OrchestraError):
                plan = compiled.plan(name)
                triggered = {one.connection for one in plan.triggers}
                found += [name] if connection in {*plan.connections, *triggered} else []
        return found

    def unclear(self) -> list[str]:
        """Return the workflows with steps that do not say which of several connections they mean."""
        compiled, found = self._compiled(), list[str]()
        asked = compiled.asked()
        for name in self._names():
            with suppress(OrchestraError):
                problems = compiled.current(name, asked).problems
                found += [name] if any((one.code, one.field) == ("connection", "uses") for one in problems) else []
        return found
