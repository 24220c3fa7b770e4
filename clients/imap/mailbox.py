"""A mailbox: a few open connections, the folders and their roles, and the ids of mails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec import Struct

from clients.deadline import deadline, seconds_left
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError, Timeout
from clients.imap.session import ImapSession, Selected, open_session
from clients.mail.addresses import compared, specs
from clients.mail.authentication import ANY, ReceivingServer
from clients.mail_server.providers import SERVICE, signing_in
from clients.mail_server.settings import ImapSettings, Servers
from clients.mail_server.wire import MailConnector
from clients.mail_server.xoauth2 import with_token
from clients.oauth.app import TokenSource

_AT_ONCE = 4
"""Maximum open connections: Yahoo allows 5 per mailbox, others 10 and more."""
_SURE_SECONDS = 5.0
"""A connection idle for longer is tested before use, so that no write hits a closed one."""
_CALL_SECONDS = 300.0
_FOLDERS_SECONDS = 300.0

_ROLES = {
    "\\Drafts": "drafts",
    "\\Sent": "sent",
    "\\Trash": "trash",
    "\\Archive": "archive",
    "\\All": "all",
    "\\Junk": "junk",
    "\\Flagged": "flagged",
}
"""Special uses (RFC 6154)."""
_USUAL_NAMES = {
    "drafts": "drafts draft entwürfe brouillons borradores bozze concepten rascunhos utkast 草稿箱 草稿 下書き".split(),
    "sent": (
        *"sent|sent items|sent mail|sent messages|gesendet|gesendete objekte|gesendete elemente|envoyés".split("|"),
        *"éléments envoyés|messages envoyés|enviados|elementos enviados|posta inviata|inviata|verzonden".split("|"),
        *"verzonden items|itens enviados|skickat|已发送|已发送邮件|送信済み".split("|"),
    ),
    "trash": (
        *"trash|deleted items|deleted messages|bin|papierkorb|gelöscht|gelöschte elemente|corbeille".split("|"),
        *"éléments supprimés|papelera|elementos eliminados|cestino|posta eliminata|prullenbak".split("|"),
        *"verwijderde items|itens excluídos|lixeira|已删除|已删除邮件|ゴミ箱".split("|"),
    ),
    "archive": ("archive", "archives", "archiv", "archivo", "archivio", "archief"),
    "junk": (
        *"junk|spam|bulk|bulk mail|junk email|junk e-mail|junk-e-mail|spamverdacht|courrier indésirable".split("|"),
        *"indésirables|correo no deseado|posta indesiderata|ongewenste e-mail|垃圾邮件|迷惑メール".split("|"),
    ),
}
"""Usual names of such folders if the server does not report their special use."""


class MailId(Struct, frozen=True):
    """Identifies a mail: `folder:uidvalidity:uid`, valid as long as the folder's UIDVALIDITY (RFC 3501 2.3.1.1)."""

    folder: str
    uidvalidity: int
    uid: int

    def __str__(self) -> str:
        return f"{self.folder}:{self.uidvalidity}:{self.uid}"


def mail_id(text: str) -> MailId:
    """Parse an id. Raises InvalidRequest if it is malformed."""
    folder, _, numbers = text.strip().rpartition(":")
    folder, _, validity = folder.rpartition(":")
    if not folder or not all(number.isascii() and number.isdigit() for number in (validity, numbers)):
        raise InvalidRequest(
            f"{text[:100]!r} is not the id of a mail.",
            service=SERVICE,
            remedy="Use the `id` that imap.search_messages gives, such as INBOX:1700000000:42.",
        )
    return MailId(folder, int(validity), int(numbers))


class MailFolder(Struct, frozen=True):
    """One folder; `role` is drafts, sent, trash, archive, all, junk, flagged, inbox or ""."""

    name: str
    role: str
    can_hold_mail: bool


