"""Any mailbox by IMAP, its mail sent by SMTP: one address and one app password for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from clients.counting import counted
from clients.deadline import deadline
from clients.errors import AuthError, InvalidRequest, ServiceError
from clients.imap.mailbox import Mailbox
from clients.imap.providers import SERVICE, app_password_page
from clients.imap.settings import ImapSettings, way_out
from clients.mail.wire import Door
from clients.smtp import Outbox

_ROLES = ("drafts", "sent", "trash", "archive")
_CAPABILITIES = ("UIDPLUS", "MOVE", "IDLE", "CONDSTORE", "SPECIAL-USE")
_CHECK_SECONDS = 30.0
CheckLine = tuple[str, bool, str]


class ImapClient:
    """One mailbox: `mailbox` is read and changed, `outbox` sends. Threads may share it; raises ServiceError only."""

    service: ClassVar[str] = SERVICE
    Settings = ImapSettings
    way_out = staticmethod(way_out)
    """How this service is reached: not by HTTP."""
    key_variables: ClassVar[Mapping[str, str]] = {"password": "IMAP_PASSWORD"}
    more_variables: ClassVar[Mapping[str, str]] = {
        "address": "IMAP_ADDRESS",
        "host": "IMAP_HOST",
        "smtp_host": "SMTP_HOST",
    }
    key_place: ClassVar[str] = "Your mail provider's settings, app passwords (the link is Google's)"
    key_url: ClassVar[str] = "https://myaccount.google.com/apppasswords"
    default_url: ClassVar[str] = ""

    def __init__(self, settings: ImapSettings, door: Door) -> None:
        self.mailbox = Mailbox(settings, door)
        self.outbox = Outbox(settings, door)

    def account(self) -> str:
        """Give the address of the mailbox. Raises InvalidRequest where the connection names none."""
        if "@" not in self.mailbox.address:
            raise InvalidRequest(
                f"The connection's address {self.mailbox.address!r} is no mail address.",
                service=SERVICE,
                remedy="Set `address` to the address of the mailbox, such as me@fastmail.com.",
            )
        return self.mailbox.address

    def folders(self) -> list[str]:
        """List the names of the folders that can hold mail."""
        return [one.name for one in self.mailbox.folders() if one.can_hold_mail]

    def check(self) -> list[CheckLine]:
        """Try what workflows need: [(what, ok, sentence)]; raises nothing of the service."""
        lines = [_tried("sign-in", self._signed_in)]
        if lines[0][1]:
            lines += [_tried("folders", self._folders), _tried("special folders", self._special)]
            lines += [_tried("abilities", self._abilities)]
        return [*lines, _tried("sending", self._sending)]

    def _signed_in(self) -> str:
        try:
            with self.mailbox.session():
                return f"Signed in to {self.mailbox.servers.imap().shown} as {self.account()}."
        except AuthError as error:
            page = app_password_page(self.mailbox.address)
            error.remedy = f"Your provider takes an app password here, made at {page}." if page else error.remedy
            raise

    def _folders(self) -> str:
        with self.mailbox.opened("") as (_, selected):
            found = counted(len(self.folders()), "folder")
            return f"It has {found}; {selected.folder} holds {counted(selected.exists, 'mail')}."

    def _special(self) -> str:
        found = {role: self.mailbox.folder_for(role) for role in _ROLES}
        said = [f"{role}: {name or 'none'}" for role, name in found.items()]
        return f"{', '.join(said)}."

    def _abilities(self) -> str:
        with self.mailbox.session() as session:
            has = [one for one in _CAPABILITIES if one in session.capabilities]
        lacks = [one for one in _CAPABILITIES if one not in has]
        said = [f"has {', '.join(has)}" if has else "", f"lacks {', '.join(lacks)}" if lacks else ""]
        return f"The server {' and '.join(filter(None, said))}."

    def _sending(self) -> str:
        return f"{self.outbox.check()} takes mail from {self.mailbox.address}."


def _tried(what: str, attempt: Callable[[], str]) -> CheckLine:
    try:
        with deadline(_CHECK_SECONDS):
            return what, True, attempt()
    except ServiceError as error:
        return what, False, f"{error.message} {error.remedy}"
