"""Which workflows and environments a change of a connection concerns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from engine.base.errors import OrchestraError
from engine.environments.environment_files import EnvironmentFiles
from engine.workflows.compiled_files import CompiledFiles
from engine.workspace.workspace import Workspace


class ConnectionUsers:
    """Looks through the files of workflows and environments; one that cannot be read is left out."""

    def __init__(self, compiled: Callable[[], CompiledFiles], workspace: Workspace) -> None:
        self._compiled, self._names, self._text = compiled, workspace.workflows.names, workspace.workflows.text
        self._environments = EnvironmentFiles(workspace)

    def of(self, connection: str) -> list[str]:
        """Return the workflows whose steps or triggers use a connection, or name it although they do not compile."""
        compiled = self._compiled()
        return [name for name in self._names() if connection in self._used(compiled, name)]

    def environments(self, connection: str) -> list[str]:
        """Return the environments that put a connection in the place of another, or another in its place."""
        found = []
        for name in self._environments.names():
            with suppress(OrchestraError):
                known = self._environments.get(name).connections
                found += [name] if connection in {*known, *known.values()} else []
        return found

    def _used(self, compiled: CompiledFiles, name: str) -> set[str]:
        with suppress(OrchestraError):
            plan = compiled.plan(name)
            return {*plan.connections, *(one.connection for one in plan.triggers if one.connection)}
        with suppress(OrchestraError, ValueError, RecursionError):
            return {*_named(json.loads(self._text(name)))}
        return set()

    def unclear(self) -> list[str]:
        """Return the workflows with steps that do not say which of several connections they mean."""
        compiled, found = self._compiled(), list[str]()
        asked = compiled.asked()
        for name in self._names():
            with suppress(OrchestraError):
                problems = compiled.current(name, asked).problems
                found += [name] if any((one.code, one.field) == ("connection", "uses") for one in problems) else []
        return found


def _named(value: Any) -> Iterator[str]:
    """Yield the connections that a definition names."""
    if isinstance(value, dict):
        named = value.get("connection")
        yield from [named] if isinstance(named, str) else []
        value = [*value.values()]
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