class Mailbox:
    """One mailbox. Thread-safe: each call has its own connection. Raises only ServiceError."""

    def __init__(self, settings: ImapSettings, connector: MailConnector, tokens: TokenSource | None = None) -> None:
        self.address = settings.address
        self._own = {compared(one) for alias in (settings.address, *settings.aliases) for one in specs(alias)}
        self.folder = settings.folder or "INBOX"
        self.servers = Servers(settings)
        named = settings.authserv_id.lower()
        self.receiver = ReceivingServer((named,), writes_several=True) if named else ANY
        self._user = settings.user or settings.address
        self._password = settings.password
        self._connector, self._tokens = connector, tokens
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._idle: list[tuple[float, ImapSession]] = []
        self._lock = threading.Lock()
        self._folders: tuple[float, list[MailFolder]] = (0.0, [])

    def is_own(self, sender: str) -> bool:
        """Return whether this `From` header names the mailbox itself, or an alias of it."""
        return any(compared(address) in self._own for address in specs(sender))

    @contextmanager
    def session(self) -> Iterator[ImapSession]:
        """Yield a signed-in connection for one call."""
        with deadline(_CALL_SECONDS):
            if not self._free.acquire(timeout=seconds_left(None, Timeout)):
                raise Timeout("All connections to the mailbox are busy.", service=SERVICE, outcome="not_done")
            try:
                session = self._kept() or self._opened()
                try:
                    yield session
                except ServiceError:
                    self._put_back(session)
                    raise
                except BaseException:
                    session.close()  # its last answer may be half read
                    raise
                self._put_back(session)
            finally:
                self._free.release()

    @contextmanager
    def apart(self) -> Iterator[ImapSession]:
        """Yield a signed-in connection beside those of calls, for as long as needed; it is closed afterwards."""
        session = self._opened()
        try:
            yield session
        finally:
            session.close()

    def _kept(self) -> ImapSession | None:
        """Return the most recently used connection that still works."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, session = self._idle.pop()
            if time.monotonic() - since < _SURE_SECONDS:
                return session
            try:
                session.ping()
            except ServiceError:
                session.close()
            else:
                return session

    def _opened(self) -> ImapSession:
        try:
            place, password = self.servers.imap(), self._password.get_secret_value()
            if self._tokens is not None:
                open_with = partial(open_session, self._connector, place, self._user, "")
                return with_token(self._tokens, self._user, open_with)
            with signing_in(self.address, place.host):
                return open_session(self._connector, place, self._user, password)
        except ServiceError as error:
            error.outcome = "not_done"  # the connection had not been used yet
            raise

    def _put_back(self, session: ImapSession) -> None:
        if session.is_broken:
            session.close()
            return
        with self._lock:
            self._idle.append((time.monotonic(), session))

    @contextmanager
    def opened(self, folder: str, *, for_reading: bool = True) -> Iterator[tuple[ImapSession, Selected]]:
        """Yield a connection with a folder open."""
        with self.session() as session:
            yield session, session.select(folder or self.folder, for_reading=for_reading)

    @contextmanager
    def holding(self, mail: MailId, *, for_reading: bool = True) -> Iterator[ImapSession]:
        """Yield a connection with the folder of a mail open.

        Raises Conflict if the server has renumbered the folder: the id may mean another mail now.
        """
        with self.opened(mail.folder, for_reading=for_reading) as (session, selected):
            if selected.uidvalidity != mail.uidvalidity:
                raise Conflict(
                    f"The mail server has renumbered the folder {mail.folder!r} (UIDVALIDITY {mail.uidvalidity} "
                    f"became {selected.uidvalidity}): the id {mail} is no longer valid.",
                    service=SERVICE,
                    remedy="Search again: imap.search_messages gives the new ids.",
                )
            yield session

    def close(self) -> None:
        """Close the connections; calls in progress fail."""
        self._connector.close()

    def folders(self) -> list[MailFolder]:
        """List the folders by name; refreshed every few minutes."""
        with self._lock:
            since, known = self._folders
        if known and time.monotonic() - since < _FOLDERS_SECONDS:
            return known
        with self.session() as session:
            listed = session.folders()
        found = sorted(_with_roles(listed), key=lambda one: one.name)
        with self._lock:
            self._folders = (time.monotonic(), found)
        return found

    def folder_for(self, role: str) -> str | None:
        """Return the name of the folder with this role (drafts, sent, trash, archive, all, junk), or None."""
        return next((one.name for one in self.folders() if one.role == role), None)

    def required_folder(self, role: str) -> str:
        """Return the name of the folder with this role. Raises NotFound if the mailbox has none."""
        found = self.folder_for(role)
        if found is None:
            raise NotFound(
                f"The mailbox has no folder for {role}.",
                service=SERVICE,
                remedy=f"Create a folder named {role.capitalize()} in your mail program.",
            )
        return found


def _with_roles(listed: list[tuple[str, str, tuple[str, ...]]]) -> Iterator[MailFolder]:
    # A special use that the server reports counts more than a usual name.
    taken = {role for _, _, flags in listed for flag in flags if (role := _role(flag))}
    for name, delimiter, flags in listed:
        role = next(filter(None, map(_role, flags)), "") or _usual_role(name, delimiter, lambda one: one not in taken)
        taken.add(role)
        yield MailFolder(name, role, not {"\\noselect", "\\nonexistent"} & {flag.lower() for flag in flags})


def _role(flag: str) -> str:
    return next((role for known, role in _ROLES.items() if known.lower() == flag.lower()), "")


def _usual_role(name: str, delimiter: str, is_wanted: Callable[[str], bool]) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    last = name.rpartition(delimiter)[2].casefold() if delimiter not in {"", "NIL"} else name.casefold()
    return next((role for role, names in _USUAL_NAMES.items() if last in names and is_wanted(role)), "")
