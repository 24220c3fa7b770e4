"""What code may have: the files of the workspace, and as much of this machine as the settings allow."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from clients.check_line import CheckLine
from clients.client import Client, Opening
from clients.code.service import CODE, CodeSettings
from clients.errors import InvalidRequest
from clients.file.client import FileClient, OpenFile
from clients.file.service import FileSettings


class CodeClient(Client):
    """Code of this workspace."""

    service = CODE

    def __init__(
        self, settings: CodeSettings, files: FileClient, state: Path | None, workspace: Path | None, *, is_demo: bool
    ) -> None:
        self.settings, self._files = settings, files
        self._state = state
        self.workspace = workspace
        """The folder of the workspace, whose projects it may test; None where none is open."""
        self.is_demo = is_demo
        """Whether it reaches nothing but the stand-ins, which code does not know."""

    @classmethod
    def open(cls, settings: CodeSettings, opening: Opening) -> CodeClient:
        """Return a client for these settings."""
        files = FileClient.open(FileSettings(), opening)
        return cls(settings, files, opening.shared_folder, opening.workspace, is_demo=opening.is_demo)

    @property
    def state_folder(self) -> Path:
        """The folder that has what code needs on this machine, such as packages. Raises InvalidRequest."""
        if self._state is None:
            raise InvalidRequest("Code runs only where the state of the workspace is open.", service=CODE.name)
        return self._state

    def account(self) -> str:
        """Return the folder whose files it is given."""
        return self._files.account()

    def check(self) -> list[CheckLine]:
        """Look whether the folder can be listed."""
        return self._files.check()[:1]

    def opened(self, path: str) -> AbstractContextManager[OpenFile]:
        """Open a file of the workspace. Raises InvalidRequest (not for steps), NotFound, Unavailable."""
        return self._files.opened(path)
