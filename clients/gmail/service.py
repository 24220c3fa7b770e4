"""The declaration of Gmail, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.google.declaration import RENEWAL, token_key
from clients.mail.sending_pace import RecipientsPerDay
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service, Setting

_URL = "https://gmail.googleapis.com"


class GmailSettings(SignInSettings):
    """Settings of a Gmail account, `connections.<name>` in config.yaml."""

    base_url: str = Field(_URL, description="The address of the API.")
    recipients_per_day: RecipientsPerDay = None
    push_subscription: str = Field(
        "",
        description="A Cloud Pub/Sub subscription through which Gmail reports new mail at once: "
        "`projects/PROJECT/subscriptions/NAME`. Empty: it is found by polling.",
        pattern=r"^projects/[a-z0-9.:-]+/subscriptions/[A-Za-z][A-Za-z0-9._~%+-]+$|^$",
    )
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
    beside_key=(
        Setting("push_subscription", "", "Pub/Sub subscription for new mail", "projects/my-project/subscriptions/mail"),
    ),
    # A GET marks no mail as read.
    reads=(ReadRequest("GET", "/gmail/v1/users/**"), *RENEWAL),
    pickers={"gmail-label": "label_names"},
    shown_at=("mail.google.com",),
    link="Mail",
)
