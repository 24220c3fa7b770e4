"""The Gmail client (google-api-python-client): one mailbox, its operations grouped by topic."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import ServiceError
from clients.gmail.answers import GmailAnswers
from clients.gmail.app import GMAIL_APP, SIGN_IN, address_of, send_as_of, users_of
from clients.gmail.history import MailboxHistory
from clients.gmail.labels import Labels
from clients.gmail.outbox import GmailOutbox
from clients.gmail.push import MailboxPush
from clients.gmail.reading import GmailReader
from clients.gmail.service import GMAIL, GmailSettings
from clients.gmail.upload import MailUpload
from clients.mail.identities import SendAs
from clients.mail.sending_pace import SendingPace
from clients.mail_server.providers import WORKSPACE_HOST, mailbox_limit
from clients.oauth.tokens import tokens_of
from clients.pacing.paces import OwnPaces, Paces
from clients.sign_in import Seal
from clients.wording import counted


class GmailClient(Client):
    """One mailbox."""

    service = GMAIL
    http: httpx.Client
    sign_in_way = SIGN_IN

    def __init__(
        self, settings: GmailSettings, http: httpx.Client, seal: Seal | None = None, paces: Paces | None = None
    ) -> None:
        self.http = http
        self._tokens = tokens_of(GMAIL_APP, settings, http, seal)
        users = users_of(http, self._tokens, settings.base_url)
        self._users, self._web_url = users, settings.web_url
        self._account = ""
        self._lock = threading.Lock()
        self.labels = Labels(users)
        self.history = MailboxHistory(users, self.labels)
        """Changes, for a trigger."""
        self.push = MailboxPush(users, http, self._tokens, settings.push_subscription, settings.base_url)
        """What reports changes at once."""
        self.mail = GmailReader(users, settings.web_url, self.account, self.labels)
        """Search and read mails and threads."""
        self.answers = GmailAnswers(users, self.mail, self.account)
        """What others have answered."""
        host = WORKSPACE_HOST if settings.base_url == GMAIL.url else None
        limit = partial(mailbox_limit, settings.recipients_per_day, host)
        self.outbox = GmailOutbox(
            users,
            settings.web_url,
            self.account,
            MailUpload(settings.base_url),
            SendingPace(GMAIL.name, self.account, limit, paces or OwnPaces()),
        )
        """Outgoing mails and drafts."""

    @classmethod
    def open(cls, settings: GmailSettings, opening: Opening) -> GmailClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(GMAIL, settings.base_url), opening.seal(settings.token_file), opening.paces)

    def account(self) -> str:
        """Return the mailbox's address: as noted at sign-in, or fetched once."""
        with self._lock:
            noted = self._tokens.owner()
            self._account = noted or self._account or address_of(self._users)
            return self._account

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in, which may be to another mailbox; None for a bare token."""
        return self._tokens.version()

    def identities(self) -> list[SendAs]:
        """Return the addresses from which the mailbox may send, with their signatures; its own one comes first.

        https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.settings.sendAs
        """
        return send_as_of(self._users)

    def label_names(self) -> list[str]:
        """List the names of the labels."""
        return [one["name"] for one in self.labels.all()]

    def url(self, message: str) -> str:
        """Return the web address of a mail or thread."""
        return f"{self._web_url}{message}"

    def check(self) -> list[CheckLine]:
        """Run the checks that workflows depend on: [(what, ok, sentence)]; raises no service error."""
        try:
            signed_in = CheckLine("sign-in", ok=True, text=f"Signed in as {address_of(self._users)}.")
            names = self.labels.names()
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [signed_in, CheckLine("labels", ok=True, text=f"It can read {counted(len(names), 'label')}.")]

    def look_closer(self, now: datetime) -> list[CheckLine]:
        """Return whether Gmail reports new mail at once, if the connection wants that."""
        del now
        return self.push.check()
