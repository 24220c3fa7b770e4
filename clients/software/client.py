"""Where the projects of a workspace are; `engine/projects/` reads and writes them."""

from __future__ import annotations

from pathlib import Path

from clients.check_line import CheckLine
from clients.client import Client, Opening
from clients.errors import InvalidRequest
from clients.software.service import PROJECT, ProjectSettings


class ProjectClient(Client):
    """The folder of the projects."""

    service = PROJECT

    def __init__(self, root: Path | None) -> None:
        self._root = root

    @classmethod
    def open(cls, settings: ProjectSettings, opening: Opening) -> ProjectClient:
        """Return a client for the projects of the workspace."""
        del settings
        return cls(opening.workspace)

    @property
    def folder(self) -> Path:
        """The folder of the repositories. Raises InvalidRequest where no workspace is open."""
        if self._root is None:
            raise InvalidRequest("Projects need a workspace.", service=PROJECT.name)
        return self._root / "projects"

    def account(self) -> str:
        """Return the owner of the projects."""
        return "projects"

    def check(self) -> list[CheckLine]:
        """Count the projects."""
        count = len([*self._root.glob("projects/*.git")]) if self._root is not None else 0
        return [
            CheckLine(
                "projects", ok=True, text=f"There are {count} projects." if count != 1 else "There is one project."
            )
        ]
