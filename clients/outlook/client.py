"""The Outlook client: one mailbox of Microsoft 365 or Outlook.com, its operations grouped by topic."""

from __future__ import annotations

from functools import partial

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import ServiceError
from clients.mail.identities import SendAs, aliases_of
from clients.mail.sending_pace import SendingPace
from clients.mail_server.providers import EXCHANGE_HOST, mailbox_limit
from clients.microsoft.graph import Graph
from clients.oauth.tokens import tokens_of
from clients.outlook.answers import OutlookAnswers
from clients.outlook.app import SIGN_IN, address_of, app_for
from clients.outlook.arrivals import OutlookArrivals
from clients.outlook.box import IMMUTABLE, OutlookBox
from clients.outlook.filing import OutlookFiling
from clients.outlook.labels import OutlookLabels
from clients.outlook.outbox import OutlookOutbox
from clients.outlook.reading import OutlookReader
from clients.outlook.service import OUTLOOK, OutlookSettings
from clients.pacing.paces import OwnPaces, Paces
from clients.sign_in import Seal
from clients.wording import counted

_SMTP = "smtp:"
"""Before each of `proxyAddresses`; in capital letters before the first one."""


class OutlookClient(Client):
    """One mailbox: one's own, or a shared one."""

    service = OUTLOOK
    http: httpx.Client
    sign_in_way = SIGN_IN

    def __init__(
        self, settings: OutlookSettings, http: httpx.Client, seal: Seal | None = None, paces: Paces | None = None
    ) -> None:
        self.http = http
        self._tokens = tokens_of(app_for(settings.mailbox), settings, http, seal)
        self._settings, self._mailbox, self._signed_in = settings, settings.mailbox, ""
        graph = self._graph = Graph(http, self._tokens, settings.base_url, {"Prefer": IMMUTABLE})
        self.box = OutlookBox(graph, settings.mailbox, self.account)
        self.labels = OutlookLabels(self.box)
        """Categories, read and unread, flags."""
        self.mail = OutlookReader(self.box)
        """Search and read mails and threads."""
        self.answers = OutlookAnswers(self.box, self.mail)
        """What others have answered."""
        self.arrivals = OutlookArrivals(self.box)
        """New mail, for a trigger."""
        self.filing = OutlookFiling(self.box)
        """Move mails to other folders."""
        host = EXCHANGE_HOST if settings.base_url == OUTLOOK.url else None
        limit = partial(mailbox_limit, settings.recipients_per_day, host)
        self.outbox = OutlookOutbox(
            self.box,
            SendingPace(OUTLOOK.name, self.account, limit, paces or OwnPaces()),
        )
        """Outgoing mails and drafts."""

    @classmethod
    def open(cls, settings: OutlookSettings, opening: Opening) -> OutlookClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(OUTLOOK, settings.base_url), opening.seal(settings.token_file), opening.paces)

    def account(self) -> str:
        """Return the mailbox's address: the shared one, as noted at sign-in, or fetched once."""
        return self._mailbox or self._person()

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None for a bare token."""
        return self._tokens.version()

    def identities(self) -> list[SendAs]:
        """Return the addresses from which the mailbox may send; its own one comes first.

        Those of Microsoft 365 are `proxyAddresses` (https://learn.microsoft.com/graph/api/resources/user); personal
        accounts, and shared mailboxes for whoever uses them, tell none.
        """
        me = {} if self._mailbox else self._graph.get(f"{self._graph.url}/me?$select=proxyAddresses")
        known = [str(one) for one in me.get("proxyAddresses") or []]
        own = [one[len(_SMTP) :] for one in known if one.lower().startswith(_SMTP)]
        return aliases_of(self.account(), [*own, *self._settings.aliases], self._settings.signature)

    def folder_names(self) -> list[str]:
        """List the paths of the folders."""
        return sorted(self.box.paths().values(), key=str.casefold)

    def url(self, mail: str) -> str:
        """Return the web address of a mail or thread."""
        return self.box.link(mail)

    def check(self) -> list[CheckLine]:
        """Run the checks that workflows depend on; raises no service error."""
        try:
            who = address_of(self._graph.get(f"{self._graph.url}/me"))
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        signed_in = CheckLine("sign-in", ok=True, text=f"Signed in as {who}.")
        try:
            names = self.folder_names()
        except ServiceError as error:
            return [signed_in, failed(self.service, "mailbox", error)]
        said = f"It can read {counted(len(names), 'folder')} of {self._mailbox or 'the mailbox'}."
        return [signed_in, CheckLine("mailbox", ok=True, text=said)]

    def _person(self) -> str:
        """Return who is signed in."""
        if not self._signed_in:
            self._signed_in = self._tokens.owner() or address_of(self._graph.get(f"{self._graph.url}/me"))
        return self._signed_in
