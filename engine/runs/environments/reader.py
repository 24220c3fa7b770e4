"""The environments of a workspace, for reading only."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.base.errors import InvalidFile, OrchestraError, UnknownName
from engine.base.json_text import JsonObject
from engine.base.problem import Problem
from engine.compiler.definition.environment import CURRENT
from engine.environments.environment_file import WorkflowEntry
from engine.people.access import Principal
from engine.people.operation import operation

if TYPE_CHECKING:
    from engine.workflows.environment_plans import EnvironmentPlans


@dataclass(frozen=True)
class EnvironmentStatus:
    """An environment, for display."""

    name: str
    title: str
    is_default: bool
    connections: Mapping[str, str]
    """The connection to use for a name in the workflows; `demo`: the stand-in of that connection."""
    variables: JsonObject
    others: str
    """`current`: workflows not listed run their file as it is; `none`: they do not run here."""
    workflows: Mapping[str, WorkflowEntry] = field(default_factory=dict)
    error: str = ""
    """Why its file cannot be used."""


class EnvironmentReader:
    """The part of the area for a workspace that cannot be written."""

    def __init__(self, plans: EnvironmentPlans) -> None:
        self._plans, self._files = plans, plans.files

    @operation(
        "environments.file_problems", "view", "see environments", "List the problems of the files of environments"
    )
    def file_problems(self, p: Principal) -> list[Problem]:
        """Return what is wrong with the files of environments; nothing runs in any while one is damaged."""
        found: list[Problem] = []
        for name in self._plans.files.names():
            file = f"environments/{name}.json"
            try:
                self._plans.require_usable(name)
            except OrchestraError as error:
                named = error.problems if isinstance(error, InvalidFile) else []
                found += named or [Problem(error.message, type(error).__name__, file=file, remedy=error.remedy)]
        return found

    @operation("environments.names", "view", "see environments", "List the names of environments")
    def names(self, p: Principal) -> builtins.list[str]:
        """Return the names of the environments, the default one first; [] for a workspace without environments."""
        default = self._default()
        return sorted(self._files.names(), key=lambda name: (name != default, name))

    def list(self, p: Principal) -> builtins.list[EnvironmentStatus]:
        """Return every environment, the default one first; one whose file is damaged says so."""
        return [self._status(p, name) for name in self.names(p)]

    @operation("environments.get", "view", "see environments", "Read an environment")
    def get(self, p: Principal, name: str) -> EnvironmentStatus:
        """Return an environment. Raises UnknownName."""
        if name not in self._files.names():
            self._files.get(name)
        return self._status(p, name)

    @operation("environments.where", "view", "see environments", "See which version of a workflow runs where")
    def where(self, p: Principal, workflow: str) -> dict[str, int | str | None]:
        """Return which version of a workflow each environment runs, None if it is not there."""
        found: dict[str, int | str | None] = {}
        for name in self.names(p):
            content = self._files.get(name)
            entry = content.workflows.get(workflow)
            otherwise = CURRENT if content.others == CURRENT else None
            found[name] = otherwise if entry is None else entry.version
        return found

    @operation("environments.of_triggers", "view", "see environments", "See where triggers start runs")
    def of_triggers(self, p: Principal, workflow: str) -> str:
        """Return the environment in which the triggers of a workflow start runs, "" without environments."""
        return self._plans.of_triggers(workflow)

    def _default(self) -> str:
        """Return the default environment, "" without a default: then runs that name no environment are refused."""
        try:
            return self._plans.default()
        except UnknownName:
            return ""

    def _status(self, p: Principal, name: str) -> EnvironmentStatus:
        is_default = name == self._default()
        try:
            found = self._files.get(name)
            self._plans.environment(name, found)
        except OrchestraError as error:
            return EnvironmentStatus(name, "", is_default, {}, {}, "", error=f"{error.message} {error.remedy}".strip())
        shown = {workflow: entry for workflow, entry in found.workflows.items() if p.sees(workflow)}
        return EnvironmentStatus(name, found.title, is_default, found.connections, found.variables, found.others, shown)
