"""One signed-in IMAP connection (imap-tools and imaplib over our own wire), used by one thread at a time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from clients.deadline import deadline
from clients.errors import InvalidRequest, NotFound, ServiceError, Timeout, Unavailable
from clients.imap.answers import FetchedMail, ListedFolder, fetched, listed_folder
from clients.imap.commands import FolderRefused, Literals, as_quoted, in_literals, refusal_of_folder, searched
from clients.imap.protocol import signed_in
from clients.mail.dates import written_at
from clients.mail.raw import headers_of
from clients.mail_server.failures import mapped, refused
from clients.mail_server.wire import MailConnector, MailServerAddress, MailSocket
from clients.secrets import known

if TYPE_CHECKING:
    from imap_tools import BaseMailBox

Result = TypeVar("Result")

_DATE = "BODY.PEEK[HEADER.FIELDS (DATE)]"
_BATCH_BYTES = 4 * 1024 * 1024
_BEGINNING_BYTES = 1024 * 1024
_WHOLE_BYTES = 25 * 1024 * 1024


class Selected(Struct, frozen=True):
    """A folder's state when it was opened."""

    folder: str
    uidvalidity: int
    uidnext: int
    exists: int
    highestmodseq: int


class ImapSession:
    """A signed-in connection. Raises only ServiceError; any error other than a refusal leaves it unusable."""

    def __init__(self, box: BaseMailBox, wire: MailSocket) -> None:
        self._box, self._wire = box, wire
        self.is_broken = False
        self.takes_charset = True
        """Whether the server can search for letters beyond ASCII, as far as is known."""
        self._idles = 0
        self._written: dict[str, bytes] = {}
        """The names of folders that the server does not encode as usual, as it writes them."""

    @property
    def capabilities(self) -> frozenset[str]:
        """The server's capabilities, in capitals."""
        return frozenset(str(one).upper() for one in self._box.client.capabilities)

    @contextlib.contextmanager
    def asking(self, what: str = "", fallback: type[NotFound | InvalidRequest] = InvalidRequest) -> Iterator[Any]:
        """Yield imaplib's client for one command; leftovers of earlier answers are discarded."""
        client = self._box.client
        # imaplib looks at READ-ONLY before each command.
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
        """Check that the connection still works."""
        with self.asking() as client:
            client.noop()

    def close(self) -> None:
        """Close the connection without a logout, which would wait for an answer."""
        self._wire.close()

    def select(self, folder: str, *, for_reading: bool = True) -> Selected:
        """Open a folder, read-only with `for_reading` (EXAMINE). Raises NotFound if it does not exist."""

        def open_as(name: bytes) -> Selected:
            with self.asking(f"The folder {folder!r} cannot be opened", FolderRefused) as client:
                self._box.folder.set(name, readonly=for_reading)
                return self._selected(folder, client)

        return self._named(folder, open_as)

    @staticmethod
    def _selected(folder: str, client: Any) -> Selected:
        return Selected(
            folder,
            _number(client, "UIDVALIDITY"),
            _number(client, "UIDNEXT"),
            _number(client, "EXISTS"),
            _number(client, "HIGHESTMODSEQ"),
        )

    def _named(self, folder: str, attempt: Callable[[bytes], Result]) -> Result:
        """Call with a folder's name; where it is refused, with the name exactly as the server lists it.

        Servers list some names that are not encoded as RFC 3501 5.1.3 wants. Raises NotFound, with the name that may be
        meant; InvalidRequest if the folder is there all the same.
        """
        from imap_tools.utils import encode_folder

        usual = encode_folder(folder)
        try:
            return attempt(self._written.get(folder, usual))
        except NotFound as error:
            listed = [] if self.is_broken else self._listed_now()
            written = next((as_quoted(one.written) for one in listed if one.name == folder), usual)
            if written != usual:
                self._written[folder] = written
                return attempt(written)
            raise refusal_of_folder(error, folder, listed) from None

    def _listed_now(self) -> list[ListedFolder]:
        with contextlib.suppress(ServiceError):
            return self._list()
        return []

    def search(self, criteria: str) -> list[int]:
        """Return the UIDs of matching mails in the open folder, ascending."""
        first, *others = in_literals(criteria)
        charset = ("CHARSET", "UTF-8") if others else ()
        with self.asking("The search was not understood") as client:
            if others:
                # imaplib calls a bound method for each piece that the server asks for; another callable would not do.
                client.literal = Literals(others).next
            typ, data = client.uid("SEARCH", *charset, first)
            if typ != "OK":
                raise refused(data)
            return searched(data)

    def fetch(self, uids: Sequence[int], parts: str = "") -> list[FetchedMail]:
        """Fetch mails of the open folder without marking them as seen; those deleted in the meantime are left out.

        `parts` names the content to fetch: `BODY.PEEK[]`, `BODY.PEEK[HEADER]`; "" for none.
        """
        if not uids:
            return []
        wanted = f"(UID FLAGS INTERNALDATE RFC822.SIZE{f' {parts}' if parts else ''})"
        with self.asking() as client:
            typ, data = client.uid("FETCH", _set(uids), wanted)
            if typ != "OK":
                raise refused(data)
            wanted_uids = set(uids)
            found = [one for one in fetched(_redacted(data), has_content=bool(parts)) if one.uid in wanted_uids]
        undated = [] if parts == _DATE else [one.uid for one in found if one.arrived_at is None]
        dates: dict[int, datetime | None] = {}
        with contextlib.suppress(InvalidRequest, NotFound, Unavailable):  # a mail is worth more than its date
            dates = {one.uid: _date_in(one) for one in self.fetch(undated, _DATE)}
        return [replace(one, arrived_at=dates[one.uid]) if one.uid in dates else one for one in found]

    def contents(self, uids: Sequence[int], most_bytes: int | None = None) -> Iterator[FetchedMail]:
        """Fetch whole mails, some at a time.

        Of a mail over `most_bytes` (25 MB: few servers accept larger ones), only the beginning is fetched; the text is
        there.
        """
        most_bytes = _WHOLE_BYTES if most_bytes is None else most_bytes
        batch: list[FetchedMail] = []
        size = 0
        for mail in self.fetch(uids):
            if mail.size > most_bytes:
                part = f"BODY.PEEK[]<0.{min(most_bytes, _BEGINNING_BYTES)}>"
                yield from (replace(one, is_beginning=True) for one in self._given([mail], part))
                continue
            if batch and size + mail.size > _BATCH_BYTES:
                yield from self._given(batch, "BODY.PEEK[]")
                batch, size = [], 0
            batch.append(mail)
            size += mail.size
        yield from self._given(batch, "BODY.PEEK[]")

    def _given(self, mails: Sequence[FetchedMail], parts: str) -> list[FetchedMail]:
        """Fetch the content of mails, one by one if the server refuses them together.

        A mail refused on its own has a `refusal`. Raises if the server refuses all of them and may succeed later.
        """
        if len(mails) > 1:
            with contextlib.suppress(InvalidRequest, NotFound, Unavailable):
                return self._with_refusals(mails, self.fetch([one.uid for one in mails], parts))
        given: list[FetchedMail] = []
        refusals: list[ServiceError] = []
        for one in mails:
            try:
                given += self._with_refusals([one], self.fetch([one.uid], parts))
            except (InvalidRequest, NotFound, Unavailable) as error:
                refusals.append(error)
                given.append(replace(one, refusal=error.message))
        passing = [error for error in refusals if error.retryable]
        if passing and len(refusals) == len(mails):
            raise passing[0]
        return given

    def _with_refusals(self, wanted: Sequence[FetchedMail], found: list[FetchedMail]) -> list[FetchedMail]:
        """Add the mails that still exist although the server did not return their content."""
        missing = {one.uid for one in wanted} - {one.uid for one in found}
        silent = self.fetch(sorted(missing))
        return [*found, *(replace(one, refusal="The mail server returned no content for it.") for one in silent)]

    def idle(self, seconds: float) -> bool:
        """Wait for new mail in the open folder (RFC 2177), at most so long; return whether the server told of any.

        Raises InvalidRequest if the server refuses.
        """
        self._idles += 1
        tag = b"IDLE%d " % self._idles
        with self.asking():
            self._wire.send(tag + b"IDLE\r\n")
            has_come = self._told(tag, seconds)
            self._wire.send(b"DONE\r\n")
            while not (line := self._wire.readline()).startswith(tag):
                has_come = has_come or _tells_of_mail(line)
        return has_come

    def _told(self, tag: bytes, seconds: float) -> bool:
        """Return whether the server tells of new mail in time, once it has agreed to (`+`)."""
        has_come = False
        while not (line := self._wire.readline()).startswith(b"+"):
            if line.startswith(tag):
                words = line[len(tag) :].partition(b" ")[2]
                raise refused(words, what="The mail server refused IDLE")
            has_come = has_come or _tells_of_mail(line)
        with contextlib.suppress(Timeout), deadline(seconds):
            while not has_come:
                has_come = _tells_of_mail(self._wire.readline())
        return has_come

    def store(self, uid: int, change: str, flags: Sequence[str]) -> None:
        """Add (`+FLAGS`) or remove (`-FLAGS`) flags; nothing is expunged."""
        with self.asking() as client:
            typ, data = client.uid("STORE", str(uid), f"{change}.SILENT", f"({' '.join(flags)})")
            if typ != "OK":
                raise refused(data)

    def transfer(self, command: str, uid: int, folder: str) -> int | None:
        """COPY or MOVE a mail to a folder; return its UID there if the server tells it (RFC 4315)."""
        what = f"The mail cannot go to the folder {folder!r}"

        def go_to(name: bytes) -> int | None:
            with self.asking(what) as client:
                typ, data = client.uid(command, str(uid), name)
                if typ != "OK":
                    raise refused(data, fallback=FolderRefused, what=what)
                return _last_uid(client, "COPYUID")

        return self._named(folder, go_to)

    def append(self, folder: str, content: bytes, flags: Sequence[str], at: datetime) -> int | None:
        """Append a mail to a folder; return its UID if the server tells it (RFC 4315)."""

        def put_into(name: bytes) -> int | None:
            with self.asking(f"The mail cannot be put into the folder {folder!r}") as client:
                self._box.append(content, name, at, list(flags))
                return _last_uid(client, "APPENDUID")

        return self._named(folder, put_into)

    def expunge(self, uid: int) -> None:
        """Expunge this mail only (RFC 4315); a server without UID EXPUNGE purges it later."""
        if "UIDPLUS" not in self.capabilities:
            return
        with self.asking() as client:
            typ, data = client.uid("EXPUNGE", str(uid))
            if typ != "OK":
                raise refused(data)

    def folders(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """List the folders: (name, delimiter, flags), with their special use if the server reports it (RFC 6154)."""
        return [(one.name, one.delimiter, one.flags) for one in self._list()]

    def _list(self) -> list[ListedFolder]:
        has_uses = {"SPECIAL-USE", "LIST-EXTENDED"} <= self.capabilities
        with self.asking("The folders cannot be listed") as client:
            # imap-tools' own list treats a refusal as an empty mailbox.
            typ, data = client.list('""', '"*" RETURN (SPECIAL-USE)' if has_uses else '"*"')
            if typ != "OK":
                raise refused(data, what="The folders cannot be listed")
            return [found for part in _redacted(data) if (found := listed_folder(part)) is not None]


def open_session(
    connector: MailConnector, place: MailServerAddress, user: str, password: str, token: str = ""
) -> ImapSession:
    """Connect and log in, with an access token if there is one. Raises ServiceError; AuthError if that is rejected."""
    known.keep(f"mailbox {user} at {place.shown}", password)
    wire = connector.connect(place)
    try:
        return ImapSession(signed_in(wire, user, password, token), wire)
    except BaseException:
        wire.close()
        raise


def _redacted(data: Sequence[Any]) -> list[Any]:
    """Return an imaplib answer with secrets redacted: servers and mails may echo them."""
    return [
        tuple(map(known.in_bytes, part)) if isinstance(part, tuple) else part and known.in_bytes(part) for part in data
    ]


def _tells_of_mail(line: bytes) -> bool:
    return re.match(rb"\* \d+ EXISTS\b", line, re.IGNORECASE) is not None


def _number(client: Any, name: str) -> int:
    """Return a number from the last answer, or 0 if it has none."""
    values = client.untagged_responses.get(name) or [b"0"]
    found = re.match(rb"\s*(\d+)", values[-1] or b"0")
    return int(found[1]) if found else 0


def _date_in(mail: FetchedMail) -> datetime | None:
    """Return the date in a mail's own headers."""
    written = written_at(headers_of(mail.content or b""))
    return datetime.fromisoformat(written) if written else None


def _last_uid(client: Any, name: str) -> int | None:
    values = [value for value in client.untagged_responses.get(name) or [] if value]
    last = values[-1].split()[-1] if values else b""
    return int(last) if last.isdigit() else None


def _set(uids: Sequence[int]) -> str:
    """Format UIDs for IMAP, with runs as ranges (command lines have limits)."""
    runs: list[list[int]] = []
    for uid in sorted(set(uids)):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)
