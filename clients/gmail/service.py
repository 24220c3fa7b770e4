"""The declaration of Gmail, and the settings of its connections."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.reads import Read
from clients.service import Key, Service

_URL = "https://gmail.googleapis.com"


class GmailSettings(BaseModel):
    """Settings of a Gmail account, `connections.<name>` in config.yaml; most use `token_file`."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = Field(None, description="An access token, instead of a sign-in.")
    token_file: Path | None = Field(None, description="The file of the sign-in, which writes this setting.")
    base_url: str = Field(_URL, description="The address of the API.")
    web_url: str = Field(
        "https://mail.google.com/mail/u/0/#all/", description="The address that links to mails begin with."
    )


GMAIL = Service(
    name="gmail",
    title="Gmail",
    icon="mail",
    settings=GmailSettings,
    url=_URL,
    key=Key(
        setting="token",
        variable="GMAIL_TOKEN",
        place="Google Cloud, APIs and services, Credentials",
        url="https://console.cloud.google.com/apis/credentials",
    ),
    # A GET marks no mail as read. The tokens of a sign-in are renewed at the address in its file: Google's, or that of
    # a stand-in.
    reads=(
        Read("GET", "/gmail/v1/users/**"),
        Read("POST", "/token"),
        Read("POST", "/token", "https://oauth2.googleapis.com"),
    ),
    pickers={"gmail-label": "label_names"},
    shown_at=("mail.google.com",),
    link="Mail",
)
