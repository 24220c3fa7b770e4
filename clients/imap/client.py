"""Any IMAP mailbox, with its mail sent by SMTP: one address, and one app password or one sign-in for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.deadline import deadline
from clients.errors import AuthError, InvalidRequest, ServiceError
from clients.imap.app import app_of, sign_in_of
from clients.imap.mailbox import Mailbox
from clients.imap.outbox import ImapOutbox
from clients.imap.reading import ImapReader
from clients.imap.replies import ImapAnswers
from clients.imap.service import IMAP
from clients.mail.identities import SendAs, aliases_of
from clients.mail_server.providers import SERVICE, app_password_page, signs_in_at
from clients.mail_server.settings import ImapSettings, Servers, connector_of
from clients.mail_server.wire import MailConnector
from clients.oauth.app import TokenSource
from clients.oauth.sign_in_file import SignInFile
from clients.oauth.tokens import TokenFile
from clients.pacing.paces import Paces
from clients.sign_in import SignInWay
from clients.smtp.client import SmtpClient
from clients.wording import counted

_ROLES = ("drafts", "sent", "trash", "archive")
_CAPABILITIES = ("UIDPLUS", "MOVE", "IDLE", "CONDSTORE", "SPECIAL-USE")
# For each line, so that a server that hangs does not hide what the other lines say.
_CHECK_SECONDS = 30.0


class ImapClient(Client):
    """One mailbox."""

    service = IMAP

    def __init__(
        self,
        settings: ImapSettings,
        connector: MailConnector,
        tokens: TokenSource | None = None,
        http: httpx.Client | None = None,
        paces: Paces | None = None,
    ) -> None:
        """`http` renews the tokens."""
        self._connector, self._has_password = connector, bool(settings.password.get_secret_value())
        self._settings, self._tokens, self.http = settings, tokens, http
        self.mailbox = Mailbox(settings, connector, tokens)
        """Folders, flags, and the connections to the server."""
        self.mail = ImapReader(self.mailbox)
        """Search and read mails."""
        self.answers = ImapAnswers(self.mailbox, self.mail)
        """What others have answered."""
        self.smtp = SmtpClient(settings, connector, tokens, paces)
        self.outbox = ImapOutbox(self.mailbox, self.smtp)
        """Outgoing mails and drafts."""

    @classmethod
    def open(cls, settings: ImapSettings, opening: Opening) -> ImapClient:
        """Return a client for these settings."""
        connector = connector_of(settings, is_demo=opening.is_demo)
        app = app_of(settings.model_dump()) if settings.token_file is not None and not opening.is_demo else None
        if app is None or settings.token_file is None:
            return cls(settings, connector, paces=opening.paces)
        file, http = (
            SignInFile(settings.token_file.expanduser(), app, opening.seal(settings.token_file)),
            opening.http(IMAP, ""),
        )
        return cls(settings, connector, TokenFile(file, http, ""), http, opening.paces)

    @classmethod
    def sign_in_for(cls, settings: Mapping[str, Any]) -> SignInWay | None:
        """Return how the owner signs in, where the provider lets programs in that way."""
        return sign_in_of(settings)

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None with a password."""
        return self._tokens.version() if self._tokens is not None else None

    def account(self) -> str:
        """Return the mailbox's address. Raises InvalidRequest if the connection has none."""
        given = self.mailbox.address
        if "@" not in given:
            raise InvalidRequest(
                f"{given!r} is not a mail address." if given else "There is no mail address yet.",
                service=SERVICE,
                remedy="Enter the address of the mailbox, such as me@fastmail.com.",
                field="address",
            )
        return self.mailbox.address

    def identities(self) -> list[SendAs]:
        """Return the addresses from which the mailbox may send, by its settings; its own one comes first."""
        return aliases_of(self.account(), self._settings.aliases, self._settings.signature)

    def url(self, message: str) -> str:
        """Return "": a mail in a mailbox has no web address."""
        return ""

    def folders(self) -> list[str]:
        """List the names of the folders that can hold mail."""
        return [one.name for one in self.mailbox.folders() if one.can_hold_mail]

    @classmethod
    def foreseen(cls, beside_key: Mapping[str, Any]) -> CheckLine | None:
        """Return why the address's provider cannot be used, or that its server has to be named."""
        address, host = (str(beside_key.get(name, "")).strip() for name in ("address", "host"))
        if "@" not in address:
            return None
        try:
            Servers(ImapSettings(address=address, host=host)).imap()
        except ServiceError as error:
            return failed(IMAP, "sign-in", error)
        return None

    @classmethod
    def key_page(cls, beside_key: Mapping[str, Any]) -> str:
        """Return the page of the address's provider, "" if it is not known; Google's as long as there is no address."""
        address = str(beside_key.get("address", ""))
        host = str(beside_key.get("host", ""))
        return app_password_page(address, host) if "@" in address else super().key_page(beside_key)

    def close(self) -> None:
        """Close the connections to the servers."""
        self._connector.close()
        super().close()

    def check(self) -> list[CheckLine]:
        """Run the checks that workflows depend on: [(what, ok, sentence)]; raises no service error."""
        lines = [_tried("sign-in", self._signed_in)]
        if lines[0].ok:
            lines += [_tried("folders", self._folders), _tried("special folders", self._special)]
            lines += [_tried("abilities", self._abilities)]
        return [*lines, self._check_sending()]

    def _signed_in(self) -> str:
        who = self.account()
        if not self._has_password and self._tokens is None:
            at = signs_in_at(who, self.mailbox.servers.host)
            way = f", or press Sign in with {at} on the page Connections" if at else ""
            raise AuthError("There is no password yet.", service=SERVICE, remedy=f"Enter the app password{way}.")
        way = f", with the sign-in at {self._tokens.app.at}" if self._tokens is not None else ""
        with self.mailbox.session():
            return f"Signed in to {self.mailbox.servers.imap().shown} as {who}{way}."

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

    def _check_sending(self) -> CheckLine:
        try:
            is_set_up = self.smtp.is_set_up
        except ServiceError as error:
            return failed(IMAP, "sending", error)
        if not is_set_up:
            said = "Mail cannot be sent: no server for sending is set. Reading needs none."
            return CheckLine("sending", ok=True, text=said, field="smtp_host", is_note=True)
        return _tried("sending", lambda: f"{self.smtp.check()} takes mail from {self.mailbox.address}.")


def _tried(what: str, attempt: Callable[[], str]) -> CheckLine:
    try:
        with deadline(_CHECK_SECONDS):
            return CheckLine(what, ok=True, text=attempt())
    except ServiceError as error:
        return failed(IMAP, what, error)
