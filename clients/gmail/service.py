"""The declaration of Gmail, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.google.declaration import RENEWAL, token_key
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service

_URL = "https://gmail.googleapis.com"


class GmailSettings(SignInSettings):
    """Settings of a Gmail account, `connections.<name>` in config.yaml."""

    base_url: str = Field(_URL, description="The address of the API.")
    web_url: str = Field(
        "https://mail.google.com/mail/u/0/#all/", description="The start of the addresses of links to mails."
    )


GMAIL = Service(
    name="gmail",
    title="Gmail",
    icon="mail",
    settings=GmailSettings,
    url=_URL,
    key=token_key("GMAIL_TOKEN"),
    # A GET marks no mail as read.
    reads=(ReadRequest("GET", "/gmail/v1/users/**"), *RENEWAL),
    pickers={"gmail-label": "label_names"},
    shown_at=("mail.google.com",),
    link="Mail",
)
