"""What accounts were last seen to have: noted while a workflow is compiled, since it may be out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.base.problem import Problem
from engine.compiler.definition.environment import SeenAccount, SeenOf


class Sightings:
    """The accounts that a compilation asked about, and what was known of them."""

    def __init__(self, seen: SeenOf) -> None:
        self._seen = seen
        self.noted: dict[str, SeenAccount] = {}

    def of(self, connection: str) -> SeenAccount | None:
        """Return what the account of a connection was last seen to have."""
        found = self._seen(connection)
        if found is not None:
            self.noted[connection] = found
        return found

    @property
    def are_fresh(self) -> bool:
        """Whether all of it is so new that what contradicts it is a mistake."""
        return all(one.is_fresh for one in self.noted.values())

    def told(self, problems: Sequence[Problem], sure: Sequence[Problem]) -> list[Problem]:
        """Return the errors that are not among the sure ones, with when the account was seen: warnings if not fresh."""
        known = {(one.line, one.column, one.message) for one in sure}
        doubtful = [
            one for one in problems if one.severity == "error" and (one.line, one.column, one.message) not in known
        ]
        severity = "error" if self.are_fresh else "warning"
        return [replace(one, severity=severity, remedy=f"{one.remedy} {self._again}".strip()) for one in doubtful]

    @property
    def _again(self) -> str:
        read = (f"{name!r} were last read {one.at}" for name, one in sorted(self.noted.items()))
        named = " and of ".join(read)
        commands = " or ".join(f"`orchestra connections check {name}`" for name in sorted(self.noted))
        return f"The columns of {named}: {commands} reads them again."
