"""The declaration of Outlook, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.base_url import BaseUrl
from clients.mail.sending_pace import RecipientsPerDay
from clients.microsoft.declaration import RENEWAL, URL, token_key
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service


class OutlookSettings(SignInSettings):
    """Settings of an Outlook account under `connections.<name>` in config.yaml."""

    base_url: BaseUrl = Field(URL, description="The address of the API.")
    mailbox: str = Field(
        "",
        description="The address of a shared mailbox, or of one that somebody has opened for you. Empty: your own.",
        pattern=r"^[^@\s/]+@[^@\s/]+$|^$",
    )
    aliases: list[str] = Field(
        default_factory=list,
        description="Addresses that mail may be from, besides those that Microsoft 365 knows for the mailbox.",
    )
    signature: str = Field("", description="The text below mail that a step sends with a signature.")
    recipients_per_day: RecipientsPerDay = None


def _of(whose: str) -> tuple[ReadRequest, ...]:
    """Return the reads of a mailbox: a GET marks no mail as read."""
    kinds = ("messages", "messages/**", "mailFolders", "mailFolders/**")
    return tuple(ReadRequest("GET", f"/v1.0/{whose}/{kind}") for kind in kinds)


OUTLOOK = Service(
    name="outlook",
    title="Outlook",
    icon="markunread_mailbox",
    settings=OutlookSettings,
    url=URL,
    key=token_key("OUTLOOK_TOKEN"),
    reads=(ReadRequest("GET", "/v1.0/me"), *_of("me"), *_of("users/*"), *RENEWAL),
    pickers={"outlook-folder": "folder_names"},
    shown_at=("outlook.office365.com", "outlook.office.com", "outlook.live.com"),
    link="Mail",
)
