"""Previews of the static pages of a project: links that work for an hour, and the files behind them.

A preview is a page that a model may have written. Its frame has an origin of its own and sends no cookies, so the link
itself carries the permission to read one commit of a project, signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import mimetypes
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol
from urllib.parse import quote

from msgspec import Struct

from engine.base.clock import Clock
from engine.base.errors import NotAllowed
from engine.people.access import Principal
from engine.people.operation import operation
from engine.projects.paths import checked_path

PATH = "/preview/"
LINK_LASTS = timedelta(hours=1)
# Other links are signed with the same secret: a signature of one kind must not work for another.
_PURPOSE = b"orchestra preview link\0"
_LONGEST_TOKEN = 1_000
_INDEX = "index.html"
_TYPES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".md": "text/plain",
}


class InvalidPreview(NotAllowed):
    """The link is not one of ours, or has expired."""

    default_remedy = "Open the preview again on the page of the project."

    def __init__(self) -> None:
        super().__init__("This preview no longer works.")


class PreviewedProjects(Protocol):
    """What is needed of the projects."""

    def commit_of(self, name: str, commit: str) -> str:
        """Return a commit of a project by its id; empty: its head. Raises UnknownName."""

    def content(self, name: str, commit: str, path: str) -> bytes:
        """Return a file. Raises UnknownName."""


class PreviewFile(Struct, frozen=True):
    """A file of a preview, and its media type."""

    content: bytes
    media_type: str


class ProjectPreviews:
    """The `project_previews` area."""

    def __init__(
        self, sources: PreviewedProjects, secret: Callable[[], bytes], is_user: Callable[[str], bool], clock: Clock
    ) -> None:
        self._sources, self._secret, self._is_user, self._clock = sources, secret, is_user, clock

    @operation("projects.preview", "view", "see the projects", "Make a link to the pages of a project")
    def token(self, p: Principal, name: str, commit: str = "") -> str:
        """Return the secret part of a link to the files of a commit; it works for an hour. Raises UnknownName."""
        found = self._sources.commit_of(name, commit)
        ends = int((self._clock() + LINK_LASTS).timestamp())
        said = _text(json.dumps([name, found, p.id, ends], ensure_ascii=False).encode())
        return f"{said}.{self._signature(said)}"

    def address(self, p: Principal, name: str, path: str, commit: str = "") -> str:
        """Return the address of a page of a commit on this server; it works for an hour.

        Raises UnknownName, InvalidInput (a path that a browser would resolve to somewhere else).
        """
        token = self.token(p, name, commit)
        checked_path(_place(path))
        return f"{PATH}{token}/{quote(path)}"

    def file(self, token: str, path: str) -> PreviewFile:
        """Return a file by a link; for a folder, its index.html. Raises InvalidPreview, UnknownName."""
        name, commit = self._read(token)
        place = _place(path)
        content = self._sources.content(name, commit, place)
        return PreviewFile(content, _media_type(place))

    def _read(self, token: str) -> tuple[str, str]:
        said, _, signature = token.partition(".")
        is_ours = len(token) <= _LONGEST_TOKEN and token.isascii()  # compare_digest takes no other text
        if not is_ours or not hmac.compare_digest(self._signature(said), signature):
            raise InvalidPreview
        try:
            name, commit, who, ends = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        except (ValueError, binascii.Error) as error:
            raise InvalidPreview from error
        if self._clock().timestamp() >= ends or not self._is_user(who):
            raise InvalidPreview
        return name, commit

    def _signature(self, said: str) -> str:
        return _text(hmac.new(self._secret(), _PURPOSE + said.encode(), hashlib.sha256).digest())


def _place(path: str) -> str:
    """Return the path of a file; for a folder, the path of its index.html."""
    return f"{path}{_INDEX}" if not path or path.endswith("/") else path


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _media_type(path: str) -> str:
    """Return the media type of a file by its ending; text is always UTF-8."""
    ending = f".{path.rpartition('.')[2].lower()}"
    found = _TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
