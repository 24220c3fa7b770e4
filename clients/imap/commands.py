"""Parts of IMAP commands that imaplib leaves to its callers: literals in a search, and the names of folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.imap.answers import ListedFolder
from clients.mail_server.providers import SERVICE
from clients.wording import guess_first

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|[^\s()"]+')
_UNUSABLE = frozenset({"\\noselect", "\\nonexistent"})


class FolderRefused(NotFound):
    """The server refuses a folder without saying whether it exists."""


class Literals:
    """The rest of a command, sent piece by piece as the server asks for it (RFC 3501 4.3)."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)

    def next(self, _said: object) -> bytes:
        """Return the next piece."""
        return self._pieces.pop(0)


def in_literals(criteria: str) -> list[bytes]:
    """Split search criteria before each word that is not ASCII: quoted strings must be (RFC 3501 9, `QUOTED-CHAR`).

    Each piece but the last ends with the size of the word that begins the next one.
    """
    pieces, rest = [b""], 0
    for found in _TOKEN.finditer(criteria):
        if found[0].isascii():
            continue
        word = found[0] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])
        data = word.encode("utf-8", "replace")
        pieces[-1] += criteria[rest : found.start()].encode("ascii") + b"{%d}" % len(data)
        pieces.append(data)
        rest = found.end()
    pieces[-1] += criteria[rest:].encode("ascii")
    return pieces


def searched(data: Sequence[Any]) -> list[int]:
    """Parse a SEARCH answer, ascending: some servers send it on several lines, and none where nothing is found."""
    lines = (re.sub(rb"\(.*", b"", line) for line in data if line)  # without what follows in RFC 7162 3.1.5
    return sorted({int(uid) for line in lines for uid in line.split()})


def as_quoted(name: bytes) -> bytes:
    """Quote the name of a folder as the server has written it."""
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", name) + b'"'


def refusal_of_folder(error: NotFound, folder: str, listed: Sequence[ListedFolder]) -> ServiceError:
    """Return the meaning of a folder's refusal, given the folders of the mailbox."""
    usable = [one.name for one in listed if not _UNUSABLE & {flag.lower() for flag in one.flags}]
    if folder in usable and isinstance(error, FolderRefused):
        return InvalidRequest(
            error.message,
            service=SERVICE,
            remedy="The folder is there, but the server keeps this program out: look at the mailbox's settings there.",
        )
    last = re.split(r"[./]", folder)[-1].casefold()
    meant = [one for one in usable if re.split(r"[./]", one)[-1].casefold() == last and one != folder]
    if not meant:
        error.remedy = guess_first(folder, usable, error.remedy)
    else:
        error.remedy = f"Its full name may be {meant[0]!r}; the step `imap.list_folders` lists all."
    return error
