"""What can be said of environments without writing anything."""

from __future__ import annotations

from engine.base.errors import InvalidFile, OrchestraError, Problem
from engine.people.access import Principal, require
from engine.workflows.environment_plans import EnvironmentPlans


class EnvironmentReader:
    """The part of the facet for a workspace that cannot be written."""

    def __init__(self, plans: EnvironmentPlans) -> None:
        self._plans = plans

    def file_problems(self, p: Principal) -> list[Problem]:
        """Return what is wrong with the files of environments; nothing runs in any while one is damaged."""
        require(p, "view", "see environments")
        found: list[Problem] = []
        for name in self._plans.files.names():
            file = f"environments/{name}.json"
            try:
                self._plans.require_usable(name)
            except OrchestraError as error:
                named = error.problems if isinstance(error, InvalidFile) else []
                found += named or [Problem(error.message, type(error).__name__, file=file, remedy=error.remedy)]
        return found
