"""What code may have: the files of the workspace, and as much of this machine as the settings allow."""

from __future__ import annotations

from contextlib import AbstractContextManager

from clients.client import CheckLine, Client, Opening
from clients.code.service import CODE, CodeSettings
from clients.file.client import FileClient, OpenFile
from clients.file.service import FileSettings


class CodeClient(Client):
    """Code of this workspace."""

    service = CODE

    def __init__(self, settings: CodeSettings, files: FileClient, *, is_demo: bool) -> None:
        self.settings, self._files = settings, files
        self.is_demo = is_demo
        """Whether it reaches nothing but the stand-ins, which code does not know."""

    @classmethod
    def open(cls, settings: CodeSettings, opening: Opening) -> CodeClient:
        """Return a client for these settings."""
        return cls(settings, FileClient.open(FileSettings(), opening), is_demo=opening.is_demo)

    def account(self) -> str:
        """Return the folder whose files it is given."""
        return self._files.account()

    def check(self) -> list[CheckLine]:
        """Look whether the folder can be listed."""
        return self._files.check()[:1]

    def opened(self, path: str) -> AbstractContextManager[OpenFile]:
        """Open a file of the workspace. Raises InvalidRequest (not for steps), NotFound, Unavailable."""
        return self._files.opened(path)
