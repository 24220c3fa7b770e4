"""Pictures that a mail shows in its text: attached files that its HTML names become parts of it (RFC 2387, RFC 2392).

Nothing is fetched. Other addresses of pictures stay as they are: what text from outside may name, the engine has
rewritten by then (`engine/outgoing/`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote

from msgspec import Struct

_IMAGE = re.compile(r"<img\b[^<>]*>", re.IGNORECASE)
_SOURCE = re.compile(r"""(?<=\s)src\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"""(?<=\s)alt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_MARKDOWN = re.compile(r"!\[([^\[\]]{0,500})\]\(\s*<?([^()<>\s]{1,500}(?: [^()<>\s]{1,100}){0,9})>?\s*\)")
_CID = "cid:"
_BY_ENDING = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
}
"""Pictures that mail programs show; not SVG, which may hold scripts."""


class Attachable(Protocol):
    """A file of a mail, such as `clients.mail.outgoing.File`."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def media_type(self) -> str:
        """Its media type, or ""."""

    @property
    def is_passed_on(self) -> bool:
        """Whether the writer of another mail has named it, perhaps like a picture of this one."""


FileT = TypeVar("FileT", bound=Attachable)


class ShownPicture(Struct, Generic[FileT], frozen=True):
    """An attached picture that the HTML of a mail shows."""

    file: FileT
    content_id: str
    """Without angle brackets."""
    media_type: str


class PicturedMail(Struct, Generic[FileT], frozen=True):
    """A mail with its pictures in their places."""

    text: str
    """With the alternative text in place of each picture."""
    html: str
    shown: Sequence[ShownPicture[FileT]]
    files: Sequence[FileT]
    """The other files."""


def pictured(text: str, html: str, files: Sequence[FileT], marker: str) -> PicturedMail[FileT]:
    """Return a mail with the attached pictures that its HTML names, `chart.png` or `cid:chart.png`, in their places.

    `marker` is that of the write. A `cid:` that no attached picture has becomes the alternative text. A file that is
    passed on stays an attachment; without HTML, all do.
    """
    if not html:
        return PicturedMail(text, html, (), files)
    known = {file.name: file for file in reversed(files) if picture_type(file) and not file.is_passed_on}
    found: dict[str, ShownPicture[FileT]] = {}

    def placed(image: re.Match[str]) -> str:
        source = _SOURCE.search(image[0])
        address = unescape(_given(source)) if source else ""
        file = _named(address, known)
        if source is None or file is None:
            return escape(unescape(_alternative(image[0]))) if address.lower().startswith(_CID) else image[0]
        one = found.setdefault(file.name, ShownPicture(file, _content_id(file, marker), picture_type(file)))
        return f'{image[0][: source.start()]}src="{_CID}{one.content_id}"{image[0][source.end() :]}'

    html = _IMAGE.sub(placed, html)
    text = _MARKDOWN.sub(lambda one: _words(one, known), text)
    shown = [*found.values()]
    rest = [file for file in files if not any(file is one.file for one in shown)]
    return PicturedMail(text, html, shown, rest)


def picture_type(file: Attachable) -> str:
    """Return the media type of a file that mail programs can show in a text, else ""; by its name if it has none."""
    if file.media_type.lower() in {"", "application/octet-stream"}:
        return _BY_ENDING.get(file.name.rpartition(".")[2].lower(), "")
    return file.media_type.lower() if file.media_type.lower() in _BY_ENDING.values() else ""


def _given(found: re.Match[str] | None) -> str:
    return "" if found is None else found[1] if found[1] is not None else found[2]


def _alternative(image: str) -> str:
    return _given(_ALTERNATIVE.search(image))


def _named(address: str, known: Mapping[str, FileT]) -> FileT | None:
    """Return the attached picture that an address names."""
    name = address[len(_CID) :] if address.lower().startswith(_CID) else address
    return known.get(name) or known.get(unquote(name))


def _words(picture: re.Match[str], known: Mapping[str, Attachable]) -> str:
    """Return the alternative text of a picture in Markdown, or its name; one from elsewhere stays as it is written."""
    file = _named(picture[2], known)
    return picture[0] if file is None else f"[{picture[1].strip() or file.name}]"


def _content_id(file: Attachable, marker: str) -> str:
    """Return an id that is the same whenever the mail is built again."""
    digest = hashlib.sha256(f"{marker}\0{file.name}".encode("utf-8", "replace")).hexdigest()[:20]
    return f"{digest}@mail.orchestra.invalid"
