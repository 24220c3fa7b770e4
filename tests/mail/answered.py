"""A mail that the owner of a mailbox has sent, in each of the three services, and what others answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from clients.outlook.client import OutlookClient
from clients.outlook.service import OutlookSettings
from tests.mail.mailboxes import connected, deliver, mail, new_settings

if TYPE_CHECKING:
    from tests.conftest import StandIns

ANN, BOB = "Ann Lee <ann@example.org>", "Bob <bob@other.example>"
OFFER = OutgoingMail(["ann@example.org"], subject="Offer", text="What do you think?")
_numbers = count(1)


@dataclass
class SentMail:
    """A mail from the owner to Ann, in a mailbox of a service."""

    service: str
    client: Any
    settings: dict[str, Any]
    """Of a connection to the mailbox."""
    id: str
    thread: str
    message_id: str
    arrive: Callable[[bytes], str]
    """Delivers a mail to the mailbox; returns its id."""

    @property
    def uses(self) -> str:
        """The step that waits for an answer."""
        return f"{self.service}.wait_for_reply"

    def answer(self, sender: str = ANN, text: str = "Fine", **headers: str) -> str:
        """Let somebody answer it; header names are written with `_` for `-`."""
        names = {
            "From": sender,
            "To": self.client.account(),
            "Subject": "Re: Offer",
            "Message-ID": f"<answer.{next(_numbers)}@example.org>",
            "In-Reply-To": self.message_id,
            "References": self.message_id,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items() if value)
        return self.arrive(f"{head}\r\n{text}\r\n".encode())


@contextmanager
def sent_from(service: str, standins: StandIns, http: httpx.Client, marker: str = "m" * 32) -> Iterator[SentMail]:
    """Send the mail from a mailbox of a service."""
    if service == "imap":
        settings = new_settings()
        with connected(settings) as client:
            made = mail("Offer", From=client.account(), To="ann@example.org")
            sent = deliver(client, made, "Sent Items")
            name = str(made["Message-ID"])
            yield SentMail("imap", client, settings, sent, name, name, lambda raw: deliver(client, raw))
        return
    where = standins[service]
    settings = {"token": where.token, "base_url": where.base_url}
    kinds: dict[str, tuple[Any, Any]] = {
        "gmail": (GmailClient, GmailSettings),
        "outlook": (OutlookClient, OutlookSettings),
    }
    kind, of_settings = kinds[service]
    opened = kind(of_settings(token=SecretStr(where.token), base_url=where.base_url), http)

    def arrive(raw: bytes) -> str:
        address = f"{where.origin}/_demo/mail"
        return str(standins.controls.post(address, content=raw).raise_for_status().json()["id"])

    told = opened.outbox.send(Letter(OFFER, marker))
    yield SentMail(service, opened, settings, told["id"], told["thread_id"], told["message_id"], arrive)
