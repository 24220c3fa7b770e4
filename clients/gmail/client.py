"""Gmail through google-api-python-client: one mailbox, and what can be done with it by matter."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients.counting import counted
from clients.errors import ServiceError
from clients.gmail.history import History
from clients.gmail.labels import Labels
from clients.gmail.outbox import Outbox
from clients.gmail.reading import Reading
from clients.gmail.sign_in_file import SERVICE, Seal
from clients.gmail.tokens import tokens_of
from clients.gmail.transport import GoogleHttp, answered
from clients.gmail.upload import Upload


class GmailSettings(BaseModel):
    """What `connections.<name>` of a Gmail account may say in config.yaml; `token_file` is the usual way."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = None
    token_file: Path | None = None
    base_url: str = "https://gmail.googleapis.com"
    web_url: str = "https://mail.google.com/mail/u/0/#all/"


class GmailClient:
    """One mailbox. Threads may share it; every method raises errors of `clients.errors` only."""

    service: ClassVar[str] = SERVICE
    Settings = GmailSettings
    key_variables: ClassVar[Mapping[str, str]] = {"token": "GMAIL_TOKEN"}
    key_place: ClassVar[str] = "Google Cloud, APIs and services, Credentials"
    key_url: ClassVar[str] = "https://console.cloud.google.com/apis/credentials"
    sign_in_at: ClassVar[str] = "Google"
    """Where a person signs in, instead of giving a key."""
    default_url: ClassVar[str] = "https://gmail.googleapis.com"

    def __init__(self, settings: GmailSettings, http: httpx.Client, seal: Seal | None = None) -> None:
        from googleapiclient.discovery import build as build_service

        token = settings.token.get_secret_value() if settings.token is not None else ""
        self._tokens = tokens_of(token, settings.token_file, http, seal)
        # Built from the description inside the package: nothing is asked for over the network.
        users = build_service(
            "gmail",
            "v1",
            http=GoogleHttp(http, self._tokens),
            client_options={"api_endpoint": settings.base_url},
            cache_discovery=False,
            static_discovery=True,
        ).users()
        self._users, self._web_url = users, settings.web_url
        self._account = ""
        self._lock = threading.Lock()
        self.labels = Labels(users)
        self.history = History(users, self.labels)
        """What is new, for a trigger."""
        self.mail = Reading(users, settings.web_url, self.account, self.labels)
        """Mails and threads, found and read."""
        self.outbox = Outbox(users, settings.web_url, self.account, Upload(settings.base_url))
        """Mails that go out, and drafts."""

    def account(self) -> str:
        """Give the address of the mailbox: the one noted at sign-in, else asked once."""
        with self._lock:
            noted = self._tokens.owner()
            self._account = noted or self._account or self._address()
            return self._account

    def sign_in_version(self) -> tuple[int, int] | None:
        """Give what changes whenever the sign-in does: it may be of another mailbox then; None for a bare token."""
        return self._tokens.version()

    def _address(self) -> str:
        return str(answered(self._users.getProfile(userId="me"), "emailAddress")["emailAddress"])

    def url(self, message: str) -> str:
        """Give where a person sees a mail or a thread."""
        return f"{self._web_url}{message}"

    def check(self) -> list[tuple[str, bool, str]]:
        """Try what workflows need: [(what, ok, sentence)]; raises nothing of the service."""
        try:
            signed_in = ("sign-in", True, f"Signed in as {self._address()}.")
            names = self.labels.names()
        except ServiceError as error:
            return [("sign-in", False, f"{error.message} {error.remedy}")]
        return [signed_in, ("labels", True, f"It can read {counted(len(names), 'label')}.")]
