"""One signed-in IMAP connection: imap-tools and imaplib over our own wire; one thread at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.errors import InvalidRequest, NotFound
from clients.imap.answers import Fetched, fetched, listed_folder
from clients.imap.failures import mapped, refused
from clients.imap.protocol import signed_in
from clients.mail.wire import Door, Place, Wire

if TYPE_CHECKING:
    from imap_tools import BaseMailBox

_BATCH_BYTES = 4 * 1024 * 1024
_BEGINNING_BYTES = 1024 * 1024
_WHOLE_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True)
class Selected:
    """A folder as it was when it was opened."""

    folder: str
    uidvalidity: int
    uidnext: int
    exists: int
    highestmodseq: int


class Session:
    """A connection after its login. Raises ServiceError only; after an error that is not a plain no it is broken."""

    def __init__(self, box: BaseMailBox, wire: Wire) -> None:
        self._box, self._wire = box, wire
        self.is_broken = False

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do, in capitals."""
        return frozenset(str(one).upper() for one in self._box.client.capabilities)

    @contextlib.contextmanager
    def asking(self, what: str = "", fallback: type[NotFound | InvalidRequest] = InvalidRequest) -> Iterator[Any]:
        """Give imaplib's client for one command; what was left over of earlier answers is forgotten."""
        client = self._box.client
        kept = {key: value for key, value in client.untagged_responses.items() if key == "READ-ONLY"}
        client.untagged_responses.clear()
        client.untagged_responses.update(kept)
        self._wire.begin()
        is_answered = False
        try:
            with mapped(what, fallback=fallback):
                yield client
            is_answered = True
        except (NotFound, InvalidRequest):
            is_answered = True
            raise
        finally:
            self.is_broken = self.is_broken or not is_answered

    def ping(self) -> None:
        """Ask whether the connection still holds."""
        with self.asking() as client:
            client.noop()

    def close(self) -> None:
        """Close the connection without ado: a logout would wait for an answer."""
        self._wire.close()

    def select(self, folder: str, *, for_reading: bool = True) -> Selected:
        """Open a folder; for reading nothing in it can change (EXAMINE). NotFound where there is none."""
        with self.asking(f"The folder {folder!r} cannot be opened", NotFound) as client:
            self._box.folder.set(folder, readonly=for_reading)
            return Selected(
                folder,
                _number(client, "UIDVALIDITY"),
                _number(client, "UIDNEXT"),
                _number(client, "EXISTS"),
                _number(client, "HIGHESTMODSEQ"),
            )

    def search(self, criteria: str) -> list[int]:
        """Give the UIDs of the mails of the open folder that fit, rising."""
        is_plain = criteria.isascii()
        with self.asking("The search is not understood"):
            found = self._box.uids(criteria, None if is_plain else "UTF-8")
            return sorted(int(uid) for uid in found)

    def fetch(self, uids: Sequence[int], parts: str = "") -> list[Fetched]:
        """Read mails of the open folder, never marking them as seen; what is gone meanwhile is left out.

        `parts` names what of the content is wanted: `BODY.PEEK[]`, `BODY.PEEK[HEADER]`; "" for none.
        """
        if not uids:
            return []
        wanted = f"(UID FLAGS INTERNALDATE RFC822.SIZE{f' {parts}' if parts else ''})"
        with self.asking() as client:
            typ, data = client.uid("FETCH", _set(uids), wanted)
            if typ != "OK":
                raise refused(data)
            known = set(uids)
            return [one for one in fetched(data, has_content=bool(parts)) if one.uid in known]

    def contents(self, uids: Sequence[int], most_bytes: int | None = None) -> Iterator[Fetched]:
        """Read whole mails, some at a time.

        Of one over `most_bytes` (25 MB: few servers take larger ones) only the beginning, which holds its words.
        """
        most_bytes = _WHOLE_BYTES if most_bytes is None else most_bytes
        batch: list[int] = []
        size = 0
        for mail in self.fetch(uids):
            if mail.size > most_bytes:
                yield from self.fetch([mail.uid], f"BODY.PEEK[]<0.{min(most_bytes, _BEGINNING_BYTES)}>")
                continue
            if batch and size + mail.size > _BATCH_BYTES:
                yield from self.fetch(batch, "BODY.PEEK[]")
                batch, size = [], 0
            batch.append(mail.uid)
            size += mail.size
        yield from self.fetch(batch, "BODY.PEEK[]")

    def store(self, uid: int, change: str, flags: Sequence[str]) -> None:
        """Put on (`+FLAGS`) or take off (`-FLAGS`) flags; nothing is expunged."""
        with self.asking() as client:
            typ, data = client.uid("STORE", str(uid), f"{change}.SILENT", f"({' '.join(flags)})")
            if typ != "OK":
                raise refused(data)

    def transfer(self, command: str, uid: int, folder: str) -> int | None:
        """COPY or MOVE a mail to a folder; give its UID there where the server says (RFC 4315)."""
        from imap_tools.utils import encode_folder

        with self.asking(f"The mail cannot go to the folder {folder!r}") as client:
            typ, data = client.uid(command, str(uid), encode_folder(folder))
            if typ != "OK":
                raise refused(data, fallback=NotFound, what=f"The mail cannot go to the folder {folder!r}")
            return _last_uid(client, "COPYUID")

    def append(self, folder: str, content: bytes, flags: Sequence[str], at: datetime) -> int | None:
        """Put a mail into a folder; give its UID where the server says (RFC 4315)."""
        with self.asking(f"The mail cannot be put into the folder {folder!r}") as client:
            self._box.append(content, folder, at, list(flags))
            return _last_uid(client, "APPENDUID")

    def expunge(self, uid: int) -> None:
        """Delete one mail that is marked so, and no other (RFC 4315); a server without this purges it later."""
        if "UIDPLUS" not in self.capabilities:
            return
        with self.asking() as client:
            typ, data = client.uid("EXPUNGE", str(uid))
            if typ != "OK":
                raise refused(data)

    def folders(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """List the folders: (name, delimiter, flags), with what each is for where the server says (RFC 6154)."""
        has_uses = {"SPECIAL-USE", "LIST-EXTENDED"} <= self.capabilities
        with self.asking("The folders cannot be listed") as client:
            # imap-tools' own list takes a refusal for an empty mailbox.
            typ, data = client.list('""', '"*" RETURN (SPECIAL-USE)' if has_uses else '"*"')
            if typ != "OK":
                raise refused(data, what="The folders cannot be listed")
            return [found for part in data if (found := listed_folder(part)) is not None]


def open_session(door: Door, place: Place, user: str, password: str) -> Session:
    """Connect and sign in. Raises ServiceError; AuthError where the server does not take the password."""
    wire = door.connect(place)
    try:
        return Session(signed_in(wire, user, password), wire)
    except BaseException:
        wire.close()
        raise


def _number(client: Any, name: str) -> int:
    """Give a number that came with the last answer; 0 where it did not."""
    values = client.untagged_responses.get(name) or [b"0"]
    return int(values[-1] or 0)


def _last_uid(client: Any, name: str) -> int | None:
    values = [value for value in client.untagged_responses.get(name) or [] if value]
    last = values[-1].split()[-1] if values else b""
    return int(last) if last.isdigit() else None


def _set(uids: Sequence[int]) -> str:
    """Write UIDs as IMAP does, runs of them as ranges (a command line has its limits)."""
    runs: list[list[int]] = []
    for uid in sorted(set(uids)):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)
