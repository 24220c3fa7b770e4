"""What a mail archive consists of: files that are a mail each, and mailboxes of many; by name, without reading them."""

from __future__ import annotations

import os
import re
from hashlib import blake2s
from typing import Literal

from msgspec import Struct

from clients.mail.charsets import folder_name

Kind = Literal["mail", "apple", "maildir", "mailbox"]
_DELIVERED = re.compile(r"(\d{9,11})[._]")
"""The time in the name of a mail in a Maildir (https://cr.yp.to/proto/maildir.html)."""
_INFO = re.compile(r"[:;!]2,([A-Za-z]*)$")
"""The flags behind the name; where a colon is not allowed, programs write another sign."""
_FLAGS = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft", "T": "\\Deleted"}
_BESIDE = re.compile(r"(?:^|/)Attachments/\d+/[\d.]+/[^/]+$")
"""A file that Apple Mail keeps beside a `.partial.emlx`: an attachment, even if it is a mail."""
_OTHER_NAMES = (".msf", ".dat", ".json", ".html", ".plist", ".db", ".sqlite", ".zip", ".gz", ".pdf")
"""Endings of files beside mailboxes, which need not be opened."""


class ZipMember(Struct, frozen=True):
    """Where an entry is in a zip archive."""

    header: int
    compressed: int
    method: int
    crc: int | None = None
    """The checksum of its bytes; None in a place that was kept before it was looked at."""


class ArchiveEntry(Struct, frozen=True):
    """A file of an archive."""

    path: str
    """Inside the archive, with slashes; empty: the archive is this file itself."""
    kind: Kind
    at: int
    """Unix seconds: of a Maildir when it was delivered, otherwise when the file was last changed."""
    size: int
    member: ZipMember | None = None
    twin: int = 0
    """How many entries of the zip archive before this one have the same path."""

    @property
    def key(self) -> str:
        """What tells it from the other files, whatever flags its name has."""
        return key_at(self.path, self.kind, self.twin)

    @property
    def order(self) -> tuple[int, str]:
        """What sorts mails: their times, then their names."""
        return self.at, self.path

    @property
    def flags(self) -> list[str]:
        """The flags in the name of a mail in a Maildir, as IMAP names them."""
        found = _INFO.search(self.path) if self.kind == "maildir" else None
        return sorted(_FLAGS[sign] for sign in (found[1] if found else "") if sign in _FLAGS)


def key_at(path: str, kind: Kind, twin: int = 0) -> str:
    """Return the key of the file at a path; a mail of a Maildir keeps it when its flags change.

    `twin`: how many entries of a zip archive before it have the same path.
    """
    name = path
    if kind == "maildir":
        folder, _, last = path.rpartition("/")
        name = f"{folder.rpartition('/')[0]}/{_INFO.sub('', last)}"
    if twin:
        name += f"\0{twin}"
    return blake2s(name.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def kind_of(path: str, *, is_mailbox: bool | None = None) -> Kind | None:
    """Return what a file is by its path in the archive, None if it is no mail.

    `is_mailbox`: whether it begins as a mailbox does, None if nobody has looked.
    """
    if _BESIDE.search(path):
        return None
    parts = path.split("/")
    name = parts[-1].lower()
    if parts[-2:-1] in (["cur"], ["new"]):
        return "maildir"
    if name.endswith(".eml"):
        return "mail"
    if name.endswith(".emlx"):
        return "apple"
    if is_mailbox is None:
        return None if name.endswith(_OTHER_NAMES) else "mailbox"
    return "mailbox" if is_mailbox else None


def is_named_as_mails(path: str) -> bool:
    """Return whether a file's name says that it is a mailbox."""
    return path.rpartition("/")[2].lower().endswith(("mbox", ".mbx"))


def visible(path: str) -> str:
    """Return a path as it can be shown: with an escape for each byte that is no text, and each invisible sign."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def delivered_at(path: str, otherwise: float) -> int:
    """Return the time of a mail's file in Unix seconds: the one in its name in a Maildir, or when it was changed."""
    found = _DELIVERED.match(path.rpartition("/")[2]) if kind_of(path) == "maildir" else None
    return int(found[1]) if found else int(otherwise)


def folder_of(entry: ArchiveEntry, archive: str) -> str:
    """Return the mail folder that a file stands for: `Sent/2020` for `.Sent.2020/cur/…`, the name of a mailbox."""
    parts = (entry.path or archive.rpartition("/")[2]).split("/")
    if entry.kind == "maildir":
        above = parts[:-2]
        if above and above[-1].startswith("."):
            return folder_name(above[-1][1:].encode()).replace(".", "/")
        return "/".join(above) or "INBOX"
    if entry.kind == "mailbox" and parts[-1] != "mbox":  # Apple has it in a folder `Sent.mbox`
        return "/".join(_plain(part) for part in parts)
    named = [_plain(part) for part in parts[:-1]]
    return "/".join(named[: named.index("Messages")] if "Messages" in named else named)


def _plain(name: str) -> str:
    """Return the name of a folder without the endings that programs give it."""
    return re.sub(r"\.(?:mbox|mbx|sbd)$", "", name, flags=re.IGNORECASE)
